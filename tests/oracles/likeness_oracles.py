"""Measures of likeness by their definitions: slowly, or by another library."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import spatial, stats


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    return float(stats.spearmanr(first, second).statistic)


def kendall(first: np.ndarray, second: np.ndarray) -> float:
    return float(stats.kendalltau(first, second, variant="b").statistic)


def top_overlap(first: np.ndarray, second: np.ndarray, top: int = 3) -> float:
    """For lists without ties: count words that are in both tops."""
    best = [set(np.argsort(-np.abs(scores))[:top].tolist()) for scores in (first, second)]
    return len(best[0] & best[1]) / min(top, len(first))


def rbo(first: np.ndarray, second: np.ndarray, p: float = 0.9) -> float:
    """(1 - p) sum over d of p^(d - 1) A(d), far enough; beyond the lists A stays as it is."""

    def seen(scores: np.ndarray, depth: int) -> set[int]:
        size = np.abs(scores)
        return {i for i in range(len(size)) if int((size > size[i]).sum()) + 1 <= depth}

    def agreement(depth: int) -> float:
        ours, theirs = seen(first, depth), seen(second, depth)
        return 2 * len(ours & theirs) / (len(ours) + len(theirs))

    known = [agreement(d) for d in range(1, len(first) + 1)]
    return (1 - p) * sum(p ** (d - 1) * known[min(d, len(first)) - 1] for d in range(1, 2000))


def cosine(first: np.ndarray, second: np.ndarray) -> float:
    return 1 - float(spatial.distance.cosine(first, second))


def shares(scores: np.ndarray) -> np.ndarray:
    return np.array([abs(score) for score in scores]) / sum(abs(score) for score in scores)


def earth_mover(first: np.ndarray, second: np.ndarray) -> float:
    places = np.arange(len(first)) / (len(first) - 1)
    return float(stats.wasserstein_distance(places, places, np.abs(first), np.abs(second)))


def jensen_shannon(first: np.ndarray, second: np.ndarray) -> float:
    return float(spatial.distance.jensenshannon(shares(first), shares(second), base=2)) ** 2


def kl(first: np.ndarray, second: np.ndarray) -> float:
    mixed = [0.99 * shares(scores) + 0.01 / len(scores) for scores in (first, second)]
    return float(stats.entropy(*mixed))


def common_length(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of a longest common subsequence, by its recursion."""

    @cache
    def length(i: int, j: int) -> int:
        if i == len(first) or j == len(second):
            return 0
        if first[i] == second[j]:
            return 1 + length(i + 1, j + 1)
        return max(length(i + 1, j), length(i, j + 1))

    return length(0, 0)
