"""The decisive players: what has to go for half of the target to be gone.

Several may each be needed, and others may do together what none of them does alone. So they are:

1. the fewest players at the head of the order that carry half of it together;
2. every player of large score that carries half of it alone, as a chance or, where the value is
   log-odds, in log-odds;
3. of those that are left, once more the fewest at the head that carry half of it together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.evaluation.removal_curves import prefixes, removal_curve
from glossator.game.game import Game
from glossator.types import Attribution, interval_factor

HALF = 0.5
"""Of what the target owes to the input: what has to go with the decisive players."""


@dataclass(frozen=True, eq=False, slots=True)
class Chance:
    """What removing does to a target, and what it does when the players are random.

    What a target owes to the input lies between the whole input and the lowest that random
    players left, or that nobody, give on average. Half of that is a lot only where as many random
    players do less than half as much.

    Attributes:
        game: of chances, so that half of one is half of what is seen; or of log-odds.
        sizes: of the curves.
        removed, kept: the mean curves of random orders, of this game.
    """

    game: Game
    sizes: Int[Tensor, "shares targets"]
    removed: Float[Tensor, "shares targets"]
    kept: Float[Tensor, "shares targets"]

    @property
    def floor(self) -> Float[Tensor, " targets"]:
        """The lowest mean."""
        return torch.cat([self.removed, self.kept, self.game.empty[None]]).amin(0)

    @property
    def level(self) -> Float[Tensor, " targets"]:
        """Where half of it is gone."""
        return self.game.full - HALF * (self.game.full - self.floor)

    def random_fall(self, count: Int[Tensor, " targets"]) -> Float[Tensor, " targets"]:
        """What so many random players take on average, read between the sizes."""
        full = self.game.full
        x = torch.cat([torch.zeros_like(self.sizes[:1]), self.sizes]).T.numpy()
        y = torch.cat([full[None], self.removed]).T.numpy()
        rows = zip(count.tolist(), x, y, strict=True)
        return full - torch.tensor([np.interp(*row) for row in rows], dtype=torch.float64)


def decisive(
    chance: Chance,
    found: Attribution,
    order: Int[Tensor, "targets players"],
    singles: int,
    odds: Chance | None = None,
) -> Bool[Tensor, "targets players"]:
    """The decisive players of each target.

    Args:
        chance: what removing does. odds: the same in log-odds, where the value is that.
        found: scores. order: their players, the largest first.
        singles: so many of the largest scores are tried alone; 0: only step 1 is taken.

    Example:
        >>> weights = torch.tensor([[0.25]] * 4 + [[0.0]] * 4).double()
        >>> game = Game(lambda keep: (keep.double() @ weights).square(), torch.ones(1, 8).bool())
        >>> often = torch.tensor([[0.8]]).double()
        >>> chance = Chance(game, torch.tensor([[4]]), often, often)
        >>> decisive(chance, Attribution(weights.T), torch.arange(8)[None], 0)[0].nonzero()[:, 0]
        tensor([0, 1])
    """
    game = chance.game
    able = candidates(found) & (chance.floor < game.full)[:, None]
    named = _head(chance, order, able)
    if not singles:
        return named
    # What a player does alone is measured, not estimated: its score need not be exact.
    tried = (found.scores > 0) & able.any(1, keepdim=True)
    most = torch.full_like(order[:, 0], singles)
    tried = tried & prefixes(game.before, order, most[None])[0]
    for each in (chance, odds):
        if each is not None:
            named = named | _alone(each, tried, singles)
    later = order.gather(1, named.gather(1, order).int().argsort(dim=1, stable=True))
    return named | _head(chance, later, able & ~named)


def _head(
    chance: Chance, order: Int[Tensor, "targets players"], able: Bool[Tensor, "targets players"]
) -> Bool[Tensor, "targets players"]:
    """The fewest at the head of an order, of those able, without whom half of it is gone."""
    game = chance.game
    most = able.sum(1).minimum(chance.sizes.amax(0))
    count = together(game, order, chance.sizes, most, chance.level)
    fall = game.full - removal_curve(game, order, count[None])[0]
    lucky = chance.random_fall(count) > HALF * fall
    return prefixes(game.before, order, count.masked_fill(lucky, 0)[None])[0] & game.before


def _alone(
    chance: Chance, tried: Bool[Tensor, "targets players"], singles: int
) -> Bool[Tensor, "targets players"]:
    """Those without whom half of it is gone, though all others are there."""
    game = chance.game
    random = chance.random_fall(torch.ones_like(tried[:, 0], dtype=torch.long))
    if singles >= game.players:  # then the mean over all is known, too
        falls = game.full - game(~torch.eye(game.players, dtype=torch.bool))
        random = falls.T.masked_fill(~game.before, torch.nan).nanmean(1)
    return alone(game, tried, chance.level.minimum(game.full - random / HALF))


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


def together(
    game: Game,
    order: Int[Tensor, "targets players"],
    sizes: Int[Tensor, "shares targets"],
    most: Int[Tensor, " targets"],
    level: Float[Tensor, " targets"],
) -> Int[Tensor, " targets"]:
    """How many players at the head of an order have to go until the value is at a level.

    The sizes of the curves, whose values are known, are tried first; the first that passes and
    the last that does not are then halved between. Where the value does not fall with every
    player, fewer may do.

    Args:
        game: values of coalitions.
        order: players, the largest score first.
        sizes: of the removal curve.
        most: how many may be called decisive.
        level: that the value has to fall to.

    Returns:
        [targets]; 0 where there are none.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[4.0], [3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True, True]]))
        >>> together(game, torch.tensor([[0, 1, 2]]), torch.tensor([[1], [3]]),
        ...          torch.tensor([3]), torch.tensor([2.0]))
        tensor([2])
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
    return high


def alone(
    game: Game,
    tried: Bool[Tensor, "targets players"],
    level: Float[Tensor, " targets"],
) -> Bool[Tensor, "targets players"]:
    """Players without whom the value is at a level, though all others are there.

    Args:
        game: values of coalitions; a player that is tried for several targets costs one row.
        tried: who of each target.
        level: that the value has to fall to.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[4.0], [3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True, True]]))
        >>> alone(game, torch.tensor([[True, True, True]]), torch.tensor([5.0]))
        tensor([[ True,  True, False]])
    """
    falls = torch.zeros_like(tried)
    players = tried.any(0).nonzero()[:, 0]
    if len(players):
        without = ~torch.eye(game.players, dtype=torch.bool)[players]
        falls[:, players] = (game(without) <= level).T
    return falls & tried
