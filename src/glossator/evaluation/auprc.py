"""AUPRC: how well the scores rank the words that people mark before the others."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.registry import metric


@metric(
    "auprc",
    needs="rationale",
    measures="area under the curve of precision over recall as more words are chosen",
    direction="higher",
    range=(0.0, 1.0),
    null="the same scores, shuffled over the words: about the share of marked words",
    paper="DeYoung et al. 2020, ERASER, arXiv 1911.03429, section 4.1",
    rows="0",
)
def auprc(
    rationale: Bool[Tensor, "targets players"],
    scores: Float[Tensor, "targets players"],
    *,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The area under precision over recall, by trapezia, one point for each distinct score.

    Args:
        rationale: the marked words.
        scores: signed; tied words are chosen together, so their order does not matter.
        generator: taken by all metrics; nothing is drawn.

    Returns:
        [targets], between 0 and 1. NaN where a target has no scores, or the rationale no word
        that can act on it.

    Example:
        >>> auprc(torch.tensor([[True, False, False]]), torch.tensor([[3.0, 2.0, 1.0]]))
        tensor([1.], dtype=torch.float64)
    """
    rows = zip(rationale, scores, strict=True)
    found = [_area(marked[~row.isnan()], row[~row.isnan()]) for marked, row in rows]
    return torch.tensor(found, dtype=torch.float64)


def _area(marked: Bool[Tensor, " words"], scores: Float[Tensor, " words"]) -> float:
    if not marked.any():
        return math.nan
    sorted_, order = scores.sort(descending=True)
    last = torch.cat([sorted_[1:] != sorted_[:-1], torch.tensor([True])])  # of each tie
    hits = marked[order].cumsum(0)[last].double()
    precision = hits / (torch.arange(len(scores))[last] + 1)
    recall = hits / marked.sum()
    # Before any word is chosen, recall is 0 and precision is taken as 1, as scikit-learn does.
    start = torch.tensor([1.0], dtype=torch.float64)
    return float(torch.trapezoid(torch.cat([start, precision]), torch.cat([start * 0, recall])))
