"""What trust may cost, a quarter of the rows of a Shapley run, and what that is spent on."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from glossator.evaluation.removal_curves import BINS, sizes_of
from glossator.registry import METHODS
from glossator.trust.orders import SHORT, needed

QUARTER = 4

MOST_ORDERS = 32
"""Drawn: as many as `shapley` draws unless told otherwise: its table has them all."""

FEWEST_ORDERS, WISHED_ORDERS = 4, 8
"""Two pairs have a spread; more than four pairs are not worth their rows."""

SINGLES = 8
"""Of largest score: players of which each is removed alone; of up to `SHORT` players all are."""

CHOICES = (
    *((shares, SINGLES) for shares in (BINS, (0.1, 0.2, 0.5), (0.2, 0.5), (0.2,))),
    ((0.2,), 0),
)
"""Shares of the players that are removed and kept, and how many are removed alone: the first
choice that is affordable."""

MOST_PROBES, FEWEST_PROBES = 32, 4
"""Inputs whose surprise is looked at; fewer are no sample."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rows are spent.

    Attributes:
        orders: random orders to ask for, each beside its reverse.
        shares: of the players, removed and kept. singles: players removed alone.
        curves: for how many targets.
        probes: inputs whose surprise is looked at.
        rows: coalitions that all this asks for at most.
    """

    orders: int
    shares: tuple[float, ...]
    singles: int
    curves: int
    probes: int
    rows: int


def allowance(players: int) -> int:
    """Rows that trust may cost: a quarter of those of a Shapley run with default samples.

    Example:
        >>> allowance(13)
        96
    """
    shapley = METHODS.get("shapley")
    return shapley.most_rows(players, shapley.complete({})) // QUARTER


def plan(
    before: Bool[Tensor, "targets players"],
    place: Int[Tensor, "pairs 2 players"],
    full: bool = False,
) -> Plan:
    """Spend the allowance; it depends on nothing but who plays for whom, and the orders drawn.

    First come random orders, then the curves of all targets, over as many shares as can be paid
    (of some targets where none can); what is left goes to more orders, then to probes.

    Args:
        before: [targets players].
        place: when each player comes in random orders, each beside its reverse.
        full: spend what it takes, without an allowance.

    Example:
        >>> place = torch.stack([torch.arange(13), 12 - torch.arange(13)])[None].expand(16, -1, -1)
        >>> plan(torch.ones(1, 13, dtype=torch.bool), place)
        Plan(orders=4, shares=(0.01, 0.05, 0.1, 0.2, 0.5), singles=13, curves=1, probes=12, rows=96)
    """
    targets, players = before.shape
    if full:
        orders, probes = order_rows(before, place, BINS), MOST_PROBES
        rows = 2 + int(orders[-1]) + int(curve_rows(before, BINS, players)[-1]) + probes + 1
        return Plan(2 * len(place), BINS, players, targets, probes, rows)
    allowed, few, wished = allowance(players), FEWEST_ORDERS // 2, WISHED_ORDERS // 2
    for shares, few_singles in CHOICES:
        singles = players if few_singles and players <= SHORT else few_singles
        orders = order_rows(before, place[:wished], shares)
        left = allowed - 2 - int(orders[few - 1])
        costs = curve_rows(before, shares, singles)
        curves = int((costs <= left).sum())
        if curves == targets:
            break
    left -= int(costs[curves - 1]) if curves else 0
    extra = orders - orders[few - 1]
    pairs = max(few, int((extra <= left - 1 - FEWEST_PROBES).sum()))
    left -= int(extra[pairs - 1])
    probes = min(left - 1, MOST_PROBES) if left > FEWEST_PROBES else 0
    left -= probes + 1 if probes else 0
    return Plan(2 * pairs, shares, singles, curves, probes, allowed - left)


def order_rows(
    before: Bool[Tensor, "targets players"],
    place: Int[Tensor, "pairs 2 players"],
    shares: tuple[float, ...],
) -> Int[Tensor, " pairs"]:
    """Coalitions of the first pairs of orders, but nobody and everybody."""
    asked = needed(before, place, sizes_of(before, shares))
    return asked[:, :, 1:-1].flatten(1).sum(1).cumsum(0)


def curve_rows(
    before: Bool[Tensor, "targets players"], shares: tuple[float, ...], singles: int
) -> Int[Tensor, " targets"]:
    """Rows of one target, of two and so on, the costly ones first.

    Each has both curves, the search between their sizes, the decisive left out and kept alone;
    and, if players are removed alone, a second removal curve and search. A player removed alone
    is so for all targets.

    Example:
        >>> own = torch.ones(1, 10, dtype=torch.bool)
        >>> curve_rows(own, (0.1, 0.5), 0), curve_rows(own, (0.1, 0.5), 8)
        (tensor([9]), tensor([22]))
    """
    sizes = sizes_of(before, shares)
    steps = torch.cat([torch.zeros_like(sizes[:1]), sizes]).diff(dim=0)
    # A search may begin at a size of its own: where fewer players can be decisive.
    found = [1 + math.ceil(math.log2(max(gap, 1))) for gap in steps.amax(0).tolist()]
    curve, search = (steps > 0).sum(0), torch.tensor(found)
    each = 2 * curve + search + 2 + (curve + search if singles else 0)
    tried = before.sum(1).clamp_max(singles).sort(descending=True).values.cumsum(0)
    return each.sort(descending=True).values.cumsum(0) + tried.clamp_max(before.shape[1])
