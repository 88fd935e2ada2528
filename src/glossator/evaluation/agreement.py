"""Agreement of two explanations over the words that both of them score."""

from __future__ import annotations

import math
from collections.abc import Callable

from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.likeness_measures import TOP, Draws, Scores, Values, spearman

Between = Callable[[Scores, Draws, int], Values]

LEAST_WORDS = 3  # of two words, every order is right in half of all cases


def likeness(
    first: Float[Tensor, " words"],
    second: Float[Tensor, " words"],
    measure: Between = spearman,
    top: int = TOP,
) -> float:
    """A measure over the words that both score; NaN of fewer than 3, or where it is not defined.

    Example:
        >>> import torch
        >>> round(likeness(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([0.1, 0.3, 0.2])), 6)
        0.5
    """
    both = ~(first.isnan() | second.isnan())
    if int(both.sum()) < LEAST_WORDS:
        return math.nan
    return float(measure(first[both].numpy(), second[both].numpy()[None], top)[0])


def mean_likeness(
    first: Float[Tensor, "targets units"],
    second: Float[Tensor, "targets units"],
    measure: Between = spearman,
    top: int = TOP,
) -> float:
    """The mean of a measure over targets; NaN where it is defined for none.

    Example:
        >>> import torch
        >>> rows = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, float("nan")]])
        >>> round(mean_likeness(rows, -rows), 6)
        -1.0
    """
    values = [likeness(a, b, measure, top) for a, b in zip(first, second, strict=True)]
    found = [value for value in values if not math.isnan(value)]
    return sum(found) / len(found) if found else math.nan
