"""What a trace sees is what transformers itself reports, and plain autograd differentiates."""

from __future__ import annotations

import pytest
import torch

from glossator.errors import InputError, ModelError
from glossator.game import READOUTS, Budget, Counts, Trace
from tests.game import zoo

FAMILIES = [family for family in zoo.CONFIGS if not family.startswith("falcon")]


def trace(model, question, readout="logprob") -> Trace:
    players = zoo.acting(question)
    before = question.before[:, : len(players)]
    return Trace(model, question, players, before, READOUTS.get(readout), Budget(), Counts())


def plain(model, inputs=None):
    """A forward pass by transformers' own eager attention, with its attention kept."""
    ids = torch.tensor(zoo.IDS)[None]
    inputs = model.embed(ids) if inputs is None else inputs
    with model.attention("eager"):
        return model.hf(inputs_embeds=inputs, output_attentions=True, use_cache=False)


@pytest.mark.parametrize("family", FAMILIES)
def test_attention_is_what_transformers_reports(family: str) -> None:
    model = zoo.causal(family)
    seen = trace(model, zoo.words_question()).attention()
    with torch.no_grad():
        expected = torch.cat(plain(model).attentions)
    torch.testing.assert_close(seen, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("family", FAMILIES)
def test_gradients_by_attention_are_those_of_autograd(family: str) -> None:
    model, question = zoo.causal(family), zoo.words_question()
    ours = trace(model, question)
    layers = ours.layers
    values, maps = ours.pull(torch.ones(1, layers), lambda weights, slope: slope.sum(1))
    inputs = model.embed(torch.tensor(zoo.IDS)[None]).detach().requires_grad_(True)
    out = plain(model, inputs)
    logs = out.logits[0].log_softmax(-1)
    for t, target in enumerate(question.targets):
        steps = enumerate(target.branches[0].tokens)
        value = torch.stack([logs[target.context - 1 + step, token] for step, token in steps]).sum()
        slopes = torch.autograd.grad(value, out.attentions, retain_graph=True)
        expected = torch.stack([slope[0].sum(0) for slope in slopes]).sum(0)
        assert float(values[0, t]) == pytest.approx(float(value), abs=1e-4)
        scale = expected.abs().max().clamp_min(1)
        torch.testing.assert_close(maps[0, t].sum(0) / scale, expected / scale, atol=2e-5, rtol=0)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "bert"])
def test_a_layer_without_a_value_vector(family: str) -> None:
    """Against the whole model run again, its value projection zeroed at one token by a hook."""
    causal = family != "bert"
    model = zoo.causal(family) if causal else zoo.classifier(family)
    asked = zoo.words_question() if causal else zoo.class_question()
    for layer in (0, 1):
        whole, without = trace(model, asked).without_value(layer)
        assert without.shape == (len(zoo.IDS), *whole.shape)
        torch.testing.assert_close(output_without(model, layer, None), whole, atol=1e-5, rtol=0)
        for token in (0, 7, 19):
            expected = output_without(model, layer, token)
            torch.testing.assert_close(without[token], expected, atol=1e-5, rtol=0)


def output_without(model, layer: int, token: int | None) -> torch.Tensor:
    block, kept = model.blocks[layer], []
    names = dict(block.named_modules())
    joint = "attn.c_attn" in names
    values = (
        names["attn.c_attn"]
        if joint
        else next(m for n, m in names.items() if n.endswith(("v_proj", "value")))
    )

    def zero(_, __, output):
        output = output.clone()
        if token is not None:
            first = 2 * output.shape[-1] // 3 if joint else 0
            output[:, token, first:] = 0
        return output

    hooks = [
        values.register_forward_hook(zero),
        block.register_forward_hook(
            lambda _, __, output: kept.append(output[0] if isinstance(output, tuple) else output)
        ),
    ]
    try:
        with torch.no_grad():
            model.hf(input_ids=torch.tensor(zoo.IDS)[None])
    finally:
        for hook in hooks:
            hook.remove()
    return kept[0][0]


def test_a_layer_scaled_to_nothing_passes_nothing_on() -> None:
    ours = trace(zoo.causal("gpt2"), zoo.tokens_question())
    scale = torch.tensor([[1.0, 1.0], [0.0, 1.0], [0.5, 1.0]])
    values, _ = ours.pull(scale, lambda weights, slope: weights.sum(1))
    torch.testing.assert_close(values.double(), ours.values(scale).double())
    torch.testing.assert_close(values[:1].double(), ours.values(torch.ones(1, 2)).double())
    assert (values[0] - values[1]).abs().max() > 1e-3


@pytest.mark.parametrize(("family", "place"), [("bert", 0), ("roberta", 0), ("gpt2", 19)])
def test_where_a_classifier_reads(family: str, place: int) -> None:
    read = trace(zoo.classifier(family), zoo.class_question()).read_from
    assert read.argmax(1).tolist() == [place] * 3 and read.max(1).values.tolist() == [1] * 3


def test_positions_of_a_target_of_two_tokens_share_it() -> None:
    ours = trace(zoo.causal("gpt2"), zoo.words_question())
    maps = torch.eye(len(zoo.IDS), dtype=torch.float64)
    scores = ours.scores(maps)
    assert scores.shape == ours.before.shape
    assert bool((scores.isnan() == ~ours.before).all())
    assert ours.read_from.sum(1).tolist() == [1] * ours.targets


def test_what_cannot_be_traced_is_refused() -> None:
    with pytest.raises(ModelError, match="is its own and cannot be looked into"):
        trace(zoo.causal("falcon"), zoo.words_question()).attention()
    with pytest.raises(InputError, match="read from two texts"):
        trace(zoo.causal("gpt2"), zoo.contrast_question())
    with pytest.raises(InputError, match="--readout logprob"):
        trace(zoo.causal("gpt2"), zoo.words_question(), "kl")


def test_the_model_is_left_as_found() -> None:
    model = zoo.causal("llama")
    ours = trace(model, zoo.words_question())

    def state():
        hooks = [(len(m._forward_hooks), len(m._forward_pre_hooks)) for m in model.hf.modules()]
        return model.hf.config._attn_implementation, hooks

    before = state()

    def broken(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ours.pull(torch.ones(1, 2), broken)
    assert state() == before
    assert all(p.requires_grad for p in model.hf.parameters())
