"""IOU F1: do the chosen spans of words cover the spans that people mark?"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.evaluation.thresholds import top_k
from glossator.registry import metric


@metric(
    "iou_f1",
    needs="rationale",
    measures="F1 of spans, one counting as found where it overlaps by half with a marked one",
    direction="higher",
    range=(0.0, 1.0),
    null="the same scores, shuffled over the words",
    paper="DeYoung et al. 2020, ERASER, arXiv 1911.03429, section 4.1",
    rows="0",
)
def iou_f1(
    rationale: Bool[Tensor, "targets players"],
    scores: Float[Tensor, "targets players"],
    *,
    top: int | None = None,
    overlap: float = 0.5,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """F1 over the runs of neighbouring chosen words and those of marked words.

    A chosen run is right where intersection over union with some marked run is at least
    `overlap`; a marked run is found where this holds of some chosen run.

    Args:
        rationale: the marked words.
        scores: signed; the largest are chosen, ties in reading order.
        top: how many are chosen; None: as many as the rationale has.
        overlap: least intersection over union.
        generator: taken by all metrics; nothing is drawn.

    Returns:
        [targets], between 0 and 1. NaN where a target has no scores, or the rationale no word
        that can act on it.

    Example:
        >>> marked = torch.tensor([[True, True, True, False, False]])
        >>> iou_f1(marked, torch.tensor([[3.0, 2.0, 0.0, 0.0, 1.0]]))  # [0 1] is right, [4] is not
        tensor([0.6667], dtype=torch.float64)
    """
    marked = rationale & ~scores.isnan()
    chosen = top_k(scores, marked.sum(1) if top is None else top)
    pairs = zip(marked, chosen, strict=True)
    return torch.tensor([_f1(runs(a), runs(b), overlap) for a, b in pairs], dtype=torch.float64)


def runs(chosen: Bool[Tensor, " players"]) -> list[range]:
    """The maximal runs of neighbours among the chosen.

    Example:
        >>> runs(torch.tensor([True, True, False, True]))
        [range(0, 2), range(3, 4)]
    """
    padded = torch.nn.functional.pad(chosen.int(), (1, 1)).diff()
    starts, stops = (padded == 1).nonzero()[:, 0], (padded == -1).nonzero()[:, 0]
    return [range(a, b) for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]


def _f1(marked: list[range], chosen: list[range], overlap: float) -> float:
    if not marked or not chosen:
        return math.nan
    right = sum(any(_iou(a, b) >= overlap for a in marked) for b in chosen) / len(chosen)
    found = sum(any(_iou(a, b) >= overlap for b in chosen) for a in marked) / len(marked)
    return 2 * right * found / (right + found) if right + found else 0.0


def _iou(first: range, second: range) -> float:
    both = len(set(first) & set(second))
    return both / (len(first) + len(second) - both)
