"""Curves of removed and kept words: their values, their ends, and what they ask for."""

from __future__ import annotations

from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.attribution import shapley
from glossator.evaluation import keep_curve, random_curve, removal_curve
from glossator.evaluation.removal_curves import descending, random_curves, sizes_of
from glossator.game import Game
from tests.attribution.games import generator, random_game
from tests.evaluation.cases import case, each_target

seeds = st.integers(0, 2**20)
shapes = st.lists(st.integers(0, 6), min_size=1, max_size=4)
few = settings(max_examples=25, deadline=None)


@given(seed=seeds, counts=shapes)
@few
def test_curves_walk_through_each_targets_own_players(seed: int, counts: list[int]) -> None:
    game, scores = case(seed, counts)
    orders = [torch.randperm(6, generator=generator(seed + t)) for t in range(len(counts))]
    order = torch.stack(orders)
    gone, left = (curve(game, order, range(8)) for curve in (removal_curve, keep_curve))
    for target, value, own in each_target(game, scores):
        walk = [i for i in order[target].tolist() if i in own]
        for k in range(8):
            assert float(gone[k, target]) == value(frozenset(walk[k:]))
            assert float(left[k, target]) == value(frozenset(walk[:k]))


@given(seed=seeds, counts=shapes)
@few
def test_sizes_may_differ_between_targets(seed: int, counts: list[int]) -> None:
    game, scores = case(seed, counts)
    order, sizes = descending(scores), sizes_of(game.before, [0.0, 0.3, 1.0])
    found = removal_curve(game, order, sizes)
    for target in range(len(counts)):
        alone = removal_curve(game, order, sizes[:, target].tolist())
        assert torch.equal(found[:, target], alone[:, target])
    torch.testing.assert_close(found[0], game.full)
    torch.testing.assert_close(found[-1], game.empty)


def test_both_ends_are_the_two_coalitions_that_every_method_asks_for() -> None:
    game = random_game(0, [3, 5, 6])
    assert game.full.shape == game.empty.shape
    for curve in (removal_curve, keep_curve):
        curve(game, torch.arange(6).expand(3, -1), [0, 6])
    assert game.coalitions_computed == 2


def test_targets_that_share_an_order_share_coalitions() -> None:
    game = random_game(0, [3, 5, 6])
    removal_curve(game, torch.arange(6).expand(3, -1), range(7))
    assert game.coalitions_computed == 7


def test_random_orders_meet_what_shapley_has_asked() -> None:
    """What a permutation has passed is known: an order in which players come one by one."""
    game = random_game(0, [4, 6])
    shapley(game, samples=4, generator=generator(5))
    known = game.coalitions_computed
    place = torch.rand(2, 6, dtype=torch.float64, generator=generator(5)).argsort(1)
    keep_curve(game, place[:1].argsort(1).expand(2, -1), range(7))
    assert game.coalitions_computed == known


@given(seed=seeds)
@settings(max_examples=5, deadline=None)
def test_the_control_is_the_mean_over_all_orders(seed: int) -> None:
    """Within four standard errors, for targets of different sizes."""
    game, scores = case(seed, [4, 3])
    mean, error = random_curve(game, [1, 2], generator=generator(seed), orders=400)
    for target, value, own in each_target(game, scores):
        for row, k in enumerate((1, 2)):
            truth = [value(frozenset(order[k:])) for order in permutations(own)]
            exact = sum(truth) / len(truth)
            assert abs(float(mean[row, target]) - exact) <= 4 * float(error[row, target]) + 1e-9


def test_the_standard_error_is_that_of_the_curves() -> None:
    game = random_game(1, [4, 6])
    curves = random_curves(game, [2], generator=generator(), orders=8)
    mean, error = random_curve(game, [2], generator=generator(), orders=8)
    torch.testing.assert_close(mean, curves.mean(0))
    torch.testing.assert_close(error, curves.std(0) / 8**0.5)


@pytest.mark.parametrize("share", [0.1, 0.2, 0.3, 0.5, 0.7, 1.0])
def test_shares_are_rounded_up_and_not_by_rounding_errors(share: float) -> None:
    before = torch.ones(1, 10, dtype=torch.bool)
    assert sizes_of(before, [share]).item() == round(10 * share)


def test_an_order_of_scores_breaks_ties_only_where_it_is_asked_to() -> None:
    scores = torch.tensor([[1.0, 0.0, 0.0, 0.0, float("nan")]])
    assert descending(scores).tolist() == [[0, 1, 2, 3, 4]]
    found = {tuple(descending(scores, generator(seed))[0].tolist()) for seed in range(60)}
    assert {order[0] for order in found} == {0}
    assert {order[4] for order in found} == {4}
    assert len(found) == 6


def test_no_sizes_no_values() -> None:
    game = Game(lambda keep: keep.double(), torch.ones(1, 1, dtype=torch.bool))
    assert removal_curve(game, torch.zeros(1, 1, dtype=torch.long), []).shape == (0, 1)
