"""AOPC: the area over the curve of a readout whose words go one by one."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.removal_curves import descending, removal_curve, where_scored
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "aopc",
    needs="game",
    measures="how far the readout has fallen, on average over the steps of removing word by word",
    direction="higher",
    range=(-math.inf, math.inf),
    null="the same scores, shuffled over the words",
    paper="Samek et al. 2017, arXiv 1509.06321, equation 12; Nguyen 2018 for words",
    rows="at most n x targets",
)
def aopc(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    most: int | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """1 / (K + 1) times the sum over k = 0..K of v(all) - v(all but the first k words).

    Args:
        game: values of coalitions.
        scores: signed; the largest go first.
        most: K; None: all words of the target. A target with fewer words stops at these, and
            every method is averaged over the same steps.
        generator: breaks ties; None: in reading order.

    Returns:
        [targets], in the readout's unit; large = what matters goes early. NaN where a target
        has no scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> round(aopc(game, torch.tensor([[3.0, 1.0]])).item(), 3)  # (0 + 3 + 4) / 3
        2.333
    """
    own = game.before.sum(1)
    last = own if most is None else own.clamp_max(most)
    sizes = torch.arange(int(last.max()) + 1)
    curve = removal_curve(game, descending(scores, generator), sizes.tolist())
    fallen = (game.full - curve).masked_fill(sizes[:, None] > last, 0)
    return where_scored(fallen.sum(0) / (last + 1), scores)
