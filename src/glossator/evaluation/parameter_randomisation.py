"""Parameter randomisation: scores that stay when the weights are drawn anew explain no model."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.registry import metric


@metric(
    "parameter_randomisation",
    needs="randomised",
    measures="rank correlation of the scores with those of the model whose layers are drawn anew, "
    "one after the other from the output down",
    direction="lower",
    range=(-1.0, 1.0),
    null="the same scores, shuffled over the words: about 0",
    paper="Adebayo et al. 2018, Sanity Checks for Saliency Maps, arXiv 1810.03292, section 3",
    rows="layers x the rows of the method",
)
def parameter_randomisation(
    again: Float[Tensor, "layers targets players"],
    scores: Float[Tensor, "targets players"],
    *,
    absolute: bool = False,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The mean over layers of the rank correlation with the scores of the randomised model.

    Args:
        again: scores of the same method, layer by layer of the randomisation.
        scores: as explained.
        absolute: compare sizes and leave signs aside (the authors show both).
        generator: taken by all metrics; nothing is drawn here.

    Returns:
        [targets], between -1 and 1; near 0 = the scores depend on what the model has learnt.
        NaN where fewer than 3 words have scores, or these are all the same, at every layer.

    Example:
        >>> again = torch.tensor([[[1.0, 2.0, 3.0]], [[3.0, 2.0, 1.0]]])
        >>> parameter_randomisation(again, torch.tensor([[0.1, 0.2, 0.4]]))
        tensor([0.], dtype=torch.float64)
    """
    if absolute:
        again, scores = again.abs(), scores.abs()
    return rank_correlations(again, scores).nanmean(0)


def rank_correlations(
    again: Float[Tensor, "layers targets players"], scores: Float[Tensor, "targets players"]
) -> Float[Tensor, "layers targets"]:
    """Spearman's rank correlation at every layer; NaN where it is not defined.

    Example:
        >>> rank_correlations(torch.tensor([[[1.0, 2.0, 3.0]]]), torch.tensor([[5.0, 6.0, 9.0]]))
        tensor([[1.]], dtype=torch.float64)
    """
    rows = [[spearman(a, b) for a, b in zip(layer, scores, strict=True)] for layer in again]
    return torch.tensor(rows, dtype=torch.float64)


def spearman(first: Float[Tensor, " words"], second: Float[Tensor, " words"]) -> float:
    """Rank correlation over the words that both score; NaN of fewer than 3 or of ties only."""
    from scipy import stats

    known = ~(first.isnan() | second.isnan())
    a, b = first[known].numpy(), second[known].numpy()
    if len(a) < 3 or (a == a[0]).all() or (b == b[0]).all():
        return math.nan
    return float(stats.spearmanr(a, b).statistic)
