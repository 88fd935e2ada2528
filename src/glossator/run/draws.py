"""Removals that draw what stands in for an absent unit: what is averaged over the draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from glossator.game import Game
from glossator.types import Attribution, Groups


def mean_game(games: Sequence[Game]) -> Game:
    """The game whose values are the means over the games of all draws; of one, this one.

    Example:
        >>> own = torch.tensor([[True]])
        >>> mean_game([Game(lambda keep: keep * 1.0, own), Game(lambda keep: keep * 3.0, own)]).full
        tensor([2.], dtype=torch.float64)
    """
    if len(games) == 1:
        return games[0]
    first = games[0]
    return Game(
        lambda keep: torch.stack([game(keep) for game in games]).mean(0),
        first.before,
        phrases=first.phrases,
        decision=first.decision,
        measure=first.measure,
    )


def mean_attribution(estimates: Sequence[Attribution]) -> Attribution:
    """The mean of estimates, one of each draw; their spread is the whole error.

    Each draw was solved with coalitions of its own, so the estimates are independent and
    their standard deviation holds both the replacements' and the coalitions' randomness.

    Example:
        >>> once, twice = (Attribution(torch.tensor([[score]])) for score in (1.0, 3.0))
        >>> mean_attribution([once, twice]).scores
        tensor([[2.]])
    """
    if len(estimates) == 1:
        return estimates[0]
    scores = torch.stack([estimate.scores for estimate in estimates])
    draws = len(estimates)
    stderr = scores.std(dim=0) / draws**0.5
    first = dict(estimates[0].notes)
    told = {name: first.pop(name) for name in ("caveat", "unit") if name in first}
    notes = {"draws": draws, "first_draw": first} | told
    return Attribution(scores.mean(0), stderr, draws - 1, notes, _mean_groups(estimates))


def _mean_groups(estimates: Sequence[Attribution]) -> Groups | None:
    """The mean over draws; None where each draw found groups of its own."""
    found = [estimate.groups for estimate in estimates if estimate.groups is not None]
    if len(found) < len(estimates) or len({groups.members for groups in found}) > 1:
        return None
    scores = torch.stack([groups.scores for groups in found])
    return replace(found[0], scores=scores.mean(0), stderr=scores.std(0) / len(found) ** 0.5)
