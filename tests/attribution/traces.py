"""A trace of a tiny model."""

from __future__ import annotations

from glossator.game import READOUTS, Budget, Counts, Trace
from tests.game import zoo


def trace(family: str = "gpt2", readout: str = "logprob") -> Trace:
    model, asked = zoo.causal(family), zoo.words_question()
    players = zoo.acting(asked)
    before = asked.before[:, : len(players)]
    return Trace(model, asked, players, before, READOUTS.get(readout), Budget(), Counts())
