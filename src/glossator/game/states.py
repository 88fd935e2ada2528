"""What a model makes of masked words, and how that changes when other words are absent."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.errors import InputError
from glossator.game.budget import Budget
from glossator.game.evaluator import Counts, Progress
from glossator.game.readout import READOUTS
from glossator.game.removal import Absence
from glossator.game.rows import scored
from glossator.game.sides import Sides
from glossator.game.whole import WholeEngine
from glossator.model import LanguageModel
from glossator.text import Question


class States(Sides):
    """The last layer's output at the places of masked words, for coalitions of the other words.

    Each target is masked whatever the coalition, token by token as `ask_masked` says.

    Attributes:
        before: [targets players] whether the player can act on the target.
    """

    def __init__(
        self,
        model: LanguageModel,
        question: Question,
        players: tuple[int, ...],
        before: Bool[Tensor, "targets players"],
        absence: Absence,
        budget: Budget,
        counts: Counts,
        progress: Progress | None = None,
        draw: int = 0,
    ) -> None:
        self.before = before
        self._engine = WholeEngine(
            model,
            question,
            players,
            absence,
            READOUTS.get("probability"),
            budget,
            draw,
            counts,
            progress,
        )
        self._contrasted = any(len(target.branches) > 1 for target in question.targets)
        self._target = torch.from_numpy(scored(question).target)

    def distance(
        self, keep: Bool[Tensor, "coalitions players"]
    ) -> Float[Tensor, "coalitions targets"]:
        """Euclidean distance from the state with every player present.

        Returns:
            The mean over a target's tokens, float64; never negative.

        Raises:
            InputError: a contrast is asked for.
            ModelError, MemoryBoundError: as the engine says.
        """
        if self._contrasted:
            raise InputError(
                "two words that are contrasted have one place, and its state is the same for "
                "both: leave out the contrast, or type --option distance=probability"
            )
        total = torch.zeros(len(keep), self.targets, dtype=torch.float64)
        total.index_add_(1, self._target, self._engine.distances(keep))
        return total / torch.bincount(self._target, minlength=self.targets)

    def probability(
        self, keep: Bool[Tensor, "coalitions players"]
    ) -> Float[Tensor, "coalitions targets"]:
        """Probability of each masked word, from 0 to 1; a contrast is a difference of two.

        Raises:
            ModelError, MemoryBoundError: as the engine says.
        """
        return self._engine.evaluate(keep)
