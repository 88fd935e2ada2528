"""Parameter randomisation: scores that stay when the weights are drawn anew explain no model.

Layers are drawn anew one after the other, and stay so, or each of them alone.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.agreement import likeness
from glossator.registry import metric

Again = Float[Tensor, "layers targets players"]
Scores = Float[Tensor, "targets players"]

NULL = "the same scores, shuffled over the words: about 0"
PAPER = "Adebayo et al. 2018, Sanity Checks for Saliency Maps, arXiv 1810.03292, section 3"
ROWS = "layers x the rows of the method"


@metric(
    "parameter_randomisation",
    needs="randomised",
    measures="rank correlation of the scores with those of the model whose layers are drawn anew, "
    "one after the other from the output down",
    direction="lower",
    range=(-1.0, 1.0),
    null=NULL,
    paper=PAPER,
    rows=ROWS,
)
def parameter_randomisation(
    again: Again,
    scores: Scores,
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


@metric(
    "independent_randomisation",
    needs="redrawn",
    measures="rank correlation of the scores with those of the model of which one layer alone is "
    "drawn anew",
    direction="lower",
    range=(-1.0, 1.0),
    null=NULL,
    paper=PAPER,
    rows=ROWS,
)
def independent_randomisation(
    again: Again,
    scores: Scores,
    *,
    absolute: bool = False,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The mean over layers of the rank correlation once that layer alone is drawn anew.

    Args:
        again: scores of the same method, each layer alone drawn anew.
        scores, absolute, generator: as in `parameter_randomisation`.

    Returns:
        [targets], between -1 and 1; 1 = no layer matters to the scores. NaN as in
        `parameter_randomisation`.

    Example:
        >>> again = torch.tensor([[[1.0, 2.0, 3.0]], [[3.0, 2.0, 1.0]]])
        >>> independent_randomisation(again, torch.tensor([[0.1, 0.2, 0.4]]))
        tensor([0.], dtype=torch.float64)
    """
    found: Tensor = parameter_randomisation(again, scores, absolute=absolute)
    return found


def rank_correlations(again: Again, scores: Scores) -> Float[Tensor, "layers targets"]:
    """Spearman's rank correlation at every layer; NaN where it is not defined.

    Example:
        >>> again, scores = torch.tensor([[[3.0, 1.0, 2.0]]]), torch.tensor([[5.0, 6.0, 9.0]])
        >>> rank_correlations(again, scores).round(decimals=6)
        tensor([[-0.5000]], dtype=torch.float64)
    """
    rows = [[likeness(a, b) for a, b in zip(layer, scores, strict=True)] for layer in again]
    return torch.tensor(rows, dtype=torch.float64)
