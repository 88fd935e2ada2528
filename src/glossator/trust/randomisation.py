"""Would shuffled scores have done as well?

The scores of a target are compared with what its players add in random orders, which no method
under test has chosen. If the scores were dealt to the players at random, every other deal would
be as likely, so the share of deals that agree at least as well is an exact level of significance
(Fisher 1935; Pitman 1937), whatever the scores, the effects, and the interactions between players.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor

DEALS = 1999
"""Shuffled deals of the scores: the smallest level that can be reached is 1 in 2000."""

LEVEL = 0.025
"""Of the test, one-sided: that of one end of a 95% interval."""


def shuffled_p(
    scores: Float[Tensor, "targets players"],
    effects: Sequence[Float[Tensor, "targets players"]],
    before: Bool[Tensor, "targets players"],
    generator: torch.Generator,
) -> Float[Tensor, " targets"]:
    """How often scores dealt at random agree with the effects as well as they do as they are.

    Agreement is the sum of score x effect over the players, which orders the deals as the
    correlation of the two does.

    Args:
        scores: under test.
        effects: what each player adds, measured without regard to the scores; in several ways,
            of which the one with which the scores agree best counts, at that many times its
            level (Bonferroni).
        before: which players belong to each target.
        generator: of the deals; targets share them.

    Returns:
        [targets] (1 + deals as good) / (1 + deals); 1 where all scores, or all effects, are the
        same; NaN where there are no players.

    Example:
        >>> effects = torch.tensor([[3.0, 0.1, 0.2, -0.1, 0.0, 1.0]]).double()
        >>> own = torch.ones(1, 6, dtype=torch.bool)
        >>> right, wrong = (shuffled_p(s, [effects], own, torch.Generator()).item()
        ...                 for s in (effects, -effects))
        >>> right < LEVEL, wrong > 0.9
        (True, True)
    """
    deals = torch.rand(DEALS, before.shape[1], generator=generator).argsort(1)
    levels = torch.zeros(len(effects), len(scores), dtype=torch.float64)
    for t, own in enumerate(before):
        mine = _among(deals, own)
        for way, effect in enumerate(effects):
            levels[way, t] = _shuffled_p(scores[t, own].double(), effect[t, own].double(), mine)
    return (len(effects) * levels.amin(0)).clamp_max(1)


def _among(deals: Tensor, own: Bool[Tensor, " players"]) -> Tensor:
    """Permutations of all players as permutations of some of them, numbered anew."""
    number = own.cumsum(0) - 1
    return number[deals[own[deals]]].reshape(len(deals), int(own.sum()))


def _shuffled_p(scores: Tensor, effects: Tensor, deals: Tensor) -> float:
    if not len(scores):
        return math.nan
    scores, effects = scores - scores.mean(), effects - effects.mean()
    agreement = scores @ effects
    # Deals that differ by a rounding error are as good.
    slack = 1e-9 * float(scores.norm() * effects.norm())
    as_good = int((scores[deals] @ effects >= agreement - slack).sum())
    return (1 + as_good) / (1 + len(deals))


def enough_players(before: Bool[Tensor, "targets players"]) -> Bool[Tensor, " targets"]:
    """Whether a target has so many players that a lucky deal is rarer than the level.

    Of n players there are n! deals: four have too few.
    """
    fewest = next(n for n in range(1, 20) if math.factorial(n) * LEVEL > 1)
    return before.sum(1) >= fewest


def significant(
    levels: Float[Tensor, " targets"], level: float = LEVEL
) -> Bool[Tensor, " targets"]:
    """Which of several tests are significant, with false discoveries at a level.

    If no target's scores are better than shuffled ones, the chance that any is called significant
    is the level; of those that are called so, this share is wrong on average (Benjamini and
    Hochberg 1995; their tests may depend on each other positively: Benjamini and Yekutieli 2001).

    Args:
        levels: of each test; NaN is never significant, and counts as no test.

    Example:
        >>> significant(torch.tensor([0.001, 0.02, 0.2, float("nan")])).tolist()
        [True, False, False, False]
    """
    count = int((~levels.isnan()).sum())
    ranked = levels.nan_to_num(nan=math.inf).sort().values[:count]
    fits = (ranked <= level * torch.arange(1, count + 1) / max(count, 1)).nonzero()
    bound = float(ranked[fits.max()]) if len(fits) else -math.inf
    return levels <= bound
