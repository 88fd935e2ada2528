"""The control of every metric: the same scores, shuffled over the words they may stand on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

Measure = Callable[[Float[Tensor, "targets players"]], Float[Tensor, " targets"]]


def shuffled(
    scores: Float[Tensor, "targets players"], generator: torch.Generator
) -> Float[Tensor, "targets players"]:
    """Each target's scores on other words of its own; NaN stays where it is.

    All targets are shuffled by one random order of the players, so that what a metric removes
    of one target is what it removes of another.

    Example:
        >>> found = shuffled(torch.tensor([[3.0, float("nan"), 1.0]]), torch.Generator())
        >>> found[0, 1].isnan().item(), sorted(found[0, [0, 2]].tolist())
        (True, [1.0, 3.0])
    """
    place = torch.rand(scores.shape[1], dtype=torch.float64, generator=generator).argsort()
    found = scores.clone()
    for row, own in zip(found, ~scores.isnan(), strict=True):
        row[place[own[place]]] = row[own].sort(descending=True).values
    return found


def control(
    measure: Measure,
    scores: Float[Tensor, "targets players"],
    *,
    draws: int = 8,
    generator: torch.Generator,
) -> Float[Tensor, "draws targets"]:
    """A metric of shuffled scores, draw by draw.

    Args:
        measure: from scores to the metric's values.
        scores: as explained. draws: how often they are shuffled.
        generator: of the shuffles.
    """
    return torch.stack([measure(shuffled(scores, generator)) for _ in range(draws)])
