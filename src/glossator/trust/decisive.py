"""The decisive players: the fewest of largest score without which the readout is half gone."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.evaluation.removal_curves import keep_curve, removal_curve
from glossator.game.game import Game
from glossator.types import Attribution, interval_factor

HALF = 0.5
"""Of what the readout owes to the input: what has to go with the decisive players."""


@dataclass(frozen=True, eq=False, slots=True)
class Decisive:
    """The decisive players of each target.

    Attributes:
        count: [targets] how many of the largest scores they are; 0 where there are none.
        without: [targets] the readout without them. alone: with them alone. Of the whole and of
            the empty input where there are none.
    """

    count: Int[Tensor, " targets"]
    without: Float[Tensor, " targets"]
    alone: Float[Tensor, " targets"]


def candidates(found: Attribution) -> Bool[Tensor, "targets players"]:
    """Players whose score is above 0, beyond its 95% interval where it has one.

    Example:
        >>> scores, errors = torch.tensor([[1.0, 1.0, -1.0]]), torch.tensor([[0.1, 0.9, 0.1]])
        >>> candidates(Attribution(scores, errors)).tolist()
        [[True, False, False]]
    """
    if found.stderr is None:
        return found.scores > 0
    return found.scores > interval_factor(0.95, found.dof) * found.stderr


def decisive(
    game: Game,
    order: Int[Tensor, "targets players"],
    sizes: Int[Tensor, "shares targets"],
    most: Int[Tensor, " targets"],
    level: Float[Tensor, " targets"],
) -> Decisive:
    """The fewest players at the head of an order without which the readout is at a level.

    The sizes of the curves, whose values are known, are tried first; the first that passes and
    the last that does not are then halved between. Where the readout does not fall with every
    player, fewer may do.

    Args:
        game: values of coalitions.
        order: players, the largest score first.
        sizes: of the removal curve.
        most: how many may be called decisive.
        level: that the readout has to fall to.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[4.0], [3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True, True]]))
        >>> found = decisive(game, torch.tensor([[0, 1, 2]]), torch.tensor([[1], [3]]),
        ...                  torch.tensor([3]), torch.tensor([2.0]))
        >>> found.count.item(), found.without.item(), found.alone.item()
        (2, 1.0, 7.0)
    """
    tried = sizes.minimum(most)
    passed = (removal_curve(game, order, tried) <= level) & (tried > 0)
    none = torch.zeros_like(most)
    high = tried.masked_fill(~passed, game.players + 1).amin(0)
    low = tried.masked_fill(passed | (tried >= high), 0).amax(0)
    reached = passed.any(0)
    low, high = low.where(reached, none), high.where(reached, none)
    while bool((high - low > 1).any()):
        middle = torch.where(high - low > 1, (low + high) // 2, high)
        falls = removal_curve(game, order, middle[None])[0] <= level
        high, low = middle.where(falls, high), low.where(falls, middle)
    return Decisive(
        count=high,
        without=removal_curve(game, order, high[None])[0],
        alone=keep_curve(game, order, high[None])[0],
    )
