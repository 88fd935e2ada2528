"""Sanity checks catch a method that does not look at the model."""

from __future__ import annotations

import pytest
import torch

from glossator.miniature import generate
from glossator.registry import METHODS, attribution
from glossator.run import Item, evaluate, ground_truth
from glossator.types import Attribution


@pytest.fixture
def broken(monkeypatch):
    """Early words first, whatever the model makes of them."""
    monkeypatch.setattr(METHODS, "_components", dict(METHODS._components))

    @attribution(
        "early_words",
        needs="game",
        measures="nothing",
        paper="none",
        rows="0",
        count=lambda players, **_: 0,
    )
    def early_words(game, *, generator=None):
        places = torch.arange(game.players, dtype=torch.float64)
        return Attribution((-places).expand(game.before.shape).masked_fill(~game.before, torch.nan))

    return "early_words"


def test_parameter_randomisation_catches_a_method_that_does_not_look_at_the_model(broken):
    items = [
        Item(each.prompt, {"continuation": each.answer, "target_units": "sequence"})
        for each in generate("colour", 3, seed=3)
    ]
    found = evaluate(
        items,
        methods=["leave_one_out", "input_x_gradient", broken],
        metrics=["parameter_randomisation"],
        controls=2,
    )
    same = {cell.method: cell.value.value for cell in found.cells}
    assert same[broken] == pytest.approx(1)
    assert same["leave_one_out"] < 0.6 and same["input_x_gradient"] < 0.6


@pytest.mark.slow  # two classifiers are trained
def test_a_planted_shortcut_catches_a_method_that_does_not_look_at_the_model(broken):
    board = ground_truth(
        methods=["shapley", broken],
        removals=["delete"],  # as words were absent in training
        suites=["planted", "reviews"],
        items=8,
    )
    found = {entry.method: entry for entry in board.entries}
    assert found["shapley"].precision.value > 0.9
    assert found["shapley"].precision.low > found[broken].precision.high
    assert board.p[found[broken].name] < 0.01
    assert board.entries[-1].method == broken
