"""How alike two explanations of the same words are, by every measure, each beside its null.

The scores are those of aligned words, one list for each explanation. The null is what the
measure gives when the scores of the second list are dealt to the words at random.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import permutations as orders

import numpy as np
from jaxtyping import Float

from glossator.errors import InputError
from glossator.evaluation.likeness_measures import MEASURES, TIED, TOP, Draws, Measure, Scores
from glossator.types import Estimate

PERMUTATIONS = 999


@dataclass(frozen=True, slots=True)
class Likeness:
    """How alike two explanations are by one measure.

    Attributes:
        measure: its name. value: in the measure's own range.
        alike: the same as likeness from 0 to 1.
        chance: mean of the null, with the range in which 95% of it lie.
        alike_by_chance: mean of the null as likeness.
        p_value: share of the null at least as alike, one-sided.
        words: how many aligned words were compared.
    """

    measure: str
    value: float
    alike: float
    chance: Estimate
    alike_by_chance: float
    p_value: float
    words: int


def likenesses(
    first: Scores,
    second: Float[np.ndarray, " others"],
    *,
    generator: np.random.Generator,
    permutations: int = PERMUTATIONS,
    top: int = TOP,
) -> dict[str, Likeness | None]:
    """Every registered measure between two lists of scores, beside its null.

    Args:
        first, second: scores of the same words, positive and negative.
        generator: deals the scores of the null. All orders are taken where there are no more
            of them than `permutations`.
        permutations: size of the null.
        top: how many words `top_overlap` looks at.

    Returns:
        By name; None where the measure is not defined for these scores: fewer than two words, a
        list whose scores are all the same (correlations), or all 0 (cosine, shares).

    Raises:
        InputError: lists of different length, or scores that are not finite.

    Example:
        >>> found = likenesses(np.array([3.0, 1.0, 0.0]), np.array([2.0, 1.0, -1.0]),
        ...                    generator=np.random.default_rng(0))
        >>> round(found["spearman"].value, 6), round(found["spearman"].p_value, 2)
        (1.0, 0.17)
    """
    if first.shape != second.shape:
        raise InputError(f"got {len(first)} and {len(second)} scores: align the words first")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("scores to be compared must be finite: leave out words without one")
    if permutations < 1 or top < 1:
        raise InputError("permutations and top are counts: give at least 1")
    null, exact = shuffled(second, permutations, generator)
    return {
        name: _likeness(MEASURES.get(name), first, second, null, exact, top) for name in MEASURES
    }


def shuffled(
    scores: Scores, permutations: int, generator: np.random.Generator
) -> tuple[Draws, bool]:
    """The scores in other orders, and whether these are all there are.

    Example:
        >>> orders, exact = shuffled(np.arange(3.0), 100, np.random.default_rng(0))
        >>> orders.shape, exact
        ((6, 3), True)
    """
    size = len(scores)
    if size <= 12 and math.factorial(size) <= permutations:
        return scores[np.array(list(orders(range(size))), dtype=np.int64)], True
    return generator.permuted(np.tile(scores, (permutations, 1)), axis=1), False


def _likeness(
    measure: Measure, first: Scores, second: Scores, null: Draws, exact: bool, top: int
) -> Likeness | None:
    if len(first) < 2:
        return None
    value = measure.between(first, second[None], top)
    if not np.isfinite(value).all():
        return None
    chance = measure.between(first, null, top)
    ours, theirs = float(measure.alike(value)[0]), measure.alike(chance)
    reached = int((theirs >= ours - TIED).sum())
    low, high = np.quantile(chance, [0.025, 0.975])
    return Likeness(
        measure.name,
        float(value[0]),
        ours,
        Estimate(float(chance.mean()), float(low), float(high)),
        float(theirs.mean()),
        reached / len(null) if exact else (1 + reached) / (1 + len(null)),
        len(first),
    )
