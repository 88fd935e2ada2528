"""Random orders of the players: what any order may be compared with.

They are drawn as `shapley` draws its permutations. After a Shapley run with the same seed the
game's table holds every coalition that they pass, and the control costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.evaluation.removal_curves import Curve, sizes_of
from glossator.game.game import Game
from glossator.trust.budget import Plan
from glossator.trust.effects import effects
from glossator.trust.orders import coalitions, needed
from glossator.types import Controlled, interval_factor


@dataclass(frozen=True, eq=False, slots=True)
class Control:
    """Random orders, asked of a game.

    Attributes:
        game: that was asked.
        orders: [orders players] players in the order in which they come.
        keep: [passed players] the coalitions that were asked for. values: theirs.
    """

    game: Game
    orders: Int[Tensor, "orders players"]
    keep: Bool[Tensor, "passed players"]
    values: Float[Tensor, "passed targets"]

    @property
    def effects(self) -> Float[Tensor, "targets players"]:
        """What each player adds, in the readout's unit."""
        return effects(self.keep, self.values, self.game.before)

    def curves(
        self, curve: Curve, sizes: Int[Tensor, "shares targets"]
    ) -> Float[Tensor, "orders shares targets"]:
        """A curve for each random order, which all targets share; of sizes that were planned."""
        shared = self.orders[:, None].expand(-1, self.game.targets, -1)
        return torch.stack([curve(self.game, order, sizes) for order in shared])


def ask_control(game: Game, place: Int[Tensor, "pairs 2 players"], spend: Plan) -> Control:
    """Ask a game for random orders: all that were drawn where its table knows them.

    Args:
        game: values of coalitions.
        place: when each player comes in random orders, each beside its reverse.
        spend: how many of the orders to ask for otherwise, and at which shares.
    """
    asked = needed(game.before, place, sizes_of(game.before, spend.shares))
    keep = coalitions(place, asked)
    if not game.knows(keep):
        place = place[: spend.orders // 2]
        keep = coalitions(place, asked[: len(place)])
    return Control(game, place.flatten(0, 1).argsort(1), keep, game(keep))


def controlled(
    value: Float[Tensor, " targets"], control: Float[Tensor, "orders targets"]
) -> list[Controlled]:
    """A number of each target beside those of random orders, with 95% of the differences.

    The interval is that of one more random order (Student's t): mean +- t s sqrt(1 + 1 / orders).
    An order and its reverse lean to opposite sides, so their mean is better than the formula
    says; the spread of single orders is not affected.

    Example:
        >>> control = torch.tensor([[1.0], [2.0], [3.0]]).double()
        >>> found, = controlled(torch.tensor([9.0]).double(), control)
        >>> found.value, found.control, round(found.low, 2), round(found.high, 2)
        (9.0, 2.0, 2.03, 11.97)
    """
    orders = len(control)
    mean, spread = control.mean(0), control.std(0)
    half = interval_factor(0.95, orders - 1) * spread * (1 + 1 / orders) ** 0.5
    table = torch.stack([value, mean, value - mean - half, value - mean + half], 1)
    return [Controlled(*row) for row in table.tolist()]
