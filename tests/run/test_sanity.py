"""Sanity checks catch a method that does not look at the model."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from glossator.run.evaluate import Item, evaluate

from glossator import load_model
from glossator.evaluation.parameter_randomisation import parameter_randomisation
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


def similarity(method):
    """Mean rank correlation of scores with those of a model whose layers are drawn anew."""
    model, found = load_model(), []
    for item in generate("colour", 4, seed=3):
        asked = inquire(item.prompt, model, continuation=item.answer, target_units="sequence")

        def scores(asked=asked):
            return replace(asked, _games={}).run(method).scores[:, list(asked.players)]

        own = scores()
        with cascade(model, torch.Generator().manual_seed(0)) as steps:
            again = torch.stack([scores() for _ in steps])
        found.append(parameter_randomisation(again, own).item())
    return sum(found) / len(found)


def test_parameter_randomisation_catches_a_method_that_does_not_look_at_the_model(broken):
    assert similarity(broken) == pytest.approx(1)
    assert similarity("leave_one_out") < 0.6
    assert similarity("input_x_gradient") < 0.6
