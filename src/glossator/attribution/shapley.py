"""Shapley values by random permutations, each with its reverse."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glossator.attribution.coalitions import ask
from glossator.attribution.rounds import most_samples, until_precise
from glossator.errors import InputError
from glossator.game.game import Game
from glossator.registry import attribution
from glossator.types import Attribution


def _count(players: int, *, samples: int, precision: float | None, max_samples: int | None) -> int:
    # A permutation passes n + 1 coalitions, of which all share the first and the last.
    return most_samples(samples, precision, max_samples) * (players - 1) + 2


@attribution(
    "shapley",
    needs="game",
    measures="Shapley value: the unit's share of the readout; a row sums to full - empty",
    paper="Castro, Gómez and Tejada 2009, Polynomial calculation of the Shapley value based on "
    "sampling; reversed pairs: Mitchell et al. 2022, arXiv 2104.12199",
    rows="samples x (n - 1) + 2",
    count=_count,
    sampled=True,
)
def shapley(
    game: Game,
    *,
    samples: int = 32,
    precision: float | None = None,
    max_samples: int | None = None,
    generator: torch.Generator,
) -> Attribution:
    """Average what each player adds when the players come in random orders.

    All targets share each permutation: restricted to the players before a target, a random
    permutation of all is a random permutation of these. A permutation and its reverse are one
    draw, and their mean one observation, so the errors are right although the two are not
    independent; interactions of two players cancel within it.

    Args:
        game: values of coalitions.
        samples: permutations, an even number; 32 make 16 pairs, whose intervals are only 9%
            wider than those of endless pairs with the same spread (Student's t, 15 degrees
            of freedom).
        precision: go on, doubling, until the 95% intervals reach less than this to each side.
        max_samples: where to stop nevertheless; 32 times `samples` unless given.
        generator: of the permutations.

    Returns:
        [targets players] with standard errors, in the readout's unit; positive = the player
        raises the readout. Each row sums to v(all) - v(none) exactly, however few are drawn.

    Raises:
        InputError: samples are odd or fewer than 4.

    Example:
        >>> both = Game(lambda keep: keep.all(1, keepdim=True).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> shapley(both, generator=torch.Generator()).scores  # in one order of each pair
        tensor([[0.5000, 0.5000]], dtype=torch.float64)
    """
    if samples < 4 or samples % 2:
        raise InputError(
            f"shapley draws permutations in pairs, at least 2 pairs, got samples {samples}: "
            f"type --samples {max(4, samples + samples % 2)}"
        )
    drawn = torch.zeros(0, game.targets, game.players, dtype=torch.float64)

    def estimate(permutations: int) -> Attribution:
        nonlocal drawn
        place = arrivals(permutations // 2 - len(drawn), game.players, generator)
        drawn = torch.cat([drawn, _contributions(game, place)])
        pairs = len(drawn)
        return Attribution(
            scores=drawn.mean(0).masked_fill(~game.before, torch.nan),
            stderr=(drawn.std(0) / pairs**0.5).masked_fill(~game.before, torch.nan),
            dof=pairs - 1,
        )

    return until_precise(estimate, samples=samples, precision=precision, max_samples=max_samples)


def arrivals(
    pairs: int, players: int, generator: torch.Generator
) -> Int[Tensor, "pairs 2 players"]:
    """When each player comes in random orders, each beside its reverse.

    The first pairs are the same however many are drawn.

    Example:
        >>> place = arrivals(1, 4, torch.Generator())
        >>> (place[0, 0] + place[0, 1]).tolist()
        [3, 3, 3, 3]
    """
    forward = torch.rand(pairs, players, dtype=torch.float64, generator=generator).argsort(1)
    return torch.stack([forward, players - 1 - forward], 1)


def _contributions(
    game: Game, place: Int[Tensor, "pairs 2 players"]
) -> Float[Tensor, "pairs targets players"]:
    """What each player adds to those before it, averaged over an order and its reverse."""
    arrived = place[:, :, None] < torch.arange(game.players + 1)[:, None]
    added = ask(game, arrived).diff(dim=2)  # [pairs 2 places targets]
    by_player = added.gather(2, place[..., None].expand(-1, -1, -1, game.targets))
    return by_player.mean(1).transpose(1, 2)
