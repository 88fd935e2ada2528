"""Which coalitions of random orders are asked for."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from glossator.evaluation.removal_curves import prefixes

SHORT = 33
"""Up to so many players, all coalitions that an order passes are asked for: few, and they tell
more of each player. Of longer texts only those that the curves need."""


def needed(
    before: Bool[Tensor, "targets players"],
    place: Int[Tensor, "pairs 2 players"],
    sizes: Int[Tensor, "shares targets"],
) -> Bool[Tensor, "pairs 2 steps"]:
    """After how many arrivals an order's coalition is asked for.

    The first players of an order of each target are kept; and they are removed, which keeps the
    first players of the reverse.

    Args:
        before: who plays for whom.
        place: when each player comes in random orders, each beside its reverse.
        sizes: how many of a target's players are kept, and removed.

    Example:
        >>> before = torch.ones(1, 40, dtype=torch.bool)
        >>> place = torch.stack([torch.arange(40), 39 - torch.arange(40)])[None]
        >>> needed(before, place, torch.tensor([[4]]))[0, 0].nonzero()[:, 0].tolist()
        [4, 36]
    """
    pairs, _, players = place.shape
    if players <= SHORT:
        return torch.ones(pairs, 2, players + 1, dtype=torch.bool)
    asked = torch.zeros(pairs, 2, players + 1, dtype=torch.bool)
    for pair, both in enumerate(place):
        for way, order in enumerate(both.argsort(1)):
            kept = prefixes(before, order.expand(len(before), -1), sizes).sum(2).flatten()
            asked[pair, way, kept] = True
            asked[pair, 1 - way, players - kept] = True
    return asked


def coalitions(
    place: Int[Tensor, "pairs 2 players"], asked: Bool[Tensor, "pairs 2 steps"]
) -> Bool[Tensor, "passed players"]:
    """Who has come after so many arrivals.

    Example:
        >>> place = torch.tensor([[[0, 1], [1, 0]]])
        >>> coalitions(place, torch.tensor([[[True, True, False], [False, True, True]]])).int()
        tensor([[0, 0],
                [1, 0],
                [0, 1],
                [1, 1]], dtype=torch.int32)
    """
    pair, way, steps = asked.nonzero().T
    come: Tensor = place[pair, way] < steps[:, None]
    return come
