"""Signal, noise and their ratio with intervals, for any number of problems at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from glossator.errors import InputError, UnknownName
from glossator.trust.intervals import (
    Bounds,
    combined,
    effective_words,
    gained_dof,
    noise_dof,
    ratio_bounds,
    variance_bounds,
)

Array = np.ndarray

CONSTRUCTIONS = ("effective", "nominal", "bootstrap")
RESAMPLES = 2000

NOTHING = 1e-13
"""A variance below this share of the mean square is rounding: float64 keeps 16 digits."""


@dataclass(frozen=True, slots=True)
class Moments:
    """What signal, noise and their ratio are made of.

    Attributes:
        runs: how many there are.
        means: variance over words of the mean over runs.
        noise: variance over runs of a word, averaged over words.
        nominal: degrees of freedom (of the words, of the noise) if words are independent, equally
            noisy and normal. effective: as many as the runs show.
        apart: scores less their mean over runs (and less what all words of a run share, where
            that is no noise): what the noise is measured on.
        levelled: scores less their mean over words: what the signal is measured on.
        free: number of words, less one where what they share is no noise.
    """

    runs: int
    means: Float[Array, "*many"]
    noise: Float[Array, "*many"]
    nominal: tuple[Float[Array, "*many"], Float[Array, "*many"]]
    effective: tuple[Float[Array, "*many"], Float[Array, "*many"]]
    apart: Float[Array, "*many runs words"]
    levelled: Float[Array, "*many runs words"]
    free: int

    @property
    def signal(self) -> Float[Array, "*many"]:
        """Variance of the words' true means: what noise adds to that of M runs is taken off."""
        return np.asarray(self.means - self.noise / self.runs)

    @property
    def ratio(self) -> Float[Array, "*many"]:
        """Variance ratio of the words: 1 + runs x SNR on average, where noise is endless."""
        return np.asarray(self.runs * self.means / self.noise)

    @property
    def snr(self) -> Float[Array, "*many"]:
        """Signal over noise, less what dividing by an estimate adds to it on average.

        The mean of 1 / noise is dof / (dof - 2) times that of a known noise.
        """
        return np.asarray((_unbiased(self.nominal[1]) * self.ratio - 1) / self.runs)


def moments(values: Float[Array, "*many runs words"], *, centred: bool = False) -> Moments:
    """Mean squares of scores.

    Args:
        values: at least two runs and two words.
        centred: a level that all words of a run share is no noise.
    """
    runs, words = values.shape[-2:]
    means = values.mean(-2).var(-1, ddof=1)
    apart = values - values.mean(-2, keepdims=True)
    within = apart - apart.mean(-1, keepdims=True)
    counted, free = (within, words - 1) if centred else (apart, words)
    noise = (counted**2).sum((-2, -1)) / (free * (runs - 1))
    rounding = NOTHING * (values**2).mean((-2, -1))
    noise = np.where(noise > rounding, noise, 0.0)
    dof = float(free * (runs - 1))
    return Moments(
        runs=runs,
        means=np.where(means > rounding, means, 0.0),
        noise=noise,
        nominal=(np.full_like(noise, words - 1), np.full_like(noise, dof)),
        effective=(
            effective_words(within, runs - 1, words - 1),
            noise_dof((counted**2).mean(-1), dof),
        ),
        apart=counted,
        levelled=values - values.mean(-1, keepdims=True),
        free=free,
    )


def bounds(
    found: Moments,
    intervals: str = "effective",
    level: float = 0.95,
    *,
    fixed: bool = True,
    generator: np.random.Generator | None = None,
) -> dict[str, Bounds]:
    """Intervals of "signal", "noise" and "snr".

    Args:
        found: with a noise that is not 0.
        intervals: "effective": by the F distribution, with degrees of freedom that the runs show;
            "nominal": with those of independent, equally noisy, normal words; "bootstrap":
            percentiles over runs drawn again (one problem only).
        level: confidence.
        fixed: about these words; else about all words of which these are a sample.
        generator: of the bootstrap.

    Raises:
        UnknownName: no such construction.
        InputError: a bootstrap about more than these words.
    """
    if intervals not in CONSTRUCTIONS:
        raise UnknownName("construction of intervals", intervals, CONSTRUCTIONS)
    if intervals == "bootstrap":
        if not fixed:
            raise InputError("the bootstrap draws runs, not words: take intervals 'effective'")
        return _percentiles(found, level, generator or np.random.default_rng(0))
    words, noise = found.effective if intervals == "effective" else found.nominal
    of_noise = variance_bounds(found.noise, noise, level)
    gain = np.asarray(1 + found.runs * np.maximum(found.snr, 0))
    of_means = variance_bounds(found.means, gained_dof(words, gain) if fixed else words, level)
    parts = [(1.0, found.means, of_means), (-1 / found.runs, found.noise, of_noise)]
    return {
        "signal": combined(parts),
        "noise": of_noise,
        "snr": ratio_bounds(found.ratio, (words, noise), found.runs, level, fixed=fixed),
    }


def _percentiles(found: Moments, level: float, generator: np.random.Generator) -> dict[str, Bounds]:
    """Percentile bootstrap over runs.

    Mean squares of runs drawn again are quadratic forms of how often each was drawn.
    """
    runs = found.runs
    share = generator.multinomial(runs, np.full(runs, 1 / runs), RESAMPLES) / runs
    between = found.levelled @ found.levelled.T / (found.levelled.shape[1] - 1)
    apart = found.apart @ found.apart.T / found.free
    means = (share @ between * share).sum(1)
    noise = share @ np.diag(apart) - (share @ apart * share).sum(1)
    noise = np.maximum(noise * runs / (runs - 1), NOTHING * found.noise)
    ratio = _unbiased(found.nominal[1]) * runs * means / noise
    drawn = {"signal": means - noise / runs, "noise": noise, "snr": (ratio - 1) / runs}
    tails = [(1 - level) / 2, (1 + level) / 2]
    ends = {name: np.quantile(values, tails) for name, values in drawn.items()}
    return {name: (np.asarray(low), np.asarray(high)) for name, (low, high) in ends.items()}


def _unbiased(dof: Float[Array, "*many"]) -> Float[Array, "*many"]:
    return np.where(dof > 2, (dof - 2) / dof, 1.0)
