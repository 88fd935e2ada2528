"""Slow, plain re-implementations of the methods that integrate gradients along paths."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy import integrate
from torch import Tensor

from glossator.game import Tape


def slopes(tape: Tape, point: Tensor, way: Tensor) -> Tensor:
    """[targets players] derivatives along each player's part of `way`."""
    return tape.pull(point[None], lambda g: (g * way).sum(-1))[1][0]


def values(tape: Tape, point: Tensor) -> Tensor:
    """[targets] values at a point."""
    return tape.pull(point[None], lambda g: g.sum(-1))[0][0]


def along(tape: Tape, start: Tensor, way: Tensor) -> Tensor:
    """[targets players] integrals from `start` to `start + way`, by Gauss and Legendre."""
    places, weights = np.polynomial.legendre.leggauss(40)
    return sum(
        weight / 2 * slopes(tape, start + (place + 1) / 2 * way, way)
        for place, weight in zip(places, weights, strict=True)
    )


def without(tape: Tape, player: int) -> Tensor:
    """The text with one player absent."""
    return torch.where((tape.player_of == player)[:, None], tape.absent, tape.inputs)


def sequential(tape: Tape) -> Tensor:
    scores = []
    for player in range(tape.players):
        start = without(tape, player)
        scores.append(along(tape, start, tape.inputs - start)[:, player])
    return torch.stack(scores, 1).masked_fill(~tape.before, torch.nan)


def expected(tape: Tape) -> Tensor:
    """The mean over all baselines that can be drawn."""
    pool = tape.references
    found = []
    for start in range(len(pool)):
        baseline = tape.inputs.clone()
        for n in range(len(tape.ids)):
            if tape.player_of[n] >= 0:
                baseline[n] = tape.embed(pool[(start + n) % len(pool)])
        found.append(along(tape, baseline, tape.inputs - baseline))
    return torch.stack(found).mean(0).masked_fill(~tape.before, torch.nan)


def directional(
    tape: Tape, target: int, family: list[frozenset[int]]
) -> tuple[list[float], list[float], list[float]]:
    """Signed scores, dividends and values of groups, one directional derivative each."""
    way = tape.inputs - tape.absent

    def score(group: frozenset[int]) -> float:
        inside = torch.tensor([int(p) in group for p in tape.player_of])
        direction = torch.where(inside[:, None], way, 0.0)
        direction = direction / direction.norm()

        def slope(at: float) -> float:
            return float(slopes(tape, tape.absent + at * way, direction)[target].sum())

        return float(integrate.quad(slope, 0, 1, epsabs=1e-10)[0])

    scores = [score(group) for group in family]
    total = sum(map(abs, scores))
    dividends = [abs(each) / total for each in scores]
    worth = [
        sum(d for part, d in zip(family, dividends, strict=True) if part <= group)
        for group in family
    ]
    return scores, dividends, worth


def is_between(anchor: float, one: float, other: float) -> bool:
    return min(one, other) <= anchor <= max(one, other)


def bend(anchor: np.ndarray, baseline: np.ndarray, point: np.ndarray, steps: int) -> np.ndarray:
    return np.array(
        [
            a if is_between(a, b, p) else p - (p - b) / steps
            for a, b, p in zip(anchor, baseline, point, strict=True)
        ]
    )


def word_path(
    table: np.ndarray,
    word: int,
    baseline: np.ndarray,
    steps: int,
    neighbours: int,
    strategy: str,
) -> np.ndarray:
    """[steps width] from the baseline to the word, by the paper's algorithm, one word at a time."""
    here, seen, path = word, [word], [table[word]]
    for _ in range(steps - 2):
        anchor = baseline
        if here >= 0:
            others = [w for w in range(len(table)) if w != here]
            others.sort(key=lambda w: float(np.linalg.norm(table[w] - table[here])))
            near = [w for w in others[:neighbours] if w not in seen]
            near = [w for w in near if not (table[w] == baseline).all()]
            here = min(near, key=_cost(table, here, baseline, steps, strategy)) if near else -1
        if here >= 0:
            seen.append(here)
            anchor = table[here]
        path.append(bend(anchor, baseline, path[-1], steps))
    return np.array([*path, baseline][::-1])


def _cost(
    table: np.ndarray, here: int, baseline: np.ndarray, steps: int, strategy: str
) -> Callable[[int], float]:
    def greedy(w: int) -> float:
        return float(np.linalg.norm(table[w] - bend(table[w], baseline, table[here], steps)))

    def maxcount(w: int) -> float:
        dimensions = zip(table[w], baseline, table[here], strict=True)
        return -sum(is_between(*three) for three in dimensions)

    return greedy if strategy == "greedy" else maxcount


def discretized(
    tape: Tape, steps: int, neighbours: int, strategy: str, rule: str
) -> tuple[Tensor, Tensor]:
    """[targets players] scores, and the points [steps tokens width]."""
    table = tape.embed(torch.arange(tape.vocabulary)).numpy()
    points = tape.inputs.repeat(steps, 1, 1)
    for n, word in enumerate(tape.ids.tolist()):
        if tape.player_of[n] >= 0:
            path = word_path(table, word, tape.absent[n].numpy(), steps, neighbours, strategy)
            points[:, n] = torch.from_numpy(path)
    scores = torch.zeros(tape.targets, tape.players, dtype=torch.float64)
    for k in range(steps - 1):
        step = points[k + 1] - points[k]
        begin, end = slopes(tape, points[k], step), slopes(tape, points[k + 1], step)
        scores += begin if rule == "left" else (begin + end) / 2
    return scores.masked_fill(~tape.before, torch.nan), points
