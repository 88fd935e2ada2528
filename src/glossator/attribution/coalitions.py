"""Random coalitions that every target can share.

A law says how many players are kept; given how many, which ones is uniform. A target sees only
its own m players, so what it sees of a coalition S of all M players drawn from law q is K, of
size k, with probability

    q_m(K) = sum_s q(s) C(M - m, s - k) / C(M, s).

Restricting a row of coin flips drops some coins and leaves the others as they were. So does
restricting a mixture of coin flips, the integral of p^k (1 - p)^(m - k) over a measure of p
(de Finetti 1931), and each of the three laws is one:

    fair_coins      p = 1/2                    q_m(K) = 2^-m
    any_size        p uniform                  q_m(K) = 1 / ((m + 1) C(m, k))
    shapley_kernel  p by dp / (p (1 - p))      q_m(K) ~ 1 / (C(m, k) k (m - k)) where 0 < k < m

Coalitions drawn once for all players therefore follow each target's own law without importance
weights, whatever its m. (The Shapley kernel meets K empty or full too, which says nothing new
and is dropped.) All three are symmetric, so a coalition's complement may be drawn with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.game.game import Game

Law = Callable[[int], Float[Tensor, " sizes"]]


def fair_coins(players: int) -> Float[Tensor, " sizes"]:
    """How likely each size 0..players is when every player is kept with probability 1/2."""
    return (_log_binomial(players) - players * math.log(2)).exp()


def any_size(players: int) -> Float[Tensor, " sizes"]:
    """How likely each size 0..players is when all are equally likely (LIME's law)."""
    return torch.ones(players + 1, dtype=torch.float64) / (players + 1)


def shapley_kernel(players: int) -> Float[Tensor, " sizes"]:
    """How likely each size 0..players is under Kernel SHAP's law, 1 / (k (players - k)).

    Source: Lundberg and Lee 2017, theorem 2, summed over the coalitions of a size. Zero for the
    empty and the full coalition, which are constraints there.

    Example:
        >>> shapley_kernel(3)
        tensor([0.0000, 0.5000, 0.5000, 0.0000], dtype=torch.float64)
    """
    kept = torch.arange(players + 1, dtype=torch.float64)
    rates = torch.where((kept > 0) & (kept < players), 1 / (kept * (players - kept)), 0)
    return rates / rates.sum().clamp_min(torch.finfo(torch.float64).tiny)


def draw(
    law: Law, count: int, players: int, generator: torch.Generator
) -> Bool[Tensor, "count players"]:
    """Independent coalitions from a law."""
    size = torch.multinomial(law(players), count, replacement=True, generator=generator)
    noise = torch.rand(count, players, dtype=torch.float64, generator=generator)
    return noise.argsort(1).argsort(1) < size[:, None]


def every(players: int) -> Bool[Tensor, "coalitions players"]:
    """All 2^players coalitions; player i is bit i of the row number.

    Example:
        >>> every(2).int()
        tensor([[0, 0],
                [1, 0],
                [0, 1],
                [1, 1]], dtype=torch.int32)
    """
    return (torch.arange(2**players)[:, None] >> torch.arange(players)) % 2 == 1


def probability(law: Law, keep: Bool[Tensor, "*rows players"]) -> Float[Tensor, "*rows"]:
    """How likely each coalition is."""
    players = keep.shape[-1]
    return (law(players) / binomial(players))[keep.sum(-1)]


def player_sets(
    game: Game,
) -> Iterator[tuple[Int[Tensor, " targets"], Int[Tensor, " players"]]]:
    """Targets that have the same players, and these; targets without players are left out.

    Largest set first, since the coalitions of the others are among its own.
    """
    sets, set_of = torch.unique(game.before, dim=0, return_inverse=True)
    for i in sets.sum(1).argsort(descending=True).tolist():
        if sets[i].any():
            yield (set_of == i).nonzero()[:, 0], sets[i].nonzero()[:, 0]


def among_all(
    keep: Bool[Tensor, "*rows some"], players: Int[Tensor, " some"], everyone: int
) -> Bool[Tensor, "*rows everyone"]:
    """Coalitions of some of the players as coalitions of all, the others absent."""
    rows = torch.zeros(*keep.shape[:-1], everyone, dtype=torch.bool)
    rows[..., players] = keep
    return rows


def ask(game: Game, keep: Bool[Tensor, "*rows players"]) -> Float[Tensor, "*rows targets"]:
    """Values of coalitions in any number of dimensions."""
    return game(keep.flatten(0, -2)).reshape(*keep.shape[:-1], game.targets)


def binomial(players: int) -> Float[Tensor, " sizes"]:
    """How many coalitions have each size 0..players."""
    return _log_binomial(players).exp().round()


def _log_binomial(players: int) -> Float[Tensor, " sizes"]:
    # In logarithms: C(n, n / 2) leaves float64 beyond n = 1029.
    kept = torch.arange(players + 1, dtype=torch.float64)
    return math.lgamma(players + 1) - (kept + 1).lgamma() - (players - kept + 1).lgamma()
