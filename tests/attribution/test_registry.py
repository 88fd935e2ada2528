"""What the registry says of a method is true of it."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch

import glossator.attribution
from glossator.attribution import exact_shapley, lime, sparse_linear
from glossator.errors import InputError
from glossator.game import Game
from glossator.registry import METHODS
from glossator.types import Attribution
from tests.attribution.features import features
from tests.attribution.games import generator, random_game
from tests.attribution.states import FakeStates
from tests.attribution.tapes import random_tape
from tests.attribution.traces import trace

NAMES = sorted(glossator.attribution.__all__)
BUDGETS: list[dict[str, Any]] = [
    {},
    {"samples": 100},
    {"samples": 64, "precision": 0.5},
    {"samples": 64, "precision": 1e-9, "max_samples": 80},
]


ADAPTIVE = {"input_reduction", "reagent"}
"""Ask for rows that depend on the answers to others."""


def test_what_the_package_offers_is_what_it_registers() -> None:
    ours = {n for n in METHODS if METHODS.get(n).run.__module__.startswith("glossator.")}
    assert set(NAMES) == ours
    for name in NAMES:
        method = METHODS.get(name)
        assert method.run is getattr(glossator.attribution, name)
        assert method.paper and method.rows and method.measures
        told = inspect.getdoc(method.run) or ""
        assert any(sign in told for sign in ("positive", "no sign", "never negative"))


@pytest.mark.parametrize("name", NAMES)
def test_sampled_methods_take_samples_and_precision(name: str) -> None:
    method = METHODS.get(name)
    taken = {"samples", "precision", "max_samples"} & set(method.parameters)
    assert len(taken) == (3 if method.sampled else 0)
    assert "generator" in inspect.signature(method.run).parameters


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("players", [1, 3, 9])
@pytest.mark.parametrize("given", BUDGETS, ids=str)
def test_no_method_asks_for_more_rows_than_it_said(
    name: str, players: int, given: dict[str, Any]
) -> None:
    method = METHODS.get(name)
    options = method.complete(given if method.sampled else {})
    if method.needs == "tape":
        tape = random_tape(0)
        method.run(tape, generator=generator(), **options)
        most = method.most_rows(tape.players, options, targets=tape.targets)
        assert tape.rows <= most <= tape.rows * 32
        return
    if method.needs == "features":
        asked = features()
        method.run(asked, generator=generator(), **options)
        assert method.most_rows(asked.players, options) == 1
        return
    if method.needs == "states":
        states = FakeStates(players=players)
        method.run(states, generator=generator(), **options)
        assert states.rows == method.most_rows(players, options)
        return
    if method.needs == "trace":
        looked = trace("llama")
        method.run(looked, generator=generator(), **options)
        planned = method.most_rows(looked.players, options, layers=looked.layers)
        assert looked.counts.forward_rows <= planned
        return
    game = random_game(0, [players // 2, players])
    found: Attribution = method.run(game, generator=generator(), **options)
    assert found.scores.shape == (2, players)
    assert game.coalitions_computed <= method.most_rows(players, options, targets=2)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if METHODS.get(name).needs == "game" and name not in ADAPTIVE]
)
def test_a_fixed_number_of_samples_is_asked_for_in_one_go(name: str) -> None:
    """So that the engine can compute what the rows have in common once."""
    game, calls = random_game(4, [3, 7, 8]), []
    once = Game(lambda keep: calls.append(len(keep)) or game(keep), game.before)
    method = METHODS.get(name)
    method.run(once, generator=generator(), **method.complete({}))
    assert len(calls) == 1


@pytest.mark.parametrize("name", ["leave_one_out", "shapley", "kernel_shap", "lime", "banzhaf"])
def test_the_count_is_not_far_off(name: str) -> None:
    method, game = METHODS.get(name), random_game(1, [14, 15])
    options = method.complete({})
    method.run(game, generator=generator(), **options)
    assert game.coalitions_computed > 0.7 * method.count(15, **options)


def test_exact_shapley_refuses_what_would_never_end() -> None:
    before = torch.ones(2, 17, dtype=torch.bool)
    game = Game(lambda keep: keep[:, :2].double(), before)
    with pytest.raises(InputError, match="at most 16 players, got 17: type --method shapley"):
        exact_shapley(game)
    assert game.coalitions_computed == 0


def test_exact_shapley_counts_the_players_of_a_target_only() -> None:
    game = random_game(2, [2, 3], players=12)
    exact_shapley(game)
    assert game.coalitions_computed == 8


def test_bad_parameters() -> None:
    game = random_game(3, [3])
    with pytest.raises(InputError, match="got width 0.0, ridge 0.0"):
        lime(game, width=0.0, generator=generator())
    with pytest.raises(InputError, match="ridge -1.0"):
        lime(game, ridge=-1.0, generator=generator())
    with pytest.raises(InputError, match="alpha above 0, got 0.0"):
        sparse_linear(game, alpha=0.0, generator=generator())
