"""What is left of a readout as players go: in a given order, or in random ones.

Every curve here is asked of a `Game`, so that a coalition met before costs nothing. The players
that cannot act on a target do not count: the "first k players" of a target are the first k of
its own. The others go along with the order, which is what lets targets that share an order share
coalitions too (and lets them meet the prefixes of permutations that `shapley` has drawn).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.errors import InputError
from glossator.game.game import Game

Sizes = Sequence[int] | Int[Tensor, "sizes targets"]
Curve = Callable[[Game, Int[Tensor, "targets players"], Sizes], Float[Tensor, "sizes targets"]]

BINS = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of the words that are removed or kept (DeYoung et al. 2020, section 4)."""


def removal_curve(
    game: Game, order: Int[Tensor, "targets players"], sizes: Sizes
) -> Float[Tensor, "sizes targets"]:
    """Values of each target with the first players of its order removed.

    Args:
        game: values of coalitions.
        order: a permutation of all players for each target; those that cannot act on it do not
            count.
        sizes: how many to remove; the same for all targets, or [sizes targets]. A target that
            has fewer players loses all of them.

    Returns:
        [sizes targets], in the readout's unit.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[4.0], [2.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True, True]]))
        >>> removal_curve(game, torch.tensor([[0, 1, 2]]), [0, 1, 3])[:, 0]
        tensor([7., 3., 0.], dtype=torch.float64)
    """
    return own_values(game, ~prefixes(game.before, order, sizes))


def keep_curve(
    game: Game, order: Int[Tensor, "targets players"], sizes: Sizes
) -> Float[Tensor, "sizes targets"]:
    """Values of each target with only the first players of its order kept.

    Args:
        game, order: as in `removal_curve`.
        sizes: how many to keep.

    Returns:
        [sizes targets], in the readout's unit.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[4.0], [2.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True, True]]))
        >>> keep_curve(game, torch.tensor([[0, 1, 2]]), [0, 1, 3])[:, 0]
        tensor([0., 4., 7.], dtype=torch.float64)
    """
    return own_values(game, prefixes(game.before, order, sizes))


def random_curve(
    game: Game,
    sizes: Sizes,
    *,
    generator: torch.Generator,
    orders: int = 16,
    curve: Curve = removal_curve,
) -> tuple[Float[Tensor, "sizes targets"], Float[Tensor, "sizes targets"]]:
    """The control: the mean of a curve over random orders, which all targets share.

    Restricted to the players of a target, a random order of all players is a random order of
    these. An order therefore costs at most players - 1 coalitions that are not known yet,
    however many targets there are.

    Args:
        game, sizes: as in `removal_curve`.
        generator: of the orders. orders: how many, at least 2.
        curve: `removal_curve` or `keep_curve`.

    Returns:
        Mean and standard error, both [sizes targets], in the readout's unit.

    Raises:
        InputError: fewer than 2 orders, which have no spread.

    Example:
        >>> game = Game(lambda keep: keep.double().sum(1, keepdim=True),
        ...             before=torch.tensor([[True, True, True]]))
        >>> mean, error = random_curve(game, [1], generator=torch.Generator(), orders=4)
        >>> mean.item(), error.item()
        (2.0, 0.0)
    """
    found = random_curves(game, sizes, generator=generator, orders=orders, curve=curve)
    return found.mean(0), found.std(0) / math.sqrt(orders)


def random_curves(
    game: Game,
    sizes: Sizes,
    *,
    generator: torch.Generator,
    orders: int = 16,
    curve: Curve = removal_curve,
) -> Float[Tensor, "orders sizes targets"]:
    """The curves of random orders one by one; arguments as in `random_curve`."""
    if orders < 2:
        raise InputError(f"random orders have a spread from 2 on, got {orders}")
    drawn = torch.rand(orders, game.players, dtype=torch.float64, generator=generator).argsort(1)
    shared = drawn[:, None].expand(-1, game.targets, -1)
    return torch.stack([curve(game, order, sizes) for order in shared])


def descending(
    scores: Float[Tensor, "targets players"], generator: torch.Generator | None = None
) -> Int[Tensor, "targets players"]:
    """The players from the largest score to the smallest (signed); those with NaN come last.

    Args:
        scores: of every player.
        generator: breaks ties at random; None: ties stand in reading order.

    Example:
        >>> descending(torch.tensor([[0.5, float("nan"), -1.0, 2.0]]))
        tensor([[3, 0, 2, 1]])
    """
    key = scores.nan_to_num(nan=-math.inf)
    if generator is None:
        return key.argsort(dim=1, descending=True, stable=True)
    shuffle = torch.rand(key.shape, dtype=torch.float64, generator=generator).argsort(1)
    sorted_ = key.gather(1, shuffle).argsort(dim=1, descending=True, stable=True)
    return shuffle.gather(1, sorted_)


def sizes_of(
    before: Bool[Tensor, "targets players"], shares: Sequence[float] = BINS
) -> Int[Tensor, "shares targets"]:
    """How many players of each target are a share of them, rounded up.

    Raises:
        InputError: no shares, or one that is not between 0 and 1.

    Example:
        >>> sizes_of(torch.tensor([[True] * 5, [True] * 4 + [False]]), [0.1, 0.5])
        tensor([[1, 1],
                [3, 2]])
    """
    if not shares or not all(0 <= share <= 1 for share in shares):
        raise InputError(f"shares of the words are between 0 and 1, got {list(shares)}")
    own = before.sum(1).double()
    # The product of a share and a count may lie a rounding error above a whole number.
    return torch.stack([(share * own - 1e-9).ceil().clamp_min(0).long() for share in shares])


def prefixes(
    before: Bool[Tensor, "targets players"], order: Int[Tensor, "targets players"], sizes: Sizes
) -> Bool[Tensor, "sizes targets players"]:
    """Who is among the first players of each order, up to the size-th that can act.

    Without any of its own players a target has none, with all of them everyone: so the ends of
    all curves are the empty and the full coalition.
    """
    targets, players = before.shape
    if not isinstance(sizes, Tensor):
        sizes = torch.tensor(sizes, dtype=torch.long)[:, None].expand(-1, targets)
    met = before.gather(1, order).cumsum(1)  # [targets places] own players up to each place
    length = (met[None] < sizes[..., None]).sum(2) + 1
    length = length.masked_fill(sizes >= before.sum(1), players).masked_fill(sizes <= 0, 0)
    return order.argsort(1)[None] < length[..., None]


def own_values(
    game: Game, keep: Bool[Tensor, "some targets players"]
) -> Float[Tensor, "some targets"]:
    """The value of each target for its own coalition."""
    value: Tensor = game(keep.flatten(0, 1)).unflatten(0, keep.shape[:2])
    return value.diagonal(dim1=1, dim2=2)


def where_scored(
    values: Float[Tensor, " targets"], scores: Float[Tensor, "targets players"]
) -> Float[Tensor, " targets"]:
    """A metric's values, NaN (not defined) for targets that have no score at all."""
    return values.masked_fill(scores.isnan().all(1), math.nan)
