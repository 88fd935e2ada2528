"""Perturbed masking against plain loops over a model, closed forms, and what it must keep."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator import explain
from glossator.attribution import perturbed_masking
from glossator.errors import InputError, UnknownName
from glossator.run import Inquiry, inquire
from tests.attribution.states import FakeStates
from tests.run.small_models import CONFIGS, small

TEXT = "Max didn't like rain."


@torch.no_grad()
def slow_impact(of: Inquiry) -> torch.Tensor:
    """[targets units]: two forward passes for each pair, state by state."""
    question, hf = of.question, of.model.hf
    table = torch.full((len(question.targets), len(question.units)), torch.nan)

    def state(place: int, masked: set[int], written: dict[int, int]) -> torch.Tensor:
        ids = [question.mask if i in masked else t for i, t in enumerate(question.ids)]
        ids = [written.get(i, token) for i, token in enumerate(ids)]
        out = hf(input_ids=torch.tensor([ids]), output_hidden_states=True)
        return out.hidden_states[-1][0, place].double()

    for t, target in enumerate(question.targets):
        size = len(target.tokens)
        own = set(range(target.place, target.place + size))
        for unit in question.players:
            other = set(range(*question.unit_tokens[unit]))
            if other & own:
                continue
            total = 0.0
            for step in range(size):
                given = dict(enumerate(target.tokens[:step], target.place))
                place = target.place + step
                once, twice = state(place, own, given), state(place, own | other, given)
                total += math.sqrt(sum((a - b) ** 2 for a, b in zip(once, twice, strict=True)))
            table[t, unit] = total / size
    return table


@pytest.mark.parametrize("target_units", ["words", "tokens"])
@pytest.mark.parametrize("family", CONFIGS["masked"])
def test_the_impact_matrix_is_a_plain_loop(family: str, target_units: str) -> None:
    of = inquire(TEXT, small("masked", family), target_units=target_units)
    why = of.run("perturbed_masking")
    expected = slow_impact(of)
    assert torch.equal(why.scores.isnan(), expected.isnan())
    assert torch.allclose(why.scores.float(), expected, atol=1e-4, equal_nan=True)
    assert why.scores.nan_to_num(0).max() > 0.01
    assert why.provenance.removal == "token:mask"
    assert why.provenance.notes["unit"] == "distance" and why.provenance.notes["caveat"]


@pytest.mark.parametrize("text", [TEXT, "Max didn't like the <mask>."])
def test_the_loss_of_probability_is_leave_one_out_by_masking(text: str) -> None:
    model = small("masked", "roberta")
    why = explain(text, model, method="perturbed_masking", options={"distance": "probability"})
    left = explain(text, model, removal="token:mask", readout="probability")
    assert torch.allclose(why.scores, left.scores, rtol=0, atol=1e-9, equal_nan=True)
    assert why.provenance.notes["unit"] == "probability"


@pytest.mark.parametrize("family", CONFIGS["masked"])
def test_a_word_that_stays_what_it_is_moves_nothing(family: str) -> None:
    """Dummy: where the stand-in for a unit is its own token, the text is the same."""
    of = inquire(TEXT, small("masked", family), units="tokens", target_units=[(16, 20)])
    unit = of.players[0]
    (token,) = of.question.units[unit].tokens
    scores = of.run("perturbed_masking", f"token:{token}").scores[0]
    assert float(scores[unit]) == pytest.approx(0, abs=1e-6)
    assert scores.nan_to_num(0).max() > 1e-3


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 6))
def test_of_sums_of_vectors_it_is_their_lengths(seed: int, targets: int, players: int) -> None:
    states = FakeStates(seed, targets, players)
    found = perturbed_masking(states).scores
    assert torch.allclose(
        found, states.vectors.norm(dim=-1).masked_fill(~states.before, torch.nan), equal_nan=True
    )
    assert not bool((found < 0).any())
    lost = perturbed_masking(states, distance="probability").scores
    assert torch.allclose(
        lost, states.weights.masked_fill(~states.before, torch.nan), equal_nan=True
    )


@pytest.mark.parametrize("batch_rows", [1, 3])
def test_the_same_at_any_batch_size(batch_rows: int) -> None:
    model = small("masked", "bert")
    whole, cut = (
        explain(TEXT, model, method="perturbed_masking", batch_rows=rows)
        for rows in (None, batch_rows)
    )
    assert torch.allclose(whole.scores, cut.scores, rtol=0, atol=1e-6, equal_nan=True)


def test_with_drawn_words_in_place_of_the_mask_it_has_an_error() -> None:
    why = explain(TEXT, small("masked", "bert"), method="perturbed_masking", removal="infill:3")
    assert why.stderr is not None and (why.stderr.nan_to_num(0) > 0).any()
    assert why.provenance.notes["unit"] == "distance"


def test_it_keeps_to_the_rows_it_announces() -> None:
    told: list[tuple[str, float, int]] = []
    why = explain(
        TEXT,
        small("masked", "bert"),
        method="perturbed_masking",
        trust=False,
        progress=lambda *each: told.append(each),
    )
    assert 0 < why.cost.forward_rows <= told[0][2]


def test_what_cannot_be_asked() -> None:
    model = small("masked", "bert")
    with pytest.raises(UnknownName, match="unknown distance 'cosine'"):
        explain(TEXT, model, method="perturbed_masking", options={"distance": "cosine"})
    known = sorted(name[1:] for name in model.tokenizer.get_vocab() if name[0] == "Ġ")
    one, other = [word for word in known if word.isascii() and word.isalpha()][:2]
    masked = "Max didn't like the <mask>."
    with pytest.raises(InputError, match="distance=probability"):
        explain(masked, model, continuation=one, contrast=other, method="perturbed_masking")
    both = explain(
        masked,
        model,
        continuation=one,
        contrast=other,
        method="perturbed_masking",
        options={"distance": "probability"},
    )
    assert torch.isfinite(both.scores[0][[unit.player for unit in both.units]]).all()
