"""Agreement of the scores of two explanations."""

from __future__ import annotations

import math
from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.likeness_measures import TOP, Draws, Scores, Values, spearman


def mean_likeness(
    first: Float[Tensor, "targets units"],
    second: Float[Tensor, "targets units"],
    measure: Callable[[Scores, Draws, int], Values] = spearman,
    top: int = TOP,
) -> float:
    """The mean of a measure over targets; NaN where it is defined for none.

    A target counts if three of its scores or more are defined in both.

    Example:
        >>> import torch
        >>> rows = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, float("nan")]])
        >>> round(mean_likeness(rows, -rows), 6)
        -1.0
    """
    values = []
    for a, b in zip(first, second, strict=True):
        both = ~(a.isnan() | b.isnan())
        if int(both.sum()) >= 3:
            values.append(float(measure(a[both].numpy(), b[both].numpy()[None], top)[0]))
    found = [value for value in values if not math.isnan(value)]
    return sum(found) / len(found) if found else math.nan
