"""Which source of randomness makes how much of the noise: variance components of crossed runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from glossator.errors import InputError
from glossator.trust.intervals import (
    Term,
    combined,
    effective_words,
    gained_dof,
    variance_bounds,
)
from glossator.trust.moments import NOTHING, Array
from glossator.trust.reliable import Reliable
from glossator.types import Estimate

Subset = tuple[int, ...]

_LEAST, _MOST = -30.0, 30.0
"""Logarithms between which the ends of a ratio are searched."""


@dataclass(frozen=True, slots=True)
class Component:
    """What one source, or several together, contribute to the noise.

    Attributes:
        sources: names; several are what they do together beyond what each does alone.
        variance: of a word's score, averaged over words: `alike` and `by_word` added.
        alike: the part that moves all words by the same amount.
        by_word: the part that is each word's own (word x source).
        share: of the noise of one run. Estimates below 0 are shown as they are: they say that the
            component is too small to be told from 0, and all shares sum to 1.
    """

    sources: tuple[str, ...]
    variance: Estimate
    alike: Estimate
    by_word: Estimate
    share: float


@dataclass(frozen=True, eq=False)
class VarianceTable(Reliable):
    """Noise by source, for one text.

    Attributes:
        sources: names. levels: how many levels of each were crossed.
        components: for each source, each pair of sources and so on, in that order.
        noise: variance of a word's score in a run in which everything is drawn anew.
        signal: variance over words of their true means.
        snr: signal over noise.
        dropped: words without a score in some run, in none of the numbers.
    """

    sources: tuple[str, ...]
    levels: tuple[int, ...]
    components: tuple[Component, ...]
    noise: Estimate
    signal: Estimate
    snr: Estimate
    dropped: int


def variance_table(values: Any, sources: Sequence[str], level: float = 0.95) -> VarianceTable:
    """Split the noise of crossed runs into what each source of randomness makes of it.

    Every level of every source is combined with every level of the others, and the scores are

        r = mean of the word + sum over sets A of sources (u_A + v_A,word)

    with random effects u (all words alike) and v (each word's own). Mean squares of such a design
    are sums of the variances wanted, and are solved for them (the method of moments for balanced
    data: Henderson 1953; Searle, Casella and McCulloch 1992, chapter 4). The component of all
    sources together holds whatever else differs from run to run.

    Args:
        values: [levels of source 1, ..., levels of source k, words]; NaN where a word has no
            score: the word is dropped, and counted.
        sources: k names.
        level: confidence of the intervals. They take effects as normal and levels as drawn at
            random: with two levels of a source they are wide.

    Returns:
        Estimates in the square of the scores' unit.

    Raises:
        InputError: shapes and names that do not fit, a source of one level, less than two words
            with scores, an infinite score.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> model, seed = rng.normal(size=(40, 1, 50)), 0.5 * rng.normal(size=(1, 30, 50))
        >>> rest = 0.1 * rng.normal(size=(40, 30, 50))
        >>> found = variance_table(model + seed + rest, ["model", "seed"])
        >>> [(each.sources, round(each.share, 1)) for each in found.components]
        [(('model',), 0.8), (('seed',), 0.2), (('model', 'seed'), 0.0)]
    """
    array, dropped = _checked(values, sources)
    names, levels = tuple(sources), array.shape[:-1]
    squares = _MeanSquares(array, level)
    of_signal, of_noise = squares.terms_of_signal(), squares.terms_of_noise()
    signal, noise = _estimate(of_signal, level), _estimate(of_noise, level)
    components = []
    for subset in _subsets(len(names)):
        alike, by_word = squares.terms(subset)
        variance = _estimate([*alike, *by_word], level)
        components.append(
            Component(
                sources=tuple(names[axis] for axis in subset),
                variance=variance,
                alike=_estimate(alike, level),
                by_word=_estimate(by_word, level),
                share=variance.value / noise.value if noise.value > 0 else 0.0,
            )
        )
    ratio = _ratio(of_signal, of_noise, level)
    return VarianceTable(names, levels, tuple(components), noise, signal, ratio, dropped)


class _MeanSquares:
    """Mean squares of every set of sources, with and without the words, and their intervals."""

    def __init__(self, array: Float[Array, "*levels words"], level: float) -> None:
        self.array, self.level = array, level
        self.levels, self.words = array.shape[:-1], array.shape[-1]
        self.rounding = NOTHING * float((array**2).mean())
        self.found = {subset: self._measure(subset) for subset in _subsets(len(self.levels))}

    def _measure(self, subset: Subset) -> tuple[Term, Term]:
        """Mean square of the effect on all words, and of that on each, as terms of a sum."""
        effect = self.array
        for axis in range(len(self.levels)):
            mean = effect.mean(axis, keepdims=True)
            effect = effect - mean if axis in subset else mean
        rows = effect.reshape(-1, self.words)
        free = math.prod(self.levels[axis] - 1 for axis in subset)
        copies = self._others(subset)
        shared = rows.mean(1, keepdims=True)
        alike = copies * self.words * (shared**2).sum() / free
        own = copies * ((rows - shared) ** 2).sum() / (free * (self.words - 1))
        dof = free * effective_words(rows - shared, free, self.words - 1)
        return self._term(alike, np.asarray(float(free))), self._term(own, np.asarray(dof))

    def _term(self, square: float, dof: Array) -> Term:
        value = np.asarray(square if square > self.rounding else 0.0)
        return 1.0, value, variance_bounds(value, dof, self.level)

    def _others(self, subset: Subset) -> int:
        """How many runs an effect of these sources is averaged over."""
        return math.prod(n for axis, n in enumerate(self.levels) if axis not in subset)

    def terms(self, subset: Subset) -> tuple[list[Term], list[Term]]:
        """A component as a sum of mean squares: on all words alike, and on each word."""
        coefficients: dict[tuple[Subset, int], float] = {}
        for larger in self.found:
            if set(subset) <= set(larger):
                sign = (-1) ** (len(larger) - len(subset)) / self._others(subset)
                coefficients[larger, 0] = sign / self.words
                coefficients[larger, 1] = -sign / self.words
                coefficients[larger, 2] = sign
        alike = [self._scaled(key, c) for key, c in coefficients.items() if key[1] < 2]
        by_word = [self._scaled(key, c) for key, c in coefficients.items() if key[1] == 2]
        return alike, by_word

    def _scaled(self, key: tuple[Subset, int], coefficient: float) -> Term:
        _, value, ends = self.found[key[0]][min(key[1], 1)]
        return coefficient, value, ends

    def terms_of_noise(self) -> list[Term]:
        """The sum of all components."""
        return [term for subset in self.found for part in self.terms(subset) for term in part]

    def left_in_means(self) -> list[Term]:
        """What noise is left in the mean of all runs."""
        return [
            (coefficient / (math.prod(self.levels) / self._others(subset)), value, ends)
            for subset in self.found
            for part in self.terms(subset)
            for coefficient, value, ends in part
        ]

    def terms_of_signal(self) -> list[Term]:
        """Variance over words of their means, less what noise adds to it."""
        mean = self.array.reshape(-1, self.words).mean(0)
        means = np.asarray(mean.var(ddof=1))
        left = self.left_in_means()
        noise = sum(coefficient * float(value) for coefficient, value, _ in left)
        ends = means, means
        if noise > 0:
            gain, dof = np.asarray(float(means) / noise), np.asarray(self.words - 1.0)
            ends = variance_bounds(means, gained_dof(dof, gain), self.level)
        return [(1.0, means, ends), *((-c, value, ends) for c, value, ends in left)]


def _ratio(of_signal: Sequence[Term], of_noise: Sequence[Term], level: float) -> Estimate:
    """Signal over noise; its ends are the ratios s at which signal - s x noise may just be 0."""
    signal, noise = _estimate(of_signal, level), _estimate(of_noise, level)
    if noise.value == 0:
        ratio = math.inf if signal.value > 0 else 0.0
        return Estimate(ratio, ratio, math.inf, level)
    value = signal.value / noise.value
    _, means, _ = of_signal[0]
    least = value - float(means) / noise.value  # the ratio if the means did not differ at all

    def rest(ratio: float) -> Estimate:
        return _estimate([*of_signal, *((-ratio * c, v, e) for c, v, e in of_noise)], level)

    def end(of: Callable[[Estimate], float]) -> float:
        def sign(logarithm: float) -> float:
            return of(rest(least + math.exp(logarithm)))

        if sign(_LEAST) <= 0:
            return least
        root = float(brentq(sign, _LEAST, _MOST))  # type: ignore[no-untyped-call]
        return least + math.exp(root)

    return Estimate(value, end(lambda found: found.low), end(lambda found: found.high), level)


def _estimate(terms: Sequence[Term], level: float) -> Estimate:
    """The sum of terms with its interval; the same mean square in several terms counts once."""
    merged: dict[int, Term] = {}
    for coefficient, value, ends in terms:
        before = merged.get(id(value), (0.0, value, ends))[0]
        merged[id(value)] = before + coefficient, value, ends
    low, high = combined(merged.values())
    total = sum(coefficient * float(value) for coefficient, value, _ in merged.values())
    return Estimate(total, float(low), float(high), level)


def _subsets(size: int) -> Iterator[Subset]:
    """All sets of sources but the empty one, smaller ones first."""
    for count in range(1, size + 1):
        yield from combinations(range(size), count)


def _checked(values: Any, sources: Sequence[str]) -> tuple[Float[Array, "*levels words"], int]:
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"the values are no array of numbers ({error})") from None
    if not sources or array.ndim != len(sources) + 1:
        raise InputError(
            f"got values of shape {list(array.shape)} for {len(sources)} source(s): give an axis "
            "for each source, then one for the words"
        )
    if len(set(sources)) < len(sources):
        raise InputError(f"two sources have the same name: {', '.join(sources)}")
    for name, count in zip(sources, array.shape, strict=False):
        if count < 2:
            raise InputError(f"source '{name}' has {count} level(s): give at least 2")
    if np.isinf(array).any():
        raise InputError("a value is infinite: give NaN where a word has no score")
    kept = ~np.asarray(np.isnan(array).any(axis=tuple(range(len(sources)))))
    if kept.sum() < 2:
        raise InputError(
            f"{kept.sum()} of {len(kept)} words have a score in every run: at least 2 are needed"
        )
    return array[..., kept], int((~kept).sum())
