"""Random orders: free after a Shapley run, and their curves as by hand."""

from __future__ import annotations

import math

import pytest
import torch

from glossator.attribution import exact_shapley, leave_one_out, shapley
from glossator.attribution.shapley import arrivals
from glossator.evaluation.removal_curves import BINS, keep_curve, removal_curve, sizes_of
from glossator.game import Game
from glossator.trust import prepare
from glossator.trust.control import Control, ask_control, controlled
from glossator.trust.orders import SHORT, coalitions, needed
from glossator.types import interval_factor
from tests.attribution.games import generator, nested, random_game
from tests.oracles.verdict_oracles import fall, own_order


def draw_control(game: Game, draw: torch.Generator) -> Control:
    return ask_control(game, *prepare(game.before, draw))


@pytest.mark.parametrize("samples", [32, 40, 64])
def test_after_a_shapley_run_of_the_same_seed_it_costs_nothing(samples: int) -> None:
    game = random_game(1, [11, 8])
    shapley(game, samples=samples, generator=generator(5))
    before = game.coalitions_computed
    assert len(draw_control(game, generator(5)).orders) == 32
    assert game.coalitions_computed == before


def test_of_a_long_text_only_what_the_curves_need_is_asked_for() -> None:
    before = nested([60, 62, 64], 64)
    weights = torch.linspace(0, 1, 64, dtype=torch.float64)
    game = Game(lambda keep: (keep[:, None] & before).double() @ weights, before)
    _, spend = prepare(before, generator(0))
    control = ask_control(game, *prepare(before, generator(0)))
    known = game.coalitions_computed
    assert known < spend.orders * 63 / 2
    control.curves(removal_curve, sizes_of(before, spend.shares))
    control.curves(keep_curve, sizes_of(before, spend.shares))
    assert game.coalitions_computed == known


def test_a_long_text_finds_its_control_in_a_shapley_table_too() -> None:
    before = nested([SHORT + 5, SHORT + 9], SHORT + 9)
    game = Game(lambda keep: (keep[:, None] & before).sum(2).double(), before)
    shapley(game, generator=generator(2))
    known = game.coalitions_computed
    assert len(draw_control(game, generator(2)).orders) == 32
    assert game.coalitions_computed == known


def test_after_all_coalitions_it_costs_nothing_either() -> None:
    game = random_game(1, [7])
    exact_shapley(game, generator=generator())
    assert len(draw_control(game, generator(5)).orders) == 32
    assert game.coalitions_computed == 2**7


def test_otherwise_it_costs_what_was_planned() -> None:
    game = random_game(2, [9])
    leave_one_out(game)
    before = game.coalitions_computed
    orders = len(draw_control(game, generator(5)).orders)
    assert orders in (4, 6, 8)
    assert game.coalitions_computed - before <= orders * 8 + 1


def test_orders_come_in_pairs_and_the_first_are_the_same_however_many() -> None:
    one, many = arrivals(2, 13, generator(3)), arrivals(16, 13, generator(3))
    assert torch.equal(one, many[:2])
    assert torch.equal(one[:, 0] + one[:, 1], torch.full((2, 13), 12))


def test_coalitions_are_those_that_the_orders_pass() -> None:
    place = arrivals(3, 6, generator(1))
    asked = needed(nested([6], 6), place, torch.tensor([[2]]))
    rows = [
        [int(place[pair, way, player]) < step for player in range(6)]
        for pair, way, step in asked.nonzero().tolist()
    ]
    assert len(rows) == 3 * 2 * 7
    assert coalitions(place, asked).tolist() == rows


def test_curves_are_those_of_each_order_by_hand() -> None:
    game = random_game(4, [14, 5])
    control = draw_control(game, generator(0))
    known = game.coalitions_computed
    _, spend = prepare(game.before, generator(0))
    assert spend.shares == BINS
    sizes = sizes_of(game.before)
    removed, kept = control.curves(removal_curve, sizes), control.curves(keep_curve, sizes)
    assert game.coalitions_computed == known
    for r, order in enumerate(control.orders):
        for t in range(2):
            own = own_order(game.before[t], order)
            full = float(game.full[t])
            gone = fall(game, own, BINS, t, alone=False)
            assert full - float(removed[r, :, t].mean()) == pytest.approx(gone, abs=1e-9)
            left = fall(game, own, BINS, t, alone=True)
            assert full - float(kept[r, :, t].mean()) == pytest.approx(left, abs=1e-9)


def test_the_interval_is_that_of_one_more_random_order() -> None:
    """It holds 95% of the differences to orders that were not drawn."""
    draw = generator(0)
    control = torch.randn(8, 4000, generator=draw, dtype=torch.float64)
    another = torch.randn(4000, generator=draw, dtype=torch.float64)
    found = controlled(torch.zeros(4000, dtype=torch.float64), control)
    inside = [
        each.low <= -float(value) <= each.high for each, value in zip(found, another, strict=True)
    ]
    assert sum(inside) / 4000 == pytest.approx(0.95, abs=0.012)
    first = control[:, 0]
    half = interval_factor(0.95, 7) * float(first.std()) * math.sqrt(9 / 8)
    assert found[0].high - found[0].low == pytest.approx(2 * half)
    assert found[0].control == pytest.approx(float(first.mean()))
