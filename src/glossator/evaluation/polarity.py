"""Polarity: does the sign of a score say which way the word moves the readout?"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "polarity",
    needs="game",
    measures="share of the words of largest size whose sign is that of what the readout loses "
    "without them",
    direction="higher",
    range=(0.0, 1.0),
    null="the same scores, shuffled over the words",
    paper="Liu et al. 2022, Rethinking Attention-Model Explainability through Faithfulness "
    "Violation Test, arXiv 2201.12114, section 3",
    rows="n + 1",
)
def polarity(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    top: int | None = 1,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The share of words with sign(score) = sign(v(all) - v(all but the word)).

    Args:
        game: values of coalitions.
        scores: signed.
        top: how many words are looked at, the largest sizes first, ties in reading order; None:
            all. Words whose score or whose effect is 0 have no sign and are left out.
        generator: taken by all metrics; nothing is drawn.

    Returns:
        [targets], between 0 and 1. NaN where no word has both signs.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [-1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> polarity(game, torch.tensor([[3.0, 1.0]]), top=None).item()
        0.5
    """
    effect = (game.full - game(~torch.eye(game.players, dtype=torch.bool))).T
    signed = (scores.nan_to_num(nan=0.0) != 0) & (effect != 0)
    size = torch.where(signed, scores.abs(), -1)
    many = game.players if top is None else top
    looked = signed & (size.argsort(dim=1, descending=True, stable=True).argsort(1) < many)
    agree = looked & (scores.sign() == effect.sign())
    share = agree.sum(1) / looked.sum(1).double()
    return share.masked_fill(~looked.any(1), math.nan)
