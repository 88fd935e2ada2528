"""How much of an explanation is the same in every run: signal, noise and their ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from glossator.errors import InputError
from glossator.trust.moments import Array, Moments, bounds, moments
from glossator.trust.reliable import Reliable
from glossator.types import Estimate

PERMUTATIONS = 999
_CELLS = 2_000_000
"""Scores that are permuted at once."""


@dataclass(frozen=True, eq=False)
class Stability(Reliable):
    """Signal and noise of the scores of one text's words over runs.

    Attributes:
        signal: variance over words of what a word scores in an average run; below 0 where the
            means differ less than noise alone would make them.
        noise: variance over runs of a word's score, averaged over words; in the square of the
            scores' unit, as the signal is.
        snr: signal over noise; below 0 where the signal is.
        p_value: share of permutations of the words, within each run, whose means differ as much:
            small = the runs agree on something.
        mean, spread, stderr: [words] of each word over runs: mean, standard deviation, standard
            error of the mean; NaN for a word that was dropped.
        shared: share of the noise that moves all words of a run alike.
        runs: how many. dropped: words without a score in some run, in none of the numbers.
    """

    signal: Estimate
    noise: Estimate
    snr: Estimate
    p_value: float
    mean: Float[Array, " words"]
    spread: Float[Array, " words"]
    stderr: Float[Array, " words"]
    shared: float
    runs: int
    dropped: int


def stability(
    relevances: Any,
    *,
    centred: bool = False,
    fixed: bool = True,
    intervals: str = "effective",
    level: float = 0.95,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Stability:
    """Signal, noise and signal-to-noise ratio of scores over runs.

    For scores r of run m and word w,

        noise = mean_w Var_m r,   signal = Var_w (mean_m r) - noise / M,   SNR = signal / noise

    (Bogaert and Standaert 2024, arXiv 2403.10275; variances with one degree of freedom less).
    Without the correction by noise / M, the noise that is left in a mean of M runs would count as
    signal. The ratio is also corrected for dividing by an estimate, so that it has no bias under
    independent normal noise; it is therefore a little below `signal / noise`.

    Args:
        relevances: [runs words], from anywhere: nested lists, an array, a tensor. NaN where a word
            has no score: the word is dropped from all runs, and counted.
        centred: a level that all words of a run share counts as no noise. `expected_correlation`
            is then what Pearson's correlation of two runs estimates.
        fixed: signal and intervals are about these words; False: about all words of which these
            are a random sample, with wider intervals.
        intervals: "effective", "nominal" or "bootstrap"; see `glossator.trust.moments.bounds`.
        level: confidence of the intervals.
        permutations: number of those behind the p-value.
        seed: of the permutations, and of the bootstrap.

    Returns:
        Estimates in the square of the scores' unit; ratios without one. Runs that are all the same
        have an infinite SNR; scores that are all the same have an SNR of 0 and an interval from 0
        to infinity.

    Raises:
        InputError: no table of runs by words, less than two runs or two words with scores, an
            infinite score, or a run that has no score at all.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> words = rng.normal(size=200)
        >>> found = stability(words + rng.normal(size=(8, 200)))  # SNR 1
        >>> found.snr.low < 1 < found.snr.high, found.p_value
        (True, 0.001)
        >>> str(found.expected_correlation)
        '0.501 [0.461, 0.538]'
    """
    values, kept = table(relevances)
    _check_level(level, permutations)
    found = moments(values, centred=centred)
    generator = np.random.default_rng(seed)
    p_value = permutation_p(values, permutations, generator)
    signal, noise, snr = _estimates(found, intervals, level, fixed, generator)
    spread = values.std(0, ddof=1)

    def spread_out(numbers: Array) -> Array:
        every = np.full(len(kept), np.nan)
        every[kept] = numbers
        return every

    return Stability(
        signal=signal,
        noise=noise,
        snr=snr,
        p_value=p_value,
        mean=spread_out(values.mean(0)),
        spread=spread_out(spread),
        stderr=spread_out(spread / math.sqrt(len(values))),
        shared=_shared(values),
        runs=len(values),
        dropped=int((~kept).sum()),
    )


def table(relevances: Any) -> tuple[Float[Array, "runs kept"], Array]:
    """Scores as an array of runs by words, without the words that some run has no score for.

    Args:
        relevances: as for `stability`.

    Returns:
        The scores, and [words] whether each word was kept.

    Raises:
        InputError: as for `stability`.
    """
    values = as_table(relevances)
    for run in np.flatnonzero(np.isnan(values).all(1)):
        if values.shape[1]:
            raise InputError(f"run {run + 1} has no score at all: leave it out")
    kept = ~np.isnan(values).any(0)
    runs, words = len(values), int(kept.sum())
    if runs < 2 or words < 2:
        without = f" ({(~kept).sum()} have none in some run)" if not kept.all() else ""
        raise InputError(
            f"got {runs} run(s) and {words} word(s) with scores{without}: "
            "signal and noise need at least 2 runs and 2 words"
        )
    return values[:, kept], kept


def as_table(relevances: Any) -> Float[Array, "runs words"]:
    """Scores as an array of runs by words; NaN where there is none.

    Raises:
        InputError: something else, or an infinite score.
    """
    try:
        values = np.asarray(relevances, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the relevances are no table of numbers ({error})") from None
    if values.ndim != 2:
        raise InputError(f"got relevances of shape {list(values.shape)}: give them as [runs words]")
    if np.isinf(values).any():
        raise InputError("a relevance is infinite: give NaN where a word has no score")
    return values


def permutation_p(
    values: Float[Array, "runs words"], permutations: int, generator: np.random.Generator
) -> float:
    """How often means of words differ as much, when nothing ties a run's scores to the words.

    Args:
        values: scores.
        permutations: how often the words are permuted, in each run by itself.
        generator: of the permutations.

    Returns:
        (1 + permutations with as large a variance over words of the means) / (1 + permutations).
    """
    least = values.mean(0).var() * (1 - 1e-9)
    block = max(1, _CELLS // values.size)
    as_large = 0
    for begin in range(0, permutations, block):
        size = (min(block, permutations - begin), *values.shape)
        shuffled = generator.permuted(np.broadcast_to(values, size), axis=2)
        as_large += int((shuffled.mean(1).var(1) >= least).sum())
    return (1 + as_large) / (1 + permutations)


def _estimates(
    found: Moments,
    intervals: str,
    level: float,
    fixed: bool,
    generator: np.random.Generator,
) -> tuple[Estimate, Estimate, Estimate]:
    signal, noise = float(found.signal), float(found.noise)
    if noise == 0:
        ratio = Estimate(0.0, 0.0, math.inf, level)
        if signal > 0:
            ratio = Estimate(math.inf, math.inf, math.inf, level)
        return Estimate(signal, signal, signal, level), Estimate(0.0, 0.0, 0.0, level), ratio
    ends = bounds(found, intervals, level, fixed=fixed, generator=generator)
    values = {"signal": signal, "noise": noise, "snr": float(found.snr)}
    ratio, of_noise, of_signal = (
        Estimate(values[name], float(ends[name][0]), float(ends[name][1]), level)
        for name in ("snr", "noise", "signal")
    )
    return of_signal, of_noise, ratio


def _shared(values: Float[Array, "runs words"]) -> float:
    """Share of the noise that moves all words of a run alike, 0 where there is no noise."""
    whole, own = moments(values), moments(values, centred=True)
    if whole.noise == 0:
        return 0.0
    level = values.mean(1).var(ddof=1) - own.noise / values.shape[1]
    return float(level / whole.noise)


def _check_level(level: float, permutations: int) -> None:
    if not 0 < level < 1:
        raise InputError(f"got level {level}: give a confidence between 0 and 1, such as 0.95")
    if permutations < 1:
        raise InputError(f"got {permutations} permutations: at least 1 is needed")
