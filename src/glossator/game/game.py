"""A cooperative game over the units of a text, with every value it ever computed kept.

`keep [coalitions players] -> value [coalitions targets]`. Solvers see nothing else of the
model: they can be tested on games whose answers are known in closed form.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.game.sides import Sides
from glossator.types import Tree

Evaluate = Callable[[Bool[Tensor, "coalitions players"]], Float[Tensor, "coalitions targets"]]


class Game(Sides):
    """Values of coalitions for all targets at once, each distinct coalition computed once.

    Args:
        evaluate: computes values of distinct coalitions; [coalitions players] bool ->
            [coalitions targets] float64.
        before: [targets players] bool: whether the player can act on the target (it comes
            before it). A target's value must not depend on the other players.
        phrases: the players as nested tuples, smaller phrases within larger ones; None: they
            have no such structure.
        decision: value above which a target is what the model decides for; None: values do
            not tell.
        measure: unit of the values ("nats", "probability"); None: not told.

    Example:
        >>> import torch
        >>> weights = torch.tensor([[1.0, 2.0], [3.0, 0.0]], dtype=torch.float64)
        >>> before = torch.tensor([[True, True], [True, False]])
        >>> game = Game(lambda keep: keep.double() @ weights.T, before)
        >>> game(torch.tensor([[True, False], [True, True], [True, False]]))
        tensor([[1., 3.],
                [3., 3.],
                [1., 3.]], dtype=torch.float64)
        >>> game.coalitions_computed
        2
    """

    def __init__(
        self,
        evaluate: Evaluate,
        before: Bool[Tensor, "targets players"],
        *,
        phrases: Tree | None = None,
        decision: float | None = None,
        measure: str | None = None,
    ) -> None:
        self.before = before
        self.phrases = phrases
        self.decision = decision
        self.measure = measure
        self._evaluate = evaluate
        self._row_of: dict[bytes, int] = {}
        self._values: list[Float[Tensor, " targets"]] = []

    @property
    def coalitions_computed(self) -> int:
        """Number of distinct coalitions asked of the model so far."""
        return len(self._values)

    def __call__(
        self, keep: Bool[Tensor, "coalitions players"]
    ) -> Float[Tensor, "coalitions targets"]:
        """Values of coalitions; only those never asked before are computed.

        Args:
            keep: True where the player is present.

        Returns:
            float64 values in the readout's unit.
        """
        packed = np.packbits(keep.numpy(), axis=1)
        keys = [row.tobytes() for row in packed]
        if any(key not in self._row_of for key in keys):
            self._compute(keep, keys)
        rows = [self._row_of[key] for key in keys]
        if not rows:
            return torch.zeros(0, self.targets, dtype=torch.float64)
        return torch.stack([self._values[row] for row in rows])

    def knows(self, keep: Bool[Tensor, "coalitions players"]) -> bool:
        """Whether all these coalitions were computed before, so that their values cost nothing."""
        packed = np.packbits(keep.numpy(), axis=1)
        return all(row.tobytes() in self._row_of for row in packed)

    def known(self) -> Bool[Tensor, "coalitions players"]:
        """Every coalition computed so far, in the order in which they were.

        Example:
            >>> game = Game(lambda keep: keep.double(), torch.tensor([[True]]))
            >>> game.full, game.known(), game.knows(torch.tensor([[False]]))
            (tensor([1.], dtype=torch.float64), tensor([[True]]), False)
        """
        packed = np.frombuffer(b"".join(self._row_of), dtype=np.uint8)
        packed = packed.reshape(len(self._row_of), -(-self.players // 8))
        bits = np.unpackbits(packed, axis=1, count=self.players)
        return torch.from_numpy(bits.astype(bool))

    def _compute(self, keep: Bool[Tensor, "coalitions players"], keys: list[bytes]) -> None:
        first = {key: i for i, key in reversed(list(enumerate(keys))) if key not in self._row_of}
        order = sorted(first.values())
        values = self._evaluate(keep[order])
        for i, value in zip(order, values, strict=True):
            self._row_of[keys[i]] = len(self._values)
            self._values.append(value.double())

    @property
    def full(self) -> Float[Tensor, " targets"]:
        """Value with all players present."""
        return self(torch.ones(1, self.players, dtype=torch.bool))[0]

    @property
    def empty(self) -> Float[Tensor, " targets"]:
        """Value with no players present."""
        return self(torch.zeros(1, self.players, dtype=torch.bool))[0]
