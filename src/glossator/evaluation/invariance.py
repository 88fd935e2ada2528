"""How far scores move when they should not: moved inputs, shifted inputs, rewritten weights.

The same scores are measured again under a disturbance (see `glossator.model.disturbed`); each of
these metrics is the largest relative change over the disturbances drawn.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.registry import metric

Again = Float[Tensor, "draws targets players"]
Scores = Float[Tensor, "targets players"]

NULL = "the same scores, shuffled over the words"


@metric(
    "max_sensitivity",
    needs="moved",
    measures="largest relative change of the scores when the inputs move a little",
    direction="lower",
    range=(0.0, math.inf),
    null=NULL,
    paper="Yeh et al. 2019, On the (In)fidelity and Sensitivity of Explanations, arXiv "
    "1901.09392, definition 2.2",
    rows="draws x the rows of the method",
)
def max_sensitivity(
    again: Again, scores: Scores, *, generator: torch.Generator | None = None
) -> Float[Tensor, " targets"]:
    """The largest |scores of moved inputs - scores| / |scores|, Euclidean lengths, of all draws.

    Args:
        again: scores of the same method at moved inputs.
        scores: as explained.
        generator: taken by all metrics; nothing is drawn here.

    Returns:
        [targets]; 0 = the scores stand still. NaN where a target has no scores, or none but 0.

    Example:
        >>> max_sensitivity(torch.tensor([[[3.0, 5.0]]]), torch.tensor([[3.0, 4.0]]))
        tensor([0.2000])
    """
    return relative_change(again, scores).amax(0)


@metric(
    "input_invariance",
    needs="shifted",
    measures="largest relative change of the scores when all inputs are shifted by a constant and "
    "the model takes it off again",
    direction="lower",
    range=(0.0, math.inf),
    null=NULL,
    paper="Kindermans et al. 2019, The (Un)reliability of Saliency Methods, arXiv 1711.00867",
    rows="draws x the rows of the method",
)
def input_invariance(
    again: Again, scores: Scores, *, generator: torch.Generator | None = None
) -> Float[Tensor, " targets"]:
    """As `max_sensitivity`, of scores whose inputs were shifted without any effect.

    Example:
        >>> input_invariance(torch.tensor([[[3.0, 4.0]]]), torch.tensor([[3.0, 4.0]]))
        tensor([0.])
    """
    return relative_change(again, scores).amax(0)


@metric(
    "implementation_invariance",
    needs="rewritten",
    measures="largest relative change of the scores when the weights are rearranged so that the "
    "model computes the same",
    direction="lower",
    range=(0.0, math.inf),
    null=NULL,
    paper="Sundararajan, Taly and Yan 2017, arXiv 1703.01365, section 2.2",
    rows="draws x the rows of the method",
)
def implementation_invariance(
    again: Again, scores: Scores, *, generator: torch.Generator | None = None
) -> Float[Tensor, " targets"]:
    """As `max_sensitivity`, of scores of a model that computes the same in another way.

    Example:
        >>> implementation_invariance(torch.tensor([[[3.0, 4.0]]]), torch.tensor([[3.0, 4.0]]))
        tensor([0.])
    """
    return relative_change(again, scores).amax(0)


def relative_change(again: Again, scores: Scores) -> Float[Tensor, "draws targets"]:
    """|again - scores| / |scores| for each draw; NaN where the scores have no length."""
    change = torch.linalg.vector_norm((again - scores).nan_to_num(nan=0.0), dim=2)
    length = torch.linalg.vector_norm(scores.nan_to_num(nan=0.0), dim=1)
    relative: Tensor = (change / length).masked_fill(length == 0, math.nan)
    return relative
