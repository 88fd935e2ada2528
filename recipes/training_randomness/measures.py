"""Signal, noise and their ratio over many texts, with intervals over both texts and runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from glossator.trust import Stability, higher_order, multivariate, stability
from glossator.types import Estimate, interval_factor

Array = np.ndarray
BLOCK = 2  # runs left out together: `higher_order` takes them in pairs
LEAST_RUNS = 6
"""With a block left out, `higher_order` still needs two pairs."""


def _pairs(relevances: Array) -> Stability:
    words = relevances.shape[1]
    groups = [range(at, min(at + 2, words)) for at in range(0, words, 2)]
    return multivariate(relevances, groups, permutations=1).groups


DEFINITIONS: dict[str, Callable[[Array], Stability]] = {
    "words": lambda relevances: stability(relevances, permutations=1),
    "pairs of words": _pairs,
    "spread": lambda relevances: higher_order(relevances, permutations=1),
}
"""Of signal and noise. The first is univariate and of first order, as in the paper; then the sum of
two neighbouring words (multivariate), and how much each word varies over runs (higher order)."""


@dataclass(frozen=True)
class Measured:
    """Of one family, method and length of text.

    Attributes:
        signal, noise: mean over texts; relevances of each run and text have mean square 1.
        correlation: signal over signal and noise: what two runs are expected to correlate.
        by_text: signal-to-noise ratio of each text by its number, for paired comparison.
        dropped: texts that had no relevance at all in some run, and are in no number.
    """

    signal: Estimate
    noise: Estimate
    correlation: Estimate
    by_text: dict[int, float]
    dropped: int

    @property
    def snr(self) -> Estimate:
        """Signal over noise."""
        ends = (self.correlation.value, self.correlation.low, self.correlation.high)
        return Estimate(*(each / (1 - each) if each < 1 else np.inf for each in ends))


def measure(texts: Sequence[Array], definition: str = "words") -> Measured:
    """Over texts [runs words], which differ in their words but not in their runs."""
    scaled = [_scaled(text) for text in texts]
    kept = {number: text for number, text in enumerate(scaled) if text is not None}
    define = DEFINITIONS[definition]
    found = [define(text) for text in kept.values()]
    whole = _parts(found)
    runs = len(texts[0])
    without_text = [np.delete(whole, at, axis=0) for at in range(len(whole))]
    without_runs = [
        _parts([define(np.delete(text, [at, at + 1], axis=0)) for text in kept.values()])
        for at in range(0, runs - runs % BLOCK, BLOCK)
    ]
    estimates = [
        _estimate(statistic, whole, without_text, without_runs)
        for statistic in (_signal, _noise, _correlation)
    ]
    by_text = {number: one.snr.value for number, one in zip(kept, found, strict=True)}
    return Measured(*estimates, by_text, len(texts) - len(kept))


def _scaled(relevances: Array) -> Array | None:
    """Each run scaled to mean square 1: families speak in units of their own."""
    size = np.sqrt((relevances**2).mean(axis=1, keepdims=True))
    return None if (size == 0).any() else relevances / size


def _parts(found: Sequence[Stability]) -> Array:
    """Signal and noise of each text."""
    return np.array([[one.signal.value, one.noise.value] for one in found])


def _signal(parts: Array) -> float:
    return float(parts[:, 0].mean())


def _noise(parts: Array) -> float:
    return float(parts[:, 1].mean())


def _correlation(parts: Array) -> float:
    return _signal(parts) / (_signal(parts) + _noise(parts))


def _estimate(
    statistic: Callable[[Array], float], whole: Array, *left_out: Sequence[Array]
) -> Estimate:
    """A jackknife over texts and one over blocks of runs, since both are samples; variances add."""
    variance = sum(_jackknife([statistic(parts) for parts in each]) for each in left_out)
    value, half = statistic(whole), interval_factor() * float(np.sqrt(variance))
    return Estimate(value, value - half, value + half)


def _jackknife(values: list[float]) -> float:
    """Variance of a statistic from its values with one part of the sample left out (Tukey 1958)."""
    return (len(values) - 1) * float(np.var(values))
