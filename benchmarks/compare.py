"""How far two tables of scores agree."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Agreement:
    """Two tools' scores side by side.

    Attributes:
        scores: how many were compared (both defined).
        largest: the largest absolute difference. scale: the largest absolute score of the first.
        correlation: Pearson's.
    """

    scores: int
    largest: float
    scale: float
    correlation: float

    @property
    def relative(self) -> float:
        """Largest difference over the largest score."""
        return self.largest / self.scale if self.scale else float("nan")


def agree(
    ours: Float[Tensor, "targets players"], theirs: Float[Tensor, "targets others"]
) -> Agreement:
    """Compare the players that both have (prompt first, in order of position).

    Example:
        >>> agree(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[1.0, 2.5]])).largest
        0.5
    """
    columns = min(ours.shape[1], theirs.shape[1])
    rows = min(len(ours), len(theirs))
    # The last rows: a tool run on its last targets only has no others.
    a, b = ours[-rows:, :columns].double(), theirs[-rows:, :columns].double()
    both = a.isfinite() & b.isfinite()
    a, b = a[both], b[both]
    return Agreement(
        scores=int(both.sum()),
        largest=float((a - b).abs().max()),
        scale=float(a.abs().max()),
        correlation=float(torch.corrcoef(torch.stack([a, b]))[0, 1]),
    )
