"""The level against shuffled scores: every deal enumerated, and how often chance passes."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.trust.randomisation import DEALS, LEVEL, enough_players, shuffled_p, significant
from tests.attribution.games import generator, nested
from tests.oracles.verdict_oracles import exact_level, step_up

seeds = st.integers(0, 2**20)
few = settings(max_examples=25, deadline=None)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


@given(seed=seeds)
@few
def test_the_level_is_that_of_all_deals(seed: int) -> None:
    before = nested([6, 4], 6)
    effects = normal(seed, 2, 6)
    scores = (effects + normal(seed + 1, 2, 6)).masked_fill(~before, math.nan)
    found = shuffled_p(scores, [effects], before, generator(seed))
    for t, count in enumerate((6, 4)):
        exact = exact_level(scores[t, :count].tolist(), effects[t, :count].tolist())
        error = (exact * (1 - exact) / DEALS) ** 0.5
        assert abs(float(found[t]) - exact) <= 4 * error + 1 / DEALS


@given(seed=seeds, scale=st.floats(0.01, 100), shift=st.floats(-10, 10))
@few
def test_scale_and_shift_of_the_scores_do_not_matter(seed: int, scale: float, shift: float) -> None:
    before, effects, scores = nested([7], 7), normal(seed, 1, 7), normal(seed + 1, 1, 7)
    one = shuffled_p(scores, [effects], before, generator(seed))
    other = shuffled_p(scale * scores + shift, [effects], before, generator(seed))
    assert float(other) == pytest.approx(float(one), abs=2 / DEALS)


def test_shuffled_scores_pass_as_often_as_the_level_says() -> None:
    """One word that decides among 12, as scores have it: the worst case for a rank test."""
    effects = torch.full((400, 12), 0.05, dtype=torch.float64) + 0.02 * normal(0, 400, 12)
    effects[:, 3] = 5.0
    shuffle = torch.rand(400, 12, generator=generator(1)).argsort(1)
    before = torch.ones(400, 12, dtype=torch.bool)
    levels = shuffled_p(effects.gather(1, shuffle), [effects], before, generator(2))
    passed = int((levels <= LEVEL).sum())
    assert passed <= 400 * LEVEL + 3 * (400 * LEVEL) ** 0.5
    assert passed > 0  # about 10 do: those that by luck are right


def test_true_scores_pass() -> None:
    effects = normal(3, 20, 9)
    before = torch.ones(20, 9, dtype=torch.bool)
    assert bool((shuffled_p(effects, [effects], before, generator()) <= LEVEL).all())


@pytest.mark.parametrize("constant", [0.0, 2.5])
def test_scores_that_are_all_the_same_are_never_better(constant: float) -> None:
    before = nested([8], 8)
    same = torch.full((1, 8), constant, dtype=torch.float64)
    assert float(shuffled_p(same, [normal(0, 1, 8)], before, generator())) == 1
    assert float(shuffled_p(normal(0, 1, 8), [same], before, generator())) == 1


def test_the_best_of_two_ways_counts_at_twice_its_level() -> None:
    scores, other = normal(0, 5, 9), normal(1, 5, 9)
    before = torch.ones(5, 9, dtype=torch.bool)
    ways = [shuffled_p(scores, [way], before, generator()) for way in (other, scores + other)]
    both = shuffled_p(scores, [other, scores + other], before, generator())
    assert torch.equal(both, (2 * torch.minimum(*ways)).clamp_max(1))
    assert bool((both < ways[0]).any())


def test_without_players_there_is_no_level() -> None:
    before = nested([0, 1], 3)
    scores = torch.full((2, 3), math.nan).masked_fill(before, 1.0)
    found = shuffled_p(scores, [torch.ones(2, 3)], before, generator())
    assert math.isnan(found[0]) and found[1] == 1


def test_four_players_are_too_few() -> None:
    assert enough_players(nested([3, 4, 5], 5)).tolist() == [False, False, True]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_the_step_up_is_that_of_benjamini_and_hochberg(levels: list[float]) -> None:
    found = significant(torch.tensor(levels, dtype=torch.float64))
    assert found.tolist() == step_up(levels, LEVEL)


def test_targets_that_are_not_tested_do_not_count() -> None:
    levels = torch.tensor([0.02, math.nan, math.nan], dtype=torch.float64)
    assert significant(levels).tolist() == [True, False, False]
    assert not bool(significant(levels[1:]).any())
