"""Infidelity: how badly the sum of the scores that go predicts what the readout loses."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.attribution.coalitions import draw, fair_coins
from glossator.evaluation.removal_curves import where_scored
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "infidelity",
    needs="game",
    measures="mean squared error of the removed words' scores, added up, as a prediction of what "
    "the readout loses",
    direction="lower",
    range=(0.0, math.inf),
    null="the same scores, shuffled over the words",
    paper="Yeh et al. 2019, On the (In)fidelity and Sensitivity of Explanations, arXiv "
    "1901.09392, definition 2.1",
    rows="samples, for all targets together",
)
def infidelity(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    samples: int = 64,
    normalize: bool = True,
    generator: torch.Generator,
) -> Float[Tensor, " targets"]:
    """E (I . scores - (v(all) - v(all but I)))^2, each word in I with probability 1/2.

    Args:
        game: values of coalitions.
        scores: signed.
        samples: how many I are drawn; all targets share them.
        normalize: multiply the scores by the one factor that fits best, so that methods whose
            scores have another unit can be compared (the authors' optimal scaling).
        generator: of the draws.

    Returns:
        [targets], in the readout's unit squared; 0 = the scores add up to every loss. NaN where
        a target has no scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> infidelity(game, torch.tensor([[6.0, 2.0]]), generator=torch.Generator()).item()
        0.0
    """
    keep = draw(fair_coins, samples, game.players, generator)
    lost = game.full - game(keep)
    told = (~keep).double() @ scores.nan_to_num(nan=0.0).double().T
    if normalize:
        size = told.square().sum(0)
        told = told * torch.where(size > 0, (told * lost).sum(0) / size, 0)
    return where_scored((told - lost).square().mean(0), scores)
