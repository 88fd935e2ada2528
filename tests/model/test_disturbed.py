"""Disturbed models compute what they should, and are bit by bit what they were afterwards."""

from __future__ import annotations

import pytest
import torch

from glossator import LanguageModel, load_model
from glossator.errors import InputError
from glossator.model.disturbed import (
    cascade,
    layers_from_output,
    moved,
    redrawn,
    rewritten,
    shifted,
)
from tests.run.small_models import small

IDS = torch.tensor([[7, 11, 3, 9]])
FAMILIES = [("causal", "miniature"), ("classifier", "bert"), ("masked", "roberta")]


def model_of(kind: str, family: str) -> LanguageModel:
    return load_model(device="cpu") if family == "miniature" else small(kind, family)


def logits(model: LanguageModel, by_embedding: bool) -> torch.Tensor:
    inputs = model.embed(IDS) if by_embedding else IDS
    with model.inference():
        return model.logits(inputs, None, torch.ones_like(IDS)).clone()


def state(model: LanguageModel) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.hf.state_dict().items()}


def same(before: dict[str, torch.Tensor], model: LanguageModel) -> bool:
    return all(torch.equal(value, before[name]) for name, value in model.hf.state_dict().items())


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize(("kind", "family"), FAMILIES)
@pytest.mark.parametrize("by_embedding", [False, True])
def test_what_should_not_change_the_model_does_not(
    kind: str, family: str, by_embedding: bool
) -> None:
    model = model_of(kind, family)
    clean = logits(model, by_embedding)
    for disturb in (rewritten, shifted):
        with disturb(model, generator()):
            torch.testing.assert_close(logits(model, by_embedding), clean, atol=2e-4, rtol=1e-4)
    assert torch.equal(logits(model, by_embedding), clean)


@pytest.mark.parametrize(("kind", "family"), FAMILIES)
def test_inputs_are_shifted_and_weights_rewritten_all_the_same(kind: str, family: str) -> None:
    model = model_of(kind, family)
    inputs, before = model.embed(IDS), state(model)
    with shifted(model, generator()):
        shift = model.embed(IDS) - inputs
    torch.testing.assert_close(shift, shift[:1, :1].expand_as(shift), atol=1e-4, rtol=1e-4)
    assert float(shift.detach().abs().max()) > 0
    with rewritten(model, generator()):
        assert not same(before, model)
    assert same(before, model)


@pytest.mark.parametrize("by_embedding", [False, True])
def test_inputs_move_by_the_radius_at_most(by_embedding: bool) -> None:
    model = load_model(device="cpu")
    size = float(model.embedding.weight.square().mean().sqrt())
    clean, inputs = logits(model, by_embedding), model.embed(IDS)
    with moved(model, generator(), radius=0.05):
        there = model.embed(IDS)
        change = (logits(model, by_embedding) - clean).abs().max()
    assert 0.02 * size < float((there - inputs).abs().max()) <= 0.05 * size * (1 + 1e-3)
    assert 0 < float(change) < 10
    assert torch.equal(logits(model, by_embedding), clean)


def test_the_cascade_goes_from_the_output_down_and_is_undone() -> None:
    model = load_model(device="cpu")
    before, clean = state(model), logits(model, False)
    names = [name for name, _ in layers_from_output(model)]
    assert names[-1] == "inputs"
    assert names[-2] == "block 0"
    changed: list[int] = []
    with cascade(model, generator()) as steps:
        for _ in steps:
            now = model.hf.state_dict()
            changed.append(sum(not torch.equal(now[name], before[name]) for name in before))
        assert not torch.allclose(logits(model, False), clean, atol=0.1)
    assert changed == sorted(changed)
    assert len(changed) == len(names)
    assert same(before, model)


def test_one_layer_alone_keeps_its_mean_and_spread() -> None:
    model = load_model(device="cpu")
    before = state(model)
    with redrawn(model, "block 0", generator()):
        now = model.hf.state_dict()
        changed = {name for name in before if not torch.equal(now[name], before[name])}
        assert changed
        assert all(".0." in name for name in changed)
        for name in changed:
            if before[name].numel() > 1000:
                assert float(now[name].std() / before[name].std()) == pytest.approx(1, abs=0.1)
    assert same(before, model)


def test_everything_is_put_back_after_an_error() -> None:
    model = load_model(device="cpu")
    before, clean = state(model), logits(model, False)
    for disturb in (moved, shifted, rewritten, cascade):
        with pytest.raises(KeyError), disturb(model, generator()) as steps:
            if steps is not None:
                next(steps)
            raise KeyError
        assert same(before, model)
        assert torch.equal(logits(model, False), clean)


def test_the_same_seed_disturbs_alike() -> None:
    model = load_model(device="cpu")
    for disturb in (moved, shifted):
        found = []
        for _ in range(2):
            with disturb(model, generator(3)):
                found.append(model.embed(IDS))
        assert torch.equal(*found)


def test_two_inputs_cannot_be_shifted() -> None:
    model = small("encoder_decoder", "t5")
    with pytest.raises(InputError, match="two inputs"), shifted(model, generator()):
        pass
