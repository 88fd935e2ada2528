"""Words give way the further the less they score: an oracle, and what it must not depend on."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation import weighted_exclusion
from glossator.evaluation.weighted_exclusion import replacements
from tests.attribution.tapes import FakeTape, random_tape
from tests.evaluation.cases import scores_of

seeds = st.integers(0, 2**20)
few = settings(max_examples=15, deadline=None)


def oracle(tape: FakeTape, target: int, scores: list[float], radius: float) -> float:
    """Token by token, neighbour by neighbour."""
    largest = max([score for score in scores if score > 0], default=0.0)
    moved = tape.inputs.clone()
    distances = [
        [math.dist(own.tolist(), other.tolist()) for other in tape.table] for own in tape.inputs
    ]
    furthest = max(map(max, distances))
    for token, player in enumerate(tape.player_of.tolist()):
        if player < 0 or math.isnan(scores[player]):
            continue
        weight = max(scores[player], 0.0) / largest if largest else 0.0
        wanted = min(radius / weight, furthest) if weight else furthest
        gaps = [abs(distance - wanted) for distance in distances[token]]
        moved[token] = tape.table[gaps.index(min(gaps))]
    both = tape.function(torch.stack([tape.inputs, moved]))[:, target]
    return float(both[0] - both[1])


@given(seed=seeds, radius=st.floats(0.1, 3.0))
@few
def test_oracle(seed: int, radius: float) -> None:
    tape = random_tape(seed)
    scores = scores_of(seed, tape.before)
    found = weighted_exclusion(tape, scores, radius=radius)
    for target, row in enumerate(scores.tolist()):
        assert float(found[target]) == pytest.approx(oracle(tape, target, row, radius), abs=1e-5)


@given(seed=seeds)
@few
def test_the_radius_that_is_not_given_is_half_way_to_the_nearest(seed: int) -> None:
    tape = random_tape(seed, counts=(1,))
    scores = torch.tensor([[2.0, *[math.nan] * 4]], dtype=torch.float64)
    between = (tape.inputs[:, None] - tape.table).norm(dim=2)
    nearest = between.topk(2, largest=False).values[:, 1]
    radius = float(nearest[1:].float().median()) / 2
    assume(abs(float(nearest[1]) - 2 * radius) > 1e-3)  # as far from itself as from its neighbour
    assert float(weighted_exclusion(tape, scores)[0]) == pytest.approx(
        oracle(tape, 0, scores[0].tolist(), radius), abs=1e-5
    )


def test_one_row_for_each_target_and_the_text_itself() -> None:
    tape = random_tape(0)
    weighted_exclusion(tape, scores_of(0, tape.before))
    assert tape.rows == tape.targets + 1


def test_no_scores_no_value_and_no_radius_below_zero() -> None:
    tape = random_tape(0)
    nothing = torch.full(tape.before.shape, math.nan, dtype=torch.float64)
    assert weighted_exclusion(tape, nothing).isnan().all()
    with pytest.raises(InputError, match="above 0"):
        weighted_exclusion(tape, nothing, radius=0.0)


def test_the_lighter_a_word_the_further_what_replaces_it() -> None:
    place = torch.tensor([[0.0, 1.0, 2.0, 4.0, 8.0]]).T
    distance = torch.cdist(place[:1], place).expand(4, -1)
    found = replacements(distance, torch.tensor([1.0, 0.5, 0.25, 0.0]), radius=0.5)
    assert found.tolist() == [0, 1, 2, 4]
