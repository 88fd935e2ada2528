"""What each player adds to a random coalition, from however few of them were asked for."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

RIDGE = 0.01
"""Penalty, in units of the mean square of a column: keeps what few coalitions cannot tell apart
from blowing up, and takes 1% of what many can."""


def effects(
    keep: Bool[Tensor, "coalitions players"],
    values: Float[Tensor, "coalitions targets"],
    before: Bool[Tensor, "targets players"],
) -> Float[Tensor, "targets players"]:
    """Slopes of a ridge regression of the values on who is present (Hoerl and Kennard 1970).

    They are a yardstick for scores, not scores: of more players than coalitions they are what
    the coalitions tell. Targets with the same players share a solution.

    Args:
        keep: coalitions that were not chosen by the scores under test. values: theirs.
        before: who plays for whom.

    Returns:
        [targets players], in the readout's unit, 0 where the player does not act.

    Example:
        >>> keep = torch.tensor([[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 0], [0, 1, 1]]).bool()
        >>> own = torch.ones(1, 3, dtype=torch.bool)
        >>> weights = torch.tensor([[3.0], [1.0], [0.0]]).double()
        >>> slopes = effects(keep, keep.double() @ weights, own)
        >>> bool(slopes[0, 0] > 2.5), bool(slopes[0, 2].abs() < 0.3)
        (True, True)
    """
    found = torch.zeros(before.shape, dtype=torch.float64)
    sets, set_of = torch.unique(before, dim=0, return_inverse=True)
    for i, own in enumerate(sets):
        targets = (set_of == i).nonzero()[:, 0]
        if bool(own.any()):
            slopes = _slopes(keep[:, own].double(), values[:, targets])
            found[targets[:, None], own.nonzero()[:, 0]] = slopes.T
    return found


def _slopes(
    present: Float[Tensor, "coalitions players"], values: Float[Tensor, "coalitions targets"]
) -> Float[Tensor, "players targets"]:
    x, y = present - present.mean(0), values - values.mean(0)
    rows, columns = x.shape
    price = RIDGE * float(x.square().sum()) / columns + 1e-12
    if rows < columns:  # the same slopes by the smaller of two systems
        gram = x @ x.T + price * torch.eye(rows, dtype=x.dtype)
        slopes: Tensor = x.T @ torch.linalg.solve(gram, y)
    else:
        normal = x.T @ x + price * torch.eye(columns, dtype=x.dtype)
        slopes = torch.linalg.solve(normal, x.T @ y)
    return slopes
