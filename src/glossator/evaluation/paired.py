"""Means with intervals, and tests of two methods on the same items, corrected for how many."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import InputError
from glossator.types import Estimate, interval_factor

TESTS = ("permutation", "wilcoxon")


def mean_of(values: Float[Tensor, " items"], level: float = 0.95) -> Estimate:
    """The mean and its interval by Student's t.

    Args:
        values: of independent items, without NaN.
        level: confidence of the interval.

    Returns:
        The estimate; of one item the interval is the whole line, since its spread is not known.

    Raises:
        InputError: there is no item, or one is NaN.

    Example:
        >>> print(mean_of(torch.tensor([1.0, 2.0, 3.0])))
        2 [-0.484, 4.48]
    """
    if not len(values) or bool(values.isnan().any()):
        raise InputError("a mean needs one item at least, and numbers: leave out what is NaN")
    mean, count = float(values.double().mean()), len(values)
    if count == 1:
        return Estimate(mean, -math.inf, math.inf, level)
    half = interval_factor(level, count - 1) * float(values.double().std()) / math.sqrt(count)
    return Estimate(mean, mean - half, mean + half, level)


def paired_p(
    first: Float[Tensor, " items"],
    second: Float[Tensor, " items"],
    *,
    test: str = "permutation",
    generator: torch.Generator | None = None,
    draws: int = 9999,
) -> float:
    """How likely a difference as large as this is if the two do not differ, two-sided.

    Args:
        first, second: of the same items, without NaN.
        test: "permutation": the sign of each item's difference is as likely + as -, and the
            statistic is the mean (all 2^items patterns of signs for up to 12 items, else drawn).
            "wilcoxon": the signed-rank test, on ranks.
        generator: of the drawn patterns. draws: how many.

    Returns:
        The p-value; 1 where no item differs. Of few items it cannot be small: 2^(1 - items) is
        the least.

    Raises:
        InputError: no such test.

    Example:
        >>> paired_p(torch.tensor([1.0, 2.0, 3.0]), torch.zeros(3))
        0.25
    """
    if test not in TESTS:
        raise InputError(f"the paired test is 'permutation' or 'wilcoxon', got '{test}'")
    difference = (first - second).double()
    if not bool((difference != 0).any()):
        return 1.0
    if test == "wilcoxon":
        from scipy import stats

        return float(stats.wilcoxon(difference.numpy()).pvalue)
    items = len(difference)
    exact = items <= 12
    if exact:
        flips = (torch.arange(2**items)[:, None] >> torch.arange(items)) % 2
    else:
        flips = torch.randint(2, (draws, items), generator=generator)
    found = ((1 - 2 * flips).double() @ difference).abs()
    # The sums are taken in different orders: equal ones may differ by rounding.
    as_large = int((found >= difference.sum().abs() * (1 - 1e-12)).sum())
    return as_large / len(found) if exact else (as_large + 1) / (draws + 1)


def holm(p: Float[Tensor, " tests"]) -> Float[Tensor, " tests"]:
    """Holm's adjusted p-values: reject those at or below the level, whatever the dependence.

    Source: Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure.

    Example:
        >>> holm(torch.tensor([0.01, 0.04, 0.03]))
        tensor([0.0300, 0.0600, 0.0600])
    """
    order = p.argsort()
    factor = torch.arange(len(p), 0, -1)
    adjusted = (p[order] * factor).cummax(0).values.clamp_max(1)
    return torch.empty_like(p).scatter(0, order, adjusted)
