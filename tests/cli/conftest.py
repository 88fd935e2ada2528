"""A command line whose model is replaced: what it was asked is kept, what it answers is small."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import glossator
import glossator.model
from glossator.types import Cost, Explanation, Provenance, Target, Unit


@pytest.fixture
def why() -> Explanation:
    """Two words and one generated word; the second word has a score of 1.5 nats."""
    return Explanation(
        prompt="Say hi",
        continuation=" there",
        units=(
            Unit("Say", 0, 3, (5,), True, "prompt"),
            Unit("hi", 4, 6, (6,), True, "prompt"),
            Unit("there", 7, 12, (7,), True, "continuation"),
        ),
        targets=(Target("there", 7, 12, (7,), -0.5),),
        scores=torch.tensor([[-0.25, 1.5, torch.nan]], dtype=torch.float64),
        stderr=None,
        dof=None,
        full=torch.tensor([-0.5], dtype=torch.float64),
        empty=torch.tensor([-3.0], dtype=torch.float64),
        cost=Cost(forward_rows=4, token_positions=9),
        provenance=Provenance(
            method="leave_one_out",
            parameters={},
            readout="logprob",
            measure="nats",
            removal="delete",
            units="words",
            target_units="words",
            seed=None,
            generation={"mode": "given"},
            model={"name": "test"},
            tokenizer={"class": "test", "sha256": "0"},
            engine="trie",
            versions={},
        ),
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, why: Explanation) -> dict[str, Any]:
    """What `load_model` and `explain` were asked by the command line, once it has run."""
    got: dict[str, Any] = {}

    def load_model(name: str | None, **options: Any) -> str:
        got["load_model"] = {"name": name, **options}
        return "the model"

    def explain(**question: Any) -> Explanation:
        got["explain"] = question
        if question["progress"]:
            question["progress"]("leave_one_out", 0, 15)
        return why

    monkeypatch.setattr(glossator.model, "load_model", load_model)
    monkeypatch.setattr(glossator, "explain", explain)
    return got
