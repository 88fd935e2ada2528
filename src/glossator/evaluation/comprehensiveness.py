"""Comprehensiveness: how far the readout falls without the words of largest score."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.removal_curves import (
    BINS,
    descending,
    removal_curve,
    sizes_of,
    where_scored,
)
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "comprehensiveness",
    needs="game",
    measures="how far the readout falls when the words of largest score are removed",
    direction="higher",
    range=(-math.inf, math.inf),
    null="the same scores, shuffled over the words",
    paper="DeYoung et al. 2020, ERASER, arXiv 1911.03429, section 4.2",
    rows="shares x targets",
)
def comprehensiveness(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    shares: Sequence[float] = BINS,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The mean over shares of v(all) - v(all but the words of largest score).

    Args:
        game: values of coalitions; with the readout `probability` this is the paper's.
        scores: signed; the largest go first.
        shares: how many of the words, rounded up.
        generator: breaks ties; None: in reading order.

    Returns:
        [targets], in the readout's unit; large = the explanation names what matters. NaN where
        a target has no scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> comprehensiveness(game, torch.tensor([[3.0, 1.0]]), shares=[0.5]).item()
        3.0
    """
    order = descending(scores, generator)
    curve = removal_curve(game, order, sizes_of(game.before, shares))
    return where_scored(game.full - curve.mean(0), scores)
