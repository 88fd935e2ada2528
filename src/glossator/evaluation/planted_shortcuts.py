"""Planted shortcuts: does the explanation find the words that were put in to decide?"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.evaluation.recovery import precision_at_k
from glossator.registry import metric

PAPER = "Bastings et al. 2022, Will You Find These Shortcuts?, arXiv 2111.07367, section 4"
NULL = "the same scores, shuffled over the words"


@metric(
    "shortcut_precision",
    needs="rationale",
    measures="precision@k: share of the k words of largest score that were planted, k being how "
    "many were",
    direction="higher",
    range=(0.0, 1.0),
    null=NULL,
    paper=PAPER,
    rows="0",
)
def shortcut_precision(
    planted: Bool[Tensor, "targets players"],
    scores: Float[Tensor, "targets players"],
    *,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The share of the top k words that were planted.

    Args:
        planted: the words that decide, k for each target.
        scores: signed; the largest come first. Ties count for what an order drawn at random among
            them is worth.
        generator: taken by all metrics; nothing is drawn.

    Returns:
        [targets], between 0 and 1. NaN where a target has no scores, or no planted word can act
        on it.

    Example:
        >>> shortcut_precision(torch.tensor([[False, True]]), torch.tensor([[1.0, 2.0]]))
        tensor([1.], dtype=torch.float64)
    """
    return precision_at_k(planted, scores)


@metric(
    "shortcut_rank",
    needs="rationale",
    measures="how far down the ranking one has to read to meet all planted words, 0 where they "
    "come first and 1 where one comes last",
    direction="lower",
    range=(0.0, 1.0),
    null=NULL,
    paper=PAPER,
    rows="0",
)
def shortcut_rank(
    planted: Bool[Tensor, "targets players"],
    scores: Float[Tensor, "targets players"],
    *,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """(rank of the last planted word - k) / (words - k), ranks from 1.

    Args:
        planted, scores, generator: as in `shortcut_precision`; a planted word comes after all
            words that have the same score, so that ties do not help.

    Returns:
        [targets], between 0 and 1. NaN as in `shortcut_precision`, and where all words were
        planted.

    Example:
        >>> shortcut_rank(torch.tensor([[False, True, False]]), torch.tensor([[3.0, 2.0, 1.0]]))
        tensor([0.5000], dtype=torch.float64)
    """
    found = []
    for marked, row in zip(planted, scores, strict=True):
        own = ~row.isnan()
        count, words = int((marked & own).sum()), int(own.sum())
        if count in (0, words):
            found.append(math.nan)
            continue
        lowest = row[marked & own].min()
        before = int((row[own & ~marked] >= lowest).sum())
        found.append(before / (words - count))
    return torch.tensor(found, dtype=torch.float64)
