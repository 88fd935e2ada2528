"""Trust by hand: enumerations and loops where the package has one array."""

from __future__ import annotations

import math
from itertools import permutations

import torch
from torch import Tensor

from glossator.game import Game


def coins(p: float, q: float) -> float:
    """Kullback-Leibler divergence of two coins, in nats."""
    told = 0.0
    for a, b in ((p, q), (1 - p, 1 - q)):
        if a > 0:
            told += a * (math.log(a) - math.log(b))
    return told


def exact_level(scores: list[float], effects: list[float]) -> float:
    """Share of all deals of the scores whose covariance with the effects is at least theirs."""
    mean_score, mean_effect = sum(scores) / len(scores), sum(effects) / len(effects)

    def covariance(dealt: tuple[float, ...]) -> float:
        return sum(
            (s - mean_score) * (e - mean_effect) for s, e in zip(dealt, effects, strict=True)
        )

    mine = covariance(tuple(scores))
    deals = list(permutations(scores))
    return sum(covariance(deal) >= mine - 1e-12 for deal in deals) / len(deals)


def step_up(levels: list[float], level: float) -> list[bool]:
    """Benjamini and Hochberg 1995, as in their procedure (1)."""
    ranked = sorted(levels)
    best = 0
    for i, p in enumerate(ranked, 1):
        if p <= i / len(ranked) * level:
            best = i
    return [best > 0 and p <= ranked[best - 1] for p in levels]


def value(game: Game, keep: set[int], target: int) -> float:
    row = torch.tensor([[player in keep for player in range(game.players)]])
    return float(game(row)[0, target])


def fall(game: Game, order: list[int], shares: tuple[float, ...], target: int, *, alone: bool):
    """Comprehensiveness of an order of a target's own players, or its sufficiency."""
    everyone = set(range(game.players))
    falls = []
    for share in shares:
        head = set(order[: math.ceil(share * len(order) - 1e-9)])
        kept = head if alone else everyone - head
        falls.append(value(game, everyone, target) - value(game, kept, target))
    return sum(falls) / len(falls)


def fewest(game: Game, order: list[int], level: float, most: int, target: int) -> int:
    """The first number of players without which the readout is at the level; 0: none."""
    everyone = set(range(game.players))
    for count in range(1, most + 1):
        if value(game, everyone - set(order[:count]), target) <= level:
            return count
    return 0


def own_order(before: Tensor, order: Tensor) -> list[int]:
    """Those of an order that can act."""
    return [player for player in order.tolist() if before[player]]
