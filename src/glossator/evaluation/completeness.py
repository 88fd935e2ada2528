"""Completeness: do the scores add up to what all words do together?"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.removal_curves import where_scored
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "completeness",
    needs="game",
    measures="how far the sum of the scores is from v(all) - v(none)",
    direction="lower",
    range=(0.0, math.inf),
    null="none: shuffling leaves the sum as it is",
    paper="Sundararajan, Taly and Yan 2017, arXiv 1703.01365, section 3 (efficiency)",
    rows="2",
)
def completeness(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """|sum of the scores - (v(all) - v(none))|.

    Args:
        game: values of coalitions.
        scores: signed.
        generator: taken by all metrics; nothing is drawn.

    Returns:
        [targets], in the readout's unit; 0 = complete. NaN where a target has no scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> completeness(game, torch.tensor([[3.0, 0.5]])).item()
        0.5
    """
    gap = (scores.double().nansum(1) - (game.full - game.empty)).abs()
    return where_scored(gap, scores)
