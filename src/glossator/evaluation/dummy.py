"""Dummy: does a word that changes nothing get a score?"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.attribution.coalitions import any_size, draw
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "dummy",
    needs="game",
    measures="largest score of a word that changes nothing, over the largest score of all",
    direction="lower",
    range=(0.0, 1.0),
    null="the same scores, shuffled over the words",
    paper="Sundararajan, Taly and Yan 2017, arXiv 1703.01365 (sensitivity (b)); Shapley 1953",
    rows="2 n + 2 + samples x (words that change nothing alone + 1)",
)
def dummy(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    samples: int = 8,
    tolerance: float = 1e-3,
    generator: torch.Generator,
) -> Float[Tensor, " targets"]:
    """The largest |score| of a dummy over the largest |score| of all.

    A word counts as a dummy where no coalition that was tried changes by more than the tolerance
    when it comes: alone, last, and in the samples.

    Args:
        game: values of coalitions.
        scores: signed.
        samples: coalitions drawn besides, of any size.
        tolerance: in the readout's unit.
        generator: of the coalitions.

    Returns:
        [targets], between 0 and 1; 0 = dummies have no score. NaN where a target has no dummy,
        no scores, or none but 0.

    Example:
        >>> game = Game(lambda keep: keep[:, :1].double(), before=torch.tensor([[True, True]]))
        >>> dummy(game, torch.tensor([[2.0, 0.5]]), generator=torch.Generator()).item()
        0.25
    """
    size = scores.nan_to_num(nan=0.0).abs()
    idle = dummies(game, samples, tolerance, generator) & ~scores.isnan()
    worst = torch.where(idle, size, 0).amax(1) / size.amax(1)
    return worst.masked_fill(~idle.any(1), math.nan)


def dummies(
    game: Game, samples: int, tolerance: float, generator: torch.Generator
) -> Bool[Tensor, "targets players"]:
    """Which players change no coalition that was tried by more than the tolerance."""
    eye = torch.eye(game.players, dtype=torch.bool)
    last, alone = game.full - game(~eye), game(eye) - game.empty
    idle = (torch.maximum(last.abs(), alone.abs()) <= tolerance).T & game.before
    keep = draw(any_size, samples, game.players, generator)
    for player in idle.any(0).nonzero()[:, 0].tolist():
        with_it, without = keep.clone(), keep.clone()
        with_it[:, player], without[:, player] = True, False
        change = (game(with_it) - game(without)).abs().amax(0)
        idle[:, player] &= change <= tolerance
    return idle
