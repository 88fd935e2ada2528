"""Measures of how alike two lists of scores of the same words are.

Each takes one list and many others at once, since its null needs many.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from glossator.registry import Registry

Scores = Float[np.ndarray, " words"]
Draws = Float[np.ndarray, "draws words"]
Values = Float[np.ndarray, " draws"]

PERSISTENCE = 0.9
"""RBO's p: the share of readers who go on to the next rank. The first 10 have 86% of the weight."""

SMOOTHING = 0.01
"""Mixed into the shares for KL, which is infinite where a word has a share of 0."""

TOP = 3
"""Words that `top_overlap` looks at, unless told otherwise."""

TIED = 1e-12
_PAIRS_AT_ONCE = 2**21


@dataclass(frozen=True)
class Measure:
    """A registered measure of likeness.

    Attributes:
        name: what it is called. does: one sentence. source: the paper or textbook.
        low, high: its range. best: its value for two equal lists.
        between: `(scores, other scores [draws words], top) -> values [draws]`; NaN where the
            measure is not defined (a constant list, one without magnitude).
        alike: turns a value into likeness from 0 to 1.
    """

    name: str
    does: str
    source: str
    low: float
    high: float
    best: float
    between: Callable[[Scores, Draws, int], Values]
    alike: Callable[[Values], Values]


MEASURES: Registry[Measure] = Registry("measure of likeness")


def spearman(first: Scores, second: Draws, _: int = TOP) -> Values:
    """Rank correlation of signed scores; tied words share their mean rank.

    Example:
        >>> spearman(np.array([1.0, 2.0, 3.0]), np.array([[3.0, 2.0, 1.0], [1.0, 1.0, 1.0]]))
        array([-1., nan])
    """
    return _correlation(stats.rankdata(first), stats.rankdata(second, axis=1))


def _correlation(first: Scores, second: Draws) -> Values:
    return _cosine(first - first.mean(), second - second.mean(1, keepdims=True))


def kendall(first: Scores, second: Draws, _: int = TOP) -> Values:
    """Kendall's tau-b: agreement of pairs of words, corrected for ties in either list.

    Example:
        >>> kendall(np.array([1.0, 2.0, 2.0]), np.array([[1.0, 2.0, 3.0]])).round(4)
        array([0.8165])
    """
    i, j = np.triu_indices(len(first), 1)
    ours = np.sign(first[i] - first[j])
    step = max(1, _PAIRS_AT_ONCE // len(i))
    blocks = [second[at : at + step] for at in range(0, len(second), step)]
    parts = [_cosine(ours, np.sign(block[:, i] - block[:, j])) for block in blocks]
    return np.concatenate(parts)


def top_overlap(first: Scores, second: Draws, top: int = TOP) -> Values:
    """Share of the `top` largest magnitudes in common.

    Words that tie for the last places share them evenly.

    Example:
        >>> top_overlap(np.array([3.0, -2.0, 1.0]), np.array([[3.0, 0.0, 1.0]]), 2)
        array([0.5])
    """
    count = min(top, len(first))
    ours, theirs = _membership(first[None], count), _membership(second, count)
    found: np.ndarray = np.minimum(ours, theirs).sum(1) / count
    return found


def _membership(scores: Draws, count: int) -> Draws:
    """How far each word is among the `count` largest: 1, 0, or a share of tied places."""
    size = np.abs(scores)
    last = -np.sort(-size, axis=1)[:, count - 1 : count]
    above, tied = size > last, size == last
    open_places = count - above.sum(1, keepdims=True)
    found: np.ndarray = above + tied * open_places / tied.sum(1, keepdims=True)
    return found


def rank_biased_overlap(first: Scores, second: Draws, _: int = TOP) -> Values:
    """RBO of the words by magnitude, extrapolated; tied words all stand at the first tied rank.

    Webber, Moffat and Zobel 2010, equation 30, A(n) p^n + (1 - p) / p * sum of A(d) p^d over the
    depths d = 1..n. The agreement with ties is 2 |S and T| / (|S| + |T|) of the words S and T down
    to a depth, as in RBO^w of Corsi and Urbano 2024, arXiv 2406.07121.

    Example:
        >>> rank_biased_overlap(np.array([3.0, 2.0, 1.0]), np.array([[-3.0, 2.0, 1.0]]))
        array([1.])
    """
    ours, theirs = _places(first[None]), _places(second)
    both = np.maximum(ours, theirs)
    size = len(first)
    reach = _up_to(ours, size) + _up_to(theirs, size)
    agreement = 2 * _up_to(both, size) / np.maximum(reach, 1)
    weight = PERSISTENCE ** np.arange(1, size + 1)
    tail = agreement[:, -1] * weight[-1]
    found: np.ndarray = tail + (1 - PERSISTENCE) / PERSISTENCE * (agreement * weight).sum(1)
    return found


def _places(scores: Draws) -> Int[np.ndarray, "draws words"]:
    """Rank of each word by magnitude, from 1; ties have the first of their ranks."""
    ranks: np.ndarray = stats.rankdata(-np.abs(scores), method="min", axis=1)
    return ranks.astype(np.int64)


def _up_to(places: Int[np.ndarray, "draws words"], size: int) -> Int[np.ndarray, "draws depths"]:
    """How many words stand at each rank or before it."""
    counts = np.zeros((len(places), size + 1), dtype=np.int64)
    np.add.at(counts, (np.arange(len(places))[:, None], places), 1)
    return counts.cumsum(1)[:, 1:]


def cosine(first: Scores, second: Draws, _: int = TOP) -> Values:
    """Cosine of the angle between the signed scores.

    Example:
        >>> cosine(np.array([1.0, 0.0]), np.array([[0.0, 2.0], [-3.0, 0.0]]))
        array([ 0., -1.])
    """
    return _cosine(first, second)


def _cosine(first: Scores, second: Draws) -> Values:
    length = np.linalg.norm(first) * np.linalg.norm(second, axis=1)
    some = length > 0
    return np.where(some, second @ first / np.where(some, length, 1.0), np.nan).clip(-1, 1)


def earth_mover(first: Scores, second: Draws, _: int = TOP) -> Values:
    """Work to turn one distribution of magnitude over the words into the other.

    Moving everything from the first word to the last is 1. On a line this is the area between the
    cumulative shares, as in `scipy.stats.wasserstein_distance`.

    Example:
        >>> earth_mover(np.array([1.0, 0.0, 0.0]), np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0]]))
        array([0.5, 1. ])
    """
    gap = np.abs(_shares(first[None]).cumsum(1) - _shares(second).cumsum(1))
    return gap[:, :-1].mean(1) if len(first) > 1 else np.full(len(second), np.nan)


def jensen_shannon(first: Scores, second: Draws, _: int = TOP) -> Values:
    """Jensen-Shannon divergence of the shares of magnitude, in bits (0 to 1).

    Example:
        >>> jensen_shannon(np.array([1.0, 0.0]), np.array([[-1.0, 0.0], [0.0, 1.0]]))
        array([0., 1.])
    """
    ours, theirs = _shares(first[None]), _shares(second)
    middle = (ours + theirs) / 2
    found: np.ndarray = (_divergence(ours, middle) + _divergence(theirs, middle)) / 2 / math.log(2)
    return found


def kullback_leibler(first: Scores, second: Draws, _: int = TOP) -> Values:
    """KL divergence of the second shares of magnitude from the first, in nats, smoothed.

    Both have 1% of even shares mixed in, since a share of 0 would make it infinite.

    Example:
        >>> kullback_leibler(np.array([1.0, 1.0]), np.array([[2.0, -2.0]]))
        array([0.])
    """
    even = SMOOTHING / len(first)
    ours, theirs = ((1 - SMOOTHING) * _shares(each) + even for each in (first[None], second))
    return _divergence(ours, theirs).clip(min=0)


def _divergence(
    ours: Float[np.ndarray, "#draws words"], theirs: Float[np.ndarray, "#draws words"]
) -> Values:
    some = ours > 0
    ratio = np.log(np.where(some, ours, 1.0) / np.where(some, theirs, 1.0))
    found: np.ndarray = (ours * np.where(some, ratio, 0.0)).sum(1)
    return found


def _shares(scores: Draws) -> Draws:
    """Magnitudes that add up to 1; NaN where there is none."""
    size = np.abs(scores)
    total = size.sum(1, keepdims=True)
    return np.where(total > 0, size / np.where(total > 0, total, 1.0), np.nan)


def _from_correlation(values: Values) -> Values:
    return (1 + values) / 2


def _from_distance(values: Values) -> Values:
    return 1 - values


def _add(
    name: str,
    source: str,
    limits: tuple[float, float],
    best: float,
    between: Callable[[Scores, Draws, int], Values],
    alike: Callable[[Values], Values],
) -> None:
    does = (between.__doc__ or "").partition("\n")[0].rstrip(".")
    MEASURES.add(name, Measure(name, does, source, *limits, best, between, alike))


def _itself(values: Values) -> Values:
    return values


_CORRELATION, _SHARE = (-1.0, 1.0), (0.0, 1.0)

_add("spearman", "Spearman 1904", _CORRELATION, 1.0, spearman, _from_correlation)
_add("kendall", "Kendall 1945", _CORRELATION, 1.0, kendall, _from_correlation)
_add("top_overlap", "share of the top words", _SHARE, 1.0, top_overlap, _itself)
_add("rbo", "Webber et al. 2010", _SHARE, 1.0, rank_biased_overlap, _itself)
_add("cosine", "angle of two vectors", _CORRELATION, 1.0, cosine, _from_correlation)
_add("earth_mover", "Rubner et al. 2000", _SHARE, 0.0, earth_mover, _from_distance)
_add("jensen_shannon", "Lin 1991", _SHARE, 0.0, jensen_shannon, _from_distance)
_add(
    "kl",
    "Kullback and Leibler 1951",
    (0.0, math.inf),
    0.0,
    kullback_leibler,
    lambda values: np.exp(-values),
)
