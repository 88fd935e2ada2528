"""What a metric is given besides the scores: a game, a rationale, or the same scores once more."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.errors import InputError
from glossator.game import Counts, Game, Readout
from glossator.model import LanguageModel
from glossator.model.disturbed import (
    cascade,
    layers_from_output,
    moved,
    redrawn,
    rewritten,
    shifted,
)
from glossator.registry import Metric
from glossator.run.inquiry import Inquiry
from glossator.types import Explanation

DRAWS = 4
"""How often a disturbance is drawn; the largest change is what counts."""

Explain = Callable[[Inquiry], Explanation]


@dataclass
class Scene:
    """An inquiry and one method's answer to it, ready to be measured.

    Attributes:
        inquiry: what was asked.
        explain: asks the same method again, of this inquiry or of one like it.
        removal: how an absent unit is represented for metrics; None for the default.
        marked: the rationale, [targets players]; None without one.
        seed: of disturbances.
    """

    inquiry: Inquiry
    explain: Explain
    removal: str | None
    marked: Bool[Tensor, "targets players"] | None
    seed: int
    _counts: Counts = field(default_factory=Counts)
    _again_rows: int = 0

    @property
    def rows(self) -> int:
        """Forward rows that evidence has cost so far."""
        return self._counts.forward_rows + self._again_rows

    def evidence(self, metric: Metric) -> Any:
        """What `metric.needs` says.

        Raises:
            InputError: it is not to be had of this model, or of this item.
        """
        if metric.needs == "game":
            return self.inquiry.values(self.removal, self._counts)
        if metric.needs == "readouts":
            return self._readouts(metric.name)
        if metric.needs == "rationale":
            if self.marked is None:
                raise InputError(
                    f"{metric.name} compares with words that people mark, and there are none: "
                    'give a rationale (in a file: "rationale": ["word", ...] in each line)'
                )
            return self.marked
        model = self.inquiry.opened(metric.name)
        if metric.needs == "tape":
            return self.inquiry.tape(None, self._counts)
        return self._again(metric.needs, model)

    def _readouts(self, name: str) -> Callable[[Readout], Game]:
        self.inquiry.opened(name)
        if self.inquiry.generation.get("contrast") is not None:
            raise InputError(f"{name} looks at one distribution: it takes no contrast")
        games: dict[str, Game] = {}

        def game_of(readout: Readout) -> Game:
            if readout.name not in games:
                games[readout.name] = self.inquiry.values(self.removal, self._counts, readout)
            return games[readout.name]

        return game_of

    def _again(self, needs: str, model: LanguageModel) -> Float[Tensor, "draws targets players"]:
        generator = torch.Generator().manual_seed(self.seed)
        if needs == "randomised":
            with cascade(model, generator) as steps:
                return torch.stack([self._scores() for _ in steps])
        if needs == "redrawn":
            layers = [name for name, _ in layers_from_output(model)]
            each = [self._scores(redrawn(model, layer, generator)) for layer in layers]
            return torch.stack(each)
        disturb = {"moved": moved, "shifted": shifted, "rewritten": rewritten}[needs]
        return torch.stack([self._scores(disturb(model, generator)) for _ in range(DRAWS)])

    def _scores(
        self, disturbance: AbstractContextManager[None] | None = None
    ) -> Float[Tensor, "targets players"]:
        with disturbance or nullcontext():
            found = self.explain(replace(self.inquiry, progress=None, _games={}))
        self._again_rows += found.cost.forward_rows
        return found.scores[:, list(self.inquiry.players)]
