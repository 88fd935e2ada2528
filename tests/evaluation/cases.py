"""Random games with random scores, and every target as the oracles see it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from glossator.game import Game
from tests.attribution.games import from_table, nested, table
from tests.oracles.attribution_oracles import Value, value_of


def scores_of(seed: int, before: Tensor, ties: bool = False) -> Tensor:
    """Random scores where players act; whole numbers with `ties`."""
    generator = torch.Generator().manual_seed(seed + 7)
    scores = torch.randn(before.shape, generator=generator, dtype=torch.float64)
    return (scores.round() if ties else scores).masked_fill(~before, torch.nan)


def case(
    seed: int, counts: list[int], ties: bool = False, measure: str | None = None
) -> tuple[Game, Tensor]:
    """A game in which everything interacts, with values between 0 and 1 for a probability."""
    before = nested(counts, 6)
    values = table(seed, before)
    game = from_table(values.sigmoid() if measure == "probability" else values, before)
    game.measure = measure
    return game, scores_of(seed, before, ties)


def each_target(game: Game, scores: Tensor) -> Iterator[tuple[int, Value, dict[int, float]]]:
    """Targets that have scores, with their values and their scores by player."""
    for target, row in enumerate(scores):
        own = {i: score for i, score in enumerate(row.tolist()) if score == score}
        if own:
            yield target, value_of(game, target), own


def restricted(keep: Tensor, own: dict[int, float]) -> list[frozenset[int]]:
    """Coalitions as one target sees them."""
    return [frozenset(i for i in own if row[i]) for row in keep.tolist()]
