"""States that are sums of vectors, one for each player that is present."""

from __future__ import annotations

import torch
from torch import Tensor

from glossator.game import States


class FakeStates(States):
    """What `States` promises, without a model.

    Attributes:
        vectors: [targets players width] what each player adds to a target's state.
        weights: [targets players] what each adds to its probability.
        rows: texts asked for.
    """

    def __init__(self, seed: int = 0, targets: int = 2, players: int = 4) -> None:
        generator = torch.Generator().manual_seed(seed)
        shape = (targets, players)
        self.vectors = torch.randn(*shape, 3, generator=generator, dtype=torch.float64)
        self.weights = torch.rand(shape, generator=generator, dtype=torch.float64) / players
        self.before = torch.rand(shape, generator=generator) < 0.8
        self.rows = 0

    def distance(self, keep: Tensor) -> Tensor:
        self.rows += len(keep) + 1  # the whole text, to compare with
        return torch.einsum("cp,tpw->ctw", (~keep).double(), self.vectors).norm(dim=-1)

    def probability(self, keep: Tensor) -> Tensor:
        self.rows += len(keep)
        return keep.double() @ self.weights.T
