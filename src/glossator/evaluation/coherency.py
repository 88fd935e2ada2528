"""Coherency of a method over pairs: alike where nothing should change, unlike where it should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from glossator.evaluation.likeness import Likeness
from glossator.types import Estimate, interval_factor

Judged = tuple[Literal["same", "changes"], Likeness | None]
"""What was expected of a pair, and how alike its two explanations are."""


@dataclass(frozen=True, slots=True)
class Coherency:
    """How coherent a method's explanations of pairs are.

    Attributes:
        score: mean over pairs, 0 to 1: likeness where the prediction should stay the same, 1 less
            it where it should change. Its interval is Student's t over pairs, held within 0 to 1;
            of a single pair nothing is known, and it is 0 to 1.
        chance: mean of the same under the null, where scores are dealt to words at random.
        above_chance: mean of score less chance, pair by pair, with its interval (-1 to 1).
        pairs: how many pairs the score is a mean of.
        undefined: how many pairs could not be scored, and are in no mean.
    """

    score: Estimate
    chance: float
    above_chance: Estimate
    pairs: int
    undefined: int


def coherency(judged: Sequence[Judged]) -> Coherency | None:
    """Coherency over pairs, by one measure of likeness.

    Args:
        judged: expectation and likeness of each pair; None where the measure was not defined.

    Returns:
        None where no pair could be scored.

    Example:
        >>> near = Likeness("cosine", 0.8, 0.9, Estimate(0.0, -0.5, 0.5), 0.5, 0.01, 9)
        >>> found = coherency([("same", near), ("changes", near), ("same", None)])
        >>> found.score.value, found.chance, found.pairs, found.undefined
        (0.5, 0.5, 2, 1)
    """
    scores, chances = [], []
    for expectation, likeness in judged:
        if likeness is not None:
            same = expectation == "same"
            scores.append(likeness.alike if same else 1 - likeness.alike)
            chances.append(likeness.alike_by_chance if same else 1 - likeness.alike_by_chance)
    if not scores:
        return None
    ours, by_chance = np.array(scores), np.array(chances)
    return Coherency(
        mean_within(ours, 0.0, 1.0),
        float(by_chance.mean()),
        mean_within(ours - by_chance, -1.0, 1.0),
        len(scores),
        len(judged) - len(scores),
    )


def mean_within(values: np.ndarray, low: float, high: float) -> Estimate:
    """The mean of values that lie within bounds, with Student's t interval cut off there.

    Args:
        values: at least one; of a single one the interval is all that is possible.
        low, high: the bounds.

    Example:
        >>> mean_within(np.array([0.5]), 0.0, 1.0)
        Estimate(value=0.5, low=0.0, high=1.0, level=0.95)
    """
    mean, count = float(values.mean()), len(values)
    if count < 2:
        return Estimate(mean, low, high)
    half = interval_factor(0.95, count - 1) * float(values.std(ddof=1)) / count**0.5
    return Estimate(mean, max(low, mean - half), min(high, mean + half))
