"""Monotonicity: does the readout rise with every word, the smallest score first?"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.removal_curves import descending, keep_curve, where_scored
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "monotonicity",
    needs="game",
    measures="whether no word lowers the readout as words come, the smallest score first",
    direction="higher",
    range=(0.0, 1.0),
    null="the same scores, shuffled over the words",
    paper="Arya et al. 2019, One Explanation Does Not Fit All, arXiv 1909.03012; Luss et al. 2021",
    rows="at most n x targets",
)
def monotonicity(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    graded: bool = False,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """1 where v(the k words of smallest score) never falls as k grows, else 0.

    Args:
        game: values of coalitions.
        scores: signed; the smallest come first.
        graded: the share of the steps that do not fall, instead of whether all do not.
        generator: breaks ties; None: in reading order.

    Returns:
        [targets], whose mean is a share of targets (or of steps). NaN where a target has no
        scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [-1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> scores = torch.tensor([[3.0, -1.0]])  # right, and yet the first word lowers it
        >>> monotonicity(game, scores).item(), monotonicity(game, scores, graded=True).item()
        (0.0, 0.5)
    """
    own = game.before.sum(1)
    sizes = torch.arange(int(own.max()) + 1)
    steps = keep_curve(game, descending(-scores, generator), sizes.tolist()).diff(dim=0)
    # Past its last word a target's curve stands still, which counts as no step.
    rises = (steps >= 0) & (sizes[1:, None] <= own)
    share = rises.sum(0) / own.double()
    return where_scored(share if graded else share.floor(), scores)
