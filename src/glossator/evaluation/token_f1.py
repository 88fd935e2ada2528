"""Precision, recall and F1 of the chosen words against those that people mark."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.evaluation.thresholds import top_k
from glossator.registry import metric

Rationale = Bool[Tensor, "targets players"]
Scores = Float[Tensor, "targets players"]

PAPER = "DeYoung et al. 2020, ERASER, arXiv 1911.03429, section 4.1"
NULL = "the same scores, shuffled over the words"


@metric(
    "token_precision",
    needs="rationale",
    measures="share of the chosen words that are in the rationale",
    direction="higher",
    range=(0.0, 1.0),
    null=NULL,
    paper=PAPER,
    rows="0",
)
def token_precision(
    rationale: Rationale,
    scores: Scores,
    *,
    top: int | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """How many of the chosen words the rationale has.

    Args:
        rationale: the marked words.
        scores: signed; the largest are chosen, ties in reading order.
        top: how many are chosen; None: as many as the rationale has, where precision, recall
            and F1 are the same number.
        generator: taken by all metrics; nothing is drawn.

    Returns:
        [targets], between 0 and 1. NaN where a target has no scores, or the rationale no word
        that can act on it.

    Example:
        >>> token_precision(torch.tensor([[True, False, True]]), torch.tensor([[3.0, 2.0, 1.0]]))
        tensor([0.5000], dtype=torch.float64)
    """
    both, chosen, _, defined = _counts(rationale, scores, top)
    return torch.where(defined, both / chosen, torch.nan)


@metric(
    "token_recall",
    needs="rationale",
    measures="share of the words in the rationale that are chosen",
    direction="higher",
    range=(0.0, 1.0),
    null=NULL,
    paper=PAPER,
    rows="0",
)
def token_recall(
    rationale: Rationale,
    scores: Scores,
    *,
    top: int | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """How many words of the rationale are chosen; arguments and NaN as in `token_precision`.

    Example:
        >>> token_recall(torch.tensor([[True, False, True]]), torch.tensor([[3.0, 2.0, 1.0]]),
        ...              top=1)
        tensor([0.5000], dtype=torch.float64)
    """
    both, _, marked, defined = _counts(rationale, scores, top)
    return torch.where(defined, both / marked, torch.nan)


@metric(
    "token_f1",
    needs="rationale",
    measures="harmonic mean of token precision and token recall",
    direction="higher",
    range=(0.0, 1.0),
    null=NULL,
    paper=PAPER,
    rows="0",
)
def token_f1(
    rationale: Rationale,
    scores: Scores,
    *,
    top: int | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """2 P R / (P + R), which is 0 where no word is in both; as `token_precision`.

    Example:
        >>> token_f1(torch.tensor([[True, False, False]]), torch.tensor([[3.0, 2.0, 1.0]]), top=2)
        tensor([0.6667], dtype=torch.float64)
    """
    both, chosen, marked, defined = _counts(rationale, scores, top)
    return torch.where(defined, 2 * both / (chosen + marked), torch.nan)


def _counts(rationale: Rationale, scores: Scores, top: int | None) -> tuple[Tensor, ...]:
    """Words in both, chosen words, marked words; and where there is something to compare."""
    marked = rationale & ~scores.isnan()
    chosen = top_k(scores, marked.sum(1) if top is None else top)
    both, many, size = ((x.sum(1).double()) for x in (chosen & marked, chosen, marked))
    return both, many, size, (size > 0) & (many > 0)
