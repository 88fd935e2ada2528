"""What trust costs: never more than a quarter of a Shapley run."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from glossator.attribution import leave_one_out
from glossator.registry import METHODS
from glossator.trust import measure, prepare
from glossator.trust.budget import Plan, allowance
from tests.attribution.games import generator, nested, smooth_game

SHAPLEY = METHODS.get("shapley")


def plan(before: Tensor, full: bool = False) -> Plan:
    return prepare(before, generator(0), full)[1]


@pytest.mark.parametrize("players", [2, 5, 13, 80, 300])
def test_the_allowance_is_a_quarter_of_a_shapley_run(players: int) -> None:
    rows = SHAPLEY.most_rows(players, SHAPLEY.complete({}))
    assert allowance(players) <= rows / 4 < allowance(players) + 1


@given(st.integers(5, 60), st.integers(1, 80), st.booleans())
@settings(max_examples=40, deadline=None)
def test_a_plan_stays_within_the_allowance(prompt: int, targets: int, hold: bool) -> None:
    counts = [prompt if hold else prompt + t for t in range(targets)]
    spend = plan(nested(counts, max(counts)))
    assert spend.rows <= allowance(max(counts))
    assert spend.curves <= targets
    assert spend.orders >= 4 and spend.orders % 2 == 0


@given(
    counts=st.lists(st.integers(0, 14), min_size=1, max_size=20).filter(lambda c: max(c) > 4),
    seed=st.integers(0, 999),
)
@settings(max_examples=25, deadline=None)
def test_what_is_computed_stays_within_the_plan(counts: list[int], seed: int) -> None:
    game = smooth_game(seed, counts)
    found = leave_one_out(game)
    trust = measure(
        game,
        found,
        form="nats",
        tokens=torch.ones(len(counts), dtype=torch.long),
        generator=generator(0),
    )
    spend = plan(game.before)
    assert trust.rows <= spend.rows - (spend.probes + 1 if spend.probes else 0)
    assert trust.rows <= allowance(game.players)


def test_the_plan_of_everything_has_all_curves() -> None:
    before = nested([4] * 50, 4)
    assert plan(before).curves < 50
    assert plan(before, full=True).curves == 50
