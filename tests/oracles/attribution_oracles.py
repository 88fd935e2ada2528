"""Slow, plain re-implementations of the attribution methods, each from its definition.

A game is a function from a frozenset of players to a number, one target at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import combinations, permutations
from math import comb, exp, factorial, sqrt

import numpy as np
import torch
from scipy import integrate

from glossator.game import Game, Tape

Value = Callable[[frozenset[int]], float]
Coalition = frozenset[int]


def value_of(game: Game, target: int) -> Value:
    @cache
    def value(present: Coalition) -> float:
        keep = torch.zeros(1, game.players, dtype=torch.bool)
        keep[0, list(present)] = True
        return float(game(keep)[0, target])

    return value


def players_of(game: Game, target: int) -> list[int]:
    return [i for i in range(game.players) if game.before[target, i]]


def subsets(players: list[int]) -> Iterator[Coalition]:
    for size in range(len(players) + 1):
        yield from map(frozenset, combinations(players, size))


def leave_one_out(value: Value, players: list[int]) -> list[float]:
    everyone = frozenset(players)
    return [value(everyone) - value(everyone - {i}) for i in players]


def shapley(value: Value, players: list[int]) -> list[float]:
    """All orders, one after the other."""
    gained = dict.fromkeys(players, 0.0)
    for order in permutations(players):
        for place, i in enumerate(order):
            earlier = frozenset(order[:place])
            gained[i] += value(earlier | {i}) - value(earlier)
    return [gained[i] / factorial(len(players)) for i in players]


def gains(value: Value, order: list[int]) -> list[float]:
    """What players 0, 1, ... add on average when they come in this order, and in its reverse."""
    gained = dict.fromkeys(order, 0.0)
    for walk in (order, order[::-1]):
        for place, i in enumerate(walk):
            earlier = frozenset(walk[:place])
            gained[i] += (value(earlier | {i}) - value(earlier)) / 2
    return [gained[i] for i in sorted(order)]


def banzhaf(value: Value, players: list[int]) -> list[float]:
    def mean_gain(i: int) -> float:
        others = [j for j in players if j != i]
        return float(np.mean([value(s | {i}) - value(s) for s in subsets(others)]))

    return [mean_gain(i) for i in players]


def weighted_fit(
    rows: np.ndarray, response: np.ndarray, weight: np.ndarray, penalty: np.ndarray | None = None
) -> np.ndarray:
    """Weighted (ridge) regression as an ordinary one with more rows."""
    root = np.sqrt(weight)
    rows, response = rows * root[:, None], response * root
    if penalty is not None:
        rows = np.vstack([rows, np.diag(np.sqrt(penalty))])
        response = np.concatenate([response, np.zeros(len(penalty))])
    return np.linalg.lstsq(rows, response, rcond=None)[0]


def presence(coalitions: list[Coalition], players: list[int]) -> np.ndarray:
    return np.array([[float(i in s) for i in players] for s in coalitions])


def lime_weight(size: int, players: int, width: float = 25.0) -> float:
    distance = 100 * (1 - sqrt(size / players))  # 1 - cosine(kept, all ones)
    return sqrt(exp(-(distance**2) / width**2))


def lime(value: Value, players: list[int], ridge: float = 0.0, samples: int = 0) -> np.ndarray:
    """With every coalition counted as often as it is drawn; the size removed is 1..m."""
    m = len(players)
    if m == 1:
        return np.array([value(frozenset(players)) - value(frozenset())])
    coalitions = [s for s in subsets(players) if len(s) < m]
    # The pairs' law has m + 1 sizes, of which the whole text is dropped.
    law = np.array([1 / ((m + 1) * comb(m, len(s))) for s in coalitions])
    near = np.array([lime_weight(len(s), m) for s in coalitions])
    rows = np.column_stack([presence(coalitions, players), np.ones(len(coalitions))])
    response = np.array([value(s) for s in coalitions])
    penalty = np.array([ridge] * m + [0.0])
    scale = samples if samples else 1
    return weighted_fit(rows, response, scale * law * near, penalty)[:m]


def kernel_shap_pairs(
    value: Value, players: list[int], pairs: list[Coalition], weight: np.ndarray | None = None
) -> np.ndarray:
    """Constrained regression on both members of each pair: the last score is eliminated."""
    everyone = frozenset(players)
    rows = [s for pair in pairs for s in (pair, everyone - pair)]
    each = np.ones(len(rows)) if weight is None else np.repeat(weight, 2)
    total = value(everyone) - value(frozenset())
    z = presence(rows, players)
    response = np.array([value(s) - value(frozenset()) for s in rows])
    first = weighted_fit(z[:, :-1] - z[:, -1:], response - z[:, -1] * total, each)
    return np.append(first, total - first.sum())


def lime_pairs(value: Value, players: list[int], pairs: list[Coalition]) -> np.ndarray:
    """LIME's regression on both members of each pair."""
    everyone = frozenset(players)
    rows = [s for pair in pairs for s in (pair, everyone - pair) if s != everyone]
    design = np.column_stack([presence(rows, players), np.ones(len(rows))])
    near = np.array([lime_weight(len(s), len(players)) for s in rows])
    return weighted_fit(design, np.array([value(s) for s in rows]), near)[:-1]


def banzhaf_pairs(value: Value, players: list[int], pairs: list[Coalition]) -> np.ndarray:
    """Unweighted regression with an intercept on both members of each pair."""
    everyone = frozenset(players)
    rows = [s for pair in pairs for s in (pair, everyone - pair)]
    design = np.column_stack([presence(rows, players), np.ones(len(rows))])
    response = np.array([value(s) for s in rows])
    return weighted_fit(design, response, np.ones(len(rows)))[:-1]


def jackknife(
    fit: Callable[[list[Coalition]], np.ndarray], pairs: list[Coalition]
) -> tuple[np.ndarray, np.ndarray]:
    """An estimate, and its standard errors from refits that leave out one pair each."""
    estimate = fit(pairs)
    refits = np.array([fit(pairs[:g] + pairs[g + 1 :]) for g in range(len(pairs))])
    spread = ((refits - estimate) ** 2).sum(0) * (len(pairs) - 1) / len(pairs)
    return estimate, np.sqrt(spread)


def lasso(keep: np.ndarray, response: np.ndarray, alpha: float, rounds: int = 3000) -> np.ndarray:
    """Coordinate descent on standardised presence, soft threshold by soft threshold."""
    spread = keep.std(0)
    x = (keep - keep.mean(0)) / spread
    left = response - response.mean()
    slope = np.zeros(x.shape[1])
    for _ in range(rounds):
        for i in range(len(slope)):
            left = left + x[:, i] * slope[i]
            pull = float(x[:, i] @ left) / len(left)
            slope[i] = np.sign(pull) * max(abs(pull) - alpha, 0.0)
            left = left - x[:, i] * slope[i]
    return slope / spread


def restricted_law(sizes: list[float], players: int, kept: int, size: int) -> float:
    """How often a coalition of `players`, drawn by size, meets `kept` of them in a given `size`."""
    others = players - kept
    return sum(
        sizes[s] * comb(others, s - size) / comb(players, s) for s in range(size, size + others + 1)
    )


def integrated_gradients(tape: Tape, target: int) -> np.ndarray:
    """One integral per player by adaptive quadrature, the points of the line one at a time."""
    way = tape.inputs - tape.absent

    def slope(at: float, player: int) -> float:
        _, pulled = tape.pull((tape.absent + at * way)[None], lambda g: (g * way).sum(-1))
        return float(pulled[0, target, player])

    return np.array(
        [
            integrate.quad(slope, 0, 1, args=(p,), epsabs=1e-10)[0]
            if tape.before[target, p]
            else np.nan
            for p in range(tape.players)
        ]
    )
