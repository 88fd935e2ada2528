"""Sanity checks catch a method that does not look at the model."""

from __future__ import annotations

import pytest
import torch
from glossator.run.evaluate import Item, evaluate

from glossator import load_model
from glossator.miniature import generate
from glossator.registry import METHODS, attribution
from glossator.types import Attribution


@pytest.fixture
def broken(monkeypatch):
    """Scores of a word by its length, whatever the model makes of it."""
    monkeypatch.setattr(METHODS, "_components", dict(METHODS._components))

    @attribution(
        "long_words",
        needs="tape",
        measures="nothing",
        paper="none",
        rows="0",
        count=lambda players, **_: 0,
    )
    def long_words(tape, *, generator=None):
        lengths = [float(stop - start) for start, stop in tape.spans]
        scores = torch.tensor([lengths], dtype=torch.float64).expand(tape.targets, -1)
        return Attribution(scores.masked_fill(~tape.before, torch.nan))

    return "long_words"


def test_parameter_randomisation_catches_a_method_that_does_not_look_at_the_model(broken):
    items = [
        Item(item.prompt, {"continuation": item.answer, "target_units": "sequence"})
        for item in generate("colour", 6, seed=3)
    ]
    found = evaluate(
        items,
        load_model(),
        methods=["leave_one_out", "input_x_gradient", broken],
        metrics=["parameter_randomisation"],
        controls=1,
    )
    same = found.cell(broken, "parameter_randomisation").value
    assert same.value == pytest.approx(1) and same.low == pytest.approx(1)
    for method in ("leave_one_out", "input_x_gradient"):
        assert found.cell(method, "parameter_randomisation").value.high < 0.8
