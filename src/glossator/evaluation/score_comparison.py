"""Two explanations of a pair of texts side by side: the perturbed part and the rest apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from glossator.errors import InputError
from glossator.evaluation.likeness import PERMUTATIONS, Likeness, likenesses
from glossator.evaluation.likeness_measures import TOP
from glossator.text.alignment import Alignment


@dataclass(frozen=True, slots=True)
class Change:
    """What a part of the text contributes in the one and in the other text.

    Attributes:
        before, after: sum of its scores; positive = it raises the readout.
        share_before, share_after: its share of all magnitude; None where all scores are 0.
    """

    before: float
    after: float
    share_before: float | None
    share_after: float | None


@dataclass(frozen=True, slots=True)
class ScoreComparison:
    """How far two explanations differ.

    Attributes:
        rest: each measure of likeness over the words outside the perturbed part; None where
            it is not defined.
        aligned: the same over all aligned words; a perturbed place counts as one word, with
            the sum of its scores.
        part: what the perturbed part contributes, before and after.
        mean_change: mean |difference| of a word of the rest, in the scores' unit; None where
            no word is left.
        mean_size: mean |score| of these words before, for scale.
        alone: words of the first and of the second text that have no partner; they are in
            none of the above but the shares.
    """

    rest: dict[str, Likeness | None]
    aligned: dict[str, Likeness | None]
    part: Change
    mean_change: float | None
    mean_size: float | None
    alone: tuple[int, int]


def compare_scores(
    first: Float[np.ndarray, " words"],
    second: Float[np.ndarray, " others"],
    alignment: Alignment,
    *,
    generator: np.random.Generator,
    permutations: int = PERMUTATIONS,
    top: int = TOP,
) -> ScoreComparison:
    """Compare the scores of two texts through their alignment.

    Args:
        first, second: scores of the words of each text; positive = the word raises the readout.
        alignment: of these words.
        generator, permutations, top: as in `likenesses`.

    Raises:
        InputError: scores that are not finite.

    Example:
        >>> side_by_side = Alignment(rest=((0, 0), (2, 2)), part=(((1,), (1,)),))
        >>> found = compare_scores(np.array([1.0, 3.0, 0.0]), np.array([1.0, -1.0, 0.5]),
        ...                        side_by_side, generator=np.random.default_rng(0))
        >>> found.part.before, found.part.after, found.mean_change
        (3.0, -1.0, 0.25)
    """
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("scores to be compared must be finite: leave out words without one")
    ours = first[[i for i, _ in alignment.rest]]
    theirs = second[[j for _, j in alignment.rest]]
    before = np.array([first[list(block)].sum() for block, _ in alignment.part])
    after = np.array([second[list(block)].sum() for _, block in alignment.part])
    told = {"permutations": permutations, "top": top}
    whole, other = np.concatenate([ours, before]), np.concatenate([theirs, after])
    order = np.argsort([*(i for i, _ in alignment.rest), *_firsts(alignment)], kind="stable")
    changed = [[i for block in alignment.part for i in block[side]] for side in (0, 1)]
    return ScoreComparison(
        rest=likenesses(ours, theirs, generator=generator, **told),
        aligned=likenesses(whole[order], other[order], generator=generator, **told),
        part=Change(
            float(before.sum()),
            float(after.sum()),
            _share(first, changed[0]),
            _share(second, changed[1]),
        ),
        mean_change=float(np.abs(ours - theirs).mean()) if len(ours) else None,
        mean_size=float(np.abs(ours).mean()) if len(ours) else None,
        alone=(len(alignment.alone[0]), len(alignment.alone[1])),
    )


def _firsts(alignment: Alignment) -> list[float]:
    """Where each perturbed place stands among the words of the first text."""
    partner = {j: i for i, j in alignment.rest}
    places = []
    for ours, theirs in alignment.part:
        if ours:
            places.append(float(ours[0]))
        else:  # inserted: behind the word before it
            before = [partner[j] for j in range(theirs[0]) if j in partner]
            places.append(before[-1] + 0.5 if before else -0.5)
    return places


def _share(scores: Float[np.ndarray, " words"], part: list[int]) -> float | None:
    total = float(np.abs(scores).sum())
    return float(np.abs(scores[part]).sum()) / total if total else None
