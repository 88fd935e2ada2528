"""Intervals of variances, of their sums and of their ratio.

All of them take arrays of any number of problems at once, so that coverage can be simulated with
the code that users run. `docs/design/signal-intervals.md` says which was chosen, and why.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float
from scipy.special import chdtri, fdtr

Array = np.ndarray
Bounds = tuple[Float[Array, "*many"], Float[Array, "*many"]]
Term = tuple[float, Float[Array, "*many"], Bounds]
"""A coefficient, an estimated variance, and the ends of its interval."""

_STEPS = 48
_LEAST, _MOST = -30.0, 40.0
"""Logarithms between which 1 + runs x SNR is searched."""


def effective_words(
    apart: Float[Array, "*many rows words"], dof: int, most: int
) -> Float[Array, "*many"]:
    """How many independent words of equal noise would vary as these do.

    (tr Σ)² / tr Σ² for the covariance Σ of the words, each trace estimated without bias from
    normal rows (Srivastava 2005, "Some tests concerning the covariance matrix in high dimensional
    data"; the sphericity correction of Huynh and Feldt 1976 rests on the same ratio). It is the
    number of words where these are independent and equally noisy, and 1 where they all move as one.

    Args:
        apart: residuals; every column sums to 0.
        dof: rank of the rows: how many of them are free.
        most: the answer for words that are independent and alike.

    Returns:
        Between 1 and `most`; `most` where one free row cannot tell.

    Example:
        >>> together = np.array([[1.0, 1.0], [2.0, 2.0], [-3.0, -3.0]])
        >>> float(effective_words(together, dof=2, most=2))
        1.0
    """
    gram = apart @ apart.swapaxes(-1, -2)
    trace = np.trace(gram, axis1=-2, axis2=-1) / dof
    full: Array = np.full_like(trace, most)
    if dof < 2:
        return full
    square = (gram**2).sum((-2, -1)) / dof**2
    of_square = dof**2 / ((dof + 2) * (dof - 1)) * (square - trace**2 / dof)
    squared = trace**2 - 2 * of_square / dof
    known = of_square > 1e-12 * trace**2
    found = np.divide(squared, of_square, out=full, where=known)
    return np.asarray(np.clip(found, 1.0, most))


def noise_dof(squares: Float[Array, "*many runs"], nominal: float) -> Float[Array, "*many"]:
    """Degrees of freedom of a noise variance, from how much it differs between runs.

    Args:
        squares: each run's mean squared residual.
        nominal: degrees of freedom if all words were independent, equally noisy and normal.

    Returns:
        2 mean² / variance of the estimate (Satterthwaite 1946), at most `nominal`: fewer where
        noise has heavy tails, differs between words or is shared by them.

    Example:
        >>> float(noise_dof(np.array([1.0, 1.0, 1.0]), 60.0))
        60.0
        >>> round(float(noise_dof(np.array([0.5, 1.0, 1.5]), 60.0)), 1)
        12.0
    """
    runs = squares.shape[-1]
    mean = squares.mean(-1)
    full: Array = np.full_like(mean, nominal)
    if runs < 3:
        return full
    # The residuals of M runs sum to 0, which makes their squares differ by (M-2)/(M-1) too little.
    spread = squares.var(-1, ddof=1) / runs * (runs - 1) / (runs - 2)
    known = spread > 2 * mean**2 / nominal
    return np.asarray(np.divide(2 * mean**2, spread, out=full, where=known))


def variance_bounds(
    value: Float[Array, "*many"], dof: Float[Array, "*many"], level: float
) -> Bounds:
    """The interval of a variance whose estimate is chi-square distributed.

    Args:
        value: estimate, a mean square. dof: its degrees of freedom. level: confidence.

    Returns:
        Lower and upper ends, in the unit of the estimate.

    Example:
        >>> low, high = variance_bounds(np.array(1.0), np.array(10.0), 0.95)
        >>> round(float(low), 2), round(float(high), 2)
        (0.49, 3.08)
    """
    tail = (1 - level) / 2
    low, high = (value * dof / chdtri(dof, end) for end in (tail, 1 - tail))
    return np.asarray(low), np.asarray(high)


def combined(terms: Iterable[Term]) -> Bounds:
    """The interval of a sum of independent variances with signs.

    The distances to the ends of the parts add up in squares, each part taken at the end that
    moves the sum that way (Zou and Donner 2008; for mean squares Graybill and Wang 1980).

    Args:
        terms: coefficient, estimate and interval of each.

    Returns:
        Lower and upper ends; the lower one may be negative where a coefficient is.

    Example:
        >>> one = np.array(1.0), (np.array(0.5), np.array(3.0))
        >>> [float(end) for end in combined([(1.0, *one)])]
        [0.5, 3.0]
        >>> [round(float(end), 3) for end in combined([(1.0, *one), (-1.0, *one)])]
        [-2.062, 2.062]
    """
    total, below, above = np.zeros(()), np.zeros(()), np.zeros(())
    for coefficient, value, (low, high) in terms:
        down, up = (value - low, high - value) if coefficient > 0 else (high - value, value - low)
        total = total + coefficient * value
        below = below + (coefficient * down) ** 2
        above = above + (coefficient * up) ** 2
    return np.asarray(total - np.sqrt(below)), np.asarray(total + np.sqrt(above))


def gained_dof(dof: Float[Array, "*many"], gain: Float[Array, ...]) -> Float[Array, ...]:
    """Degrees of freedom of a mean square that holds a fixed signal beside noise.

    A noncentral chi-square is nearly a central one with these, scaled to its mean (Patnaik 1949,
    section 2).

    Args:
        dof: of the noise in it. gain: its mean over that of its noise; 1 = nothing but noise.
    """
    more = np.maximum(gain, 1.0)
    return np.asarray(dof * more**2 / (2 * more - 1))


def ratio_bounds(
    ratio: Float[Array, "*many"],
    dof: tuple[Float[Array, "*many"], Float[Array, "*many"]],
    runs: int,
    level: float,
    *,
    fixed: bool,
) -> Bounds:
    """The interval of a signal-to-noise ratio, from the variance ratio of the words.

    The ends are those ratios at which a variance ratio so large, or so small, has the
    probability (1 - level) / 2. An end below 0 means that words which are all alike would give
    such numbers; it goes on as the ratio of central mean squares.

    Args:
        ratio: runs x variance over words of their mean, over the noise.
        dof: degrees of freedom of the two.
        runs: how many were averaged.
        level: confidence.
        fixed: whether the ratio is that of these words; else of all words such as these.

    Returns:
        Lower and upper ends, above -1 / runs.

    Example:
        >>> dof = np.array(29.0), np.array(120.0)
        >>> low, high = ratio_bounds(np.array(26.0), dof, 5, 0.95, fixed=True)
        >>> round(float(low), 1), round(float(high), 1)
        (3.6, 6.6)
    """
    words, noise = dof
    tail = (1 - level) / 2
    wanted = np.array([1 - tail, tail]).reshape(2, *[1] * ratio.ndim)
    low, high = (np.full((2, *ratio.shape), end) for end in (_LEAST, _MOST))
    for _ in range(_STEPS):
        middle = (low + high) / 2
        gain = np.exp(middle)
        below = fdtr(gained_dof(words, gain) if fixed else words, noise, ratio / gain)
        low, high = np.where(below > wanted, middle, low), np.where(below > wanted, high, middle)
    ends = np.expm1((low + high) / 2) / runs
    return np.asarray(ends[0]), np.asarray(ends[1])
