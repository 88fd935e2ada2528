"""What every metric must do whatever the game: ranges, invariances, what it costs, NaN."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

import glossator.evaluation  # noqa: F401  registers the metrics
from glossator.game import Game
from glossator.registry import METRICS
from tests.attribution.games import generator, smooth_game
from tests.evaluation.cases import case, scores_of

seeds = st.integers(0, 2**20)
shapes = st.lists(st.integers(0, 6), min_size=1, max_size=4)
few = settings(max_examples=15, deadline=None)

OF_GAMES = [name for name in METRICS if METRICS.get(name).needs == "game"]
OF_RATIONALES = [name for name in METRICS if METRICS.get(name).needs == "rationale"]
AGAIN = [
    name
    for name in METRICS
    if METRICS.get(name).needs in ("moved", "shifted", "rewritten", "randomised", "redrawn")
]
# These look at the sizes of scores; the others at their order alone.
OF_SIZES = {
    "completeness",
    "infidelity",
    "dummy",
    "symmetry",
    "polarity",
    "soft_comprehensiveness",
    "soft_sufficiency",
}


def evidence(name: str, game: Game, scores: Tensor, seed: int) -> Any:
    needs = METRICS.get(name).needs
    if needs == "game":
        return game
    if needs == "rationale":
        return torch.rand(scores.shape, generator=generator(seed)) < 0.5
    return torch.stack([scores_of(seed + i, game.before) for i in (1, 2)])


def measured(name: str, game: Game, scores: Tensor, seed: int) -> Tensor:
    metric = METRICS.get(name)
    found: Tensor = metric.run(
        evidence(name, game, scores, seed), scores, generator=generator(seed)
    )
    return found


@pytest.mark.parametrize("name", OF_GAMES + OF_RATIONALES + AGAIN)
@given(seed=seeds, counts=shapes, ties=st.booleans())
@few
def test_range_and_shape(name: str, seed: int, counts: list[int], ties: bool) -> None:
    game, scores = case(seed, counts, ties, measure="probability")
    found = measured(name, game, scores, seed)
    low, high = METRICS.get(name).range
    assert found.shape == (len(counts),)
    known = found[~found.isnan()]
    assert bool(((known >= low - 1e-9) & (known <= high + 1e-9)).all())
    assert bool(found[scores.isnan().all(1)].isnan().all()), "no score, no value"
    assert not bool(found.isinf().any())


@pytest.mark.parametrize("name", sorted(set(OF_GAMES + OF_RATIONALES) - OF_SIZES))
@given(seed=seeds, counts=shapes)
@few
def test_only_the_order_of_scores_counts(name: str, seed: int, counts: list[int]) -> None:
    game, scores = case(seed, counts, measure="probability")
    once = measured(name, game, scores, seed)
    again = measured(name, game, scores.exp() * 3 + 1, seed)
    torch.testing.assert_close(once, again, equal_nan=True)


@pytest.mark.parametrize("name", OF_GAMES)
@given(seed=seeds, own=st.integers(1, 5))
@few
def test_players_that_cannot_act_do_not_count(name: str, seed: int, own: int) -> None:
    """A target's number is the same whether there are later words or not."""
    whole, scores = case(seed, [own], measure="probability")

    def evaluate(keep: Tensor) -> Tensor:
        padded = torch.zeros(len(keep), 6, dtype=torch.bool)
        padded[:, :own] = keep
        return whole(padded)

    short = Game(evaluate, whole.before[:, :own], measure="probability")
    if name in ("infidelity", "dummy", "symmetry", "soft_comprehensiveness", "soft_sufficiency"):
        return  # these draw for all players at once: other draws
    found = METRICS.get(name).run(short, scores[:, :own], generator=None)
    expected = METRICS.get(name).run(whole, scores, generator=None)
    torch.testing.assert_close(found, expected, equal_nan=True)


@pytest.mark.parametrize("name", ["infidelity", "completeness"])
@given(seed=seeds, counts=shapes)
@few
def test_scores_of_an_additive_game_are_perfect(name: str, seed: int, counts: list[int]) -> None:
    _, scores = case(seed, counts)
    weights = scores.nan_to_num(0.0)
    game = Game(lambda keep: keep.double() @ weights.T, ~scores.isnan())
    found = METRICS.get(name).run(game, scores, generator=generator(seed))
    assert float(found.nan_to_num(0.0).abs().max()) < 1e-12


@given(seed=seeds)
@few
def test_true_order_beats_every_other_in_an_additive_game(seed: int) -> None:
    _, scores = case(seed, [6])
    game = Game(lambda keep: keep.double() @ scores.T, ~scores.isnan(), measure="nats")
    other = scores[:, torch.randperm(6, generator=generator(seed))]
    better = {"higher": torch.ge, "lower": torch.le}
    for name in ("comprehensiveness", "sufficiency", "fid", "aopc", "deletion", "insertion"):
        metric = METRICS.get(name)
        best, worse = (metric.run(game, each, generator=None) for each in (scores, other))
        slack = 1e-9 if metric.direction == "higher" else -1e-9
        assert better[metric.direction](best + slack, worse).all(), name


@pytest.mark.parametrize("name", AGAIN)
def test_the_same_scores_again_have_not_changed(name: str) -> None:
    scores = torch.tensor([[1.0, -2.0, 3.0], [0.5, 0.25, math.nan]], dtype=torch.float64)
    found = METRICS.get(name).run(torch.stack([scores, scores]), scores, generator=None)
    expected = [1.0, math.nan] if name.endswith("_randomisation") else [0.0, 0.0]
    torch.testing.assert_close(found, torch.tensor(expected).double(), equal_nan=True)


@pytest.mark.parametrize("name", OF_GAMES)
def test_the_second_time_is_free(name: str) -> None:
    game = smooth_game(3, [5, 7, 7])
    game.measure = "nats"
    scores = scores_of(3, torch.ones(3, 7, dtype=torch.bool)).masked_fill(~game.before, math.nan)
    once = measured(name, game, scores, 1)
    rows = game.coalitions_computed
    again = measured(name, game, scores, 1)
    assert game.coalitions_computed == rows
    torch.testing.assert_close(once, again, equal_nan=True)
