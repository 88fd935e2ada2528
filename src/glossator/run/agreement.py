"""Agreement of the scores of two explanations."""

from __future__ import annotations

import math

from jaxtyping import Float
from torch import Tensor


def spearman(first: Float[Tensor, " units"], second: Float[Tensor, " units"]) -> float:
    """Rank correlation of two rows of scores; NaN where one of them is all the same.

    Example:
        >>> import torch
        >>> spearman(torch.tensor([1.0, 2.0, 3.0]), torch.tensor([2.0, 4.0, 5.0]))
        1.0
    """
    from scipy import stats

    if bool((first == first[0]).all()) or bool((second == second[0]).all()):
        return math.nan
    return float(stats.spearmanr(first.numpy(), second.numpy()).statistic)


def mean_spearman(
    first: Float[Tensor, "targets units"], second: Float[Tensor, "targets units"]
) -> float | None:
    """The mean over targets with three scores or more, and not all the same; None without any.

    Example:
        >>> import torch
        >>> rows = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, float("nan")]])
        >>> mean_spearman(rows, -rows)
        -1.0
    """
    found = []
    for a, b in zip(first, second, strict=True):
        both = ~(a.isnan() | b.isnan())
        if int(both.sum()) >= 3 and not math.isnan(value := spearman(a[both], b[both])):
            found.append(value)
    return sum(found) / len(found) if found else None
