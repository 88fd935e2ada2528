"""Signal, noise and variance components as their sources write them, one number at a time."""

from __future__ import annotations

from itertools import permutations, product
from statistics import fmean, variance

import numpy as np


def signal_and_noise(scores: np.ndarray) -> tuple[float, float]:
    """Bogaert and Standaert 2024, with the correction for a finite number of runs."""
    runs = scores.tolist()
    columns = list(zip(*runs, strict=True))
    noise = fmean(variance(column) for column in columns)
    signal = variance([fmean(column) for column in columns]) - noise / len(runs)
    return signal, noise


def covariance_of_runs(scores: np.ndarray) -> tuple[float, float]:
    """Signal and noise without shared levels: what two runs have in common, and what not."""
    between = [
        np.cov(scores[a], scores[b])[0, 1]
        for a, b in product(range(len(scores)), repeat=2)
        if a != b
    ]
    signal = float(np.mean(between))
    return signal, float(np.mean([row.var(ddof=1) for row in scores])) - signal


def permutation_p(scores: np.ndarray) -> float:
    """Every permutation of the words of every run but the first (which may stay as it is)."""
    first, *others = scores.tolist()
    observed = np.mean(scores, axis=0).var()
    as_large = total = 0
    for shuffled in product(*(permutations(row) for row in others)):
        total += 1
        as_large += np.mean([first, *shuffled], axis=0).var() >= observed - 1e-12
    return as_large / total


def two_sources(values: np.ndarray) -> tuple[float, float, float]:
    """Components of two crossed sources, word by word, averaged (two-way random effects).

    Searle, Casella and McCulloch 1992, section 4.5: with one observation in each cell the
    interaction and the rest cannot be told apart.
    """
    found = []
    for word in range(values.shape[2]):
        table = values[:, :, word]
        a, b = table.shape
        grand = table.mean()
        ms_a = b * sum((table[i].mean() - grand) ** 2 for i in range(a)) / (a - 1)
        ms_b = a * sum((table[:, j].mean() - grand) ** 2 for j in range(b)) / (b - 1)
        rest = 0.0
        for i, j in product(range(a), range(b)):
            rest += (table[i, j] - table[i].mean() - table[:, j].mean() + grand) ** 2
        ms_rest = rest / ((a - 1) * (b - 1))
        found.append(((ms_a - ms_rest) / b, (ms_b - ms_rest) / a, ms_rest))
    first, second, rest = np.mean(found, axis=0)
    return float(first), float(second), float(rest)


def one_source_by_word(values: np.ndarray) -> tuple[float, float]:
    """What moves all words of a level alike, and what is each word's own (two-way layout)."""
    levels, words = values.shape
    grand = values.mean()
    ms_level = words * sum((row.mean() - grand) ** 2 for row in values) / (levels - 1)
    rest = 0.0
    for i, j in product(range(levels), range(words)):
        rest += (values[i, j] - values[i].mean() - values[:, j].mean() + grand) ** 2
    ms_rest = rest / ((levels - 1) * (words - 1))
    return float((ms_level - ms_rest) / words), float(ms_rest)
