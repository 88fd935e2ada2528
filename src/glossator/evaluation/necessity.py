"""Decisive words: how often is a word necessary, how often does it suffice?

The decision for a target holds while its readout is above a threshold. Over random coalitions S
of the other words,

    necessity of i     P(the decision fails on S         | it holds on S and i)
    sufficiency of i   P(the decision holds on S and i   | it fails on S)

which are Pearl's probabilities of necessity and of sufficiency with words for causes. A word that
is both is decisive.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.attribution.coalitions import any_size, draw
from glossator.attribution.input_reduction import decision_limit
from glossator.errors import InputError
from glossator.game.game import Game
from glossator.types import interval_factor


@dataclass(frozen=True, eq=False, slots=True)
class Proportion:
    """Shares of coalitions, with Wilson's intervals.

    Attributes:
        value: [targets players]; NaN where no coalition met the condition.
        low, high: of the interval; 0 and 1 where there is no value.
        count: [targets players] the denominator: coalitions that met the condition.
    """

    value: Float[Tensor, "targets players"]
    low: Float[Tensor, "targets players"]
    high: Float[Tensor, "targets players"]
    count: Int[Tensor, "targets players"]


@dataclass(frozen=True, eq=False, slots=True)
class Decisive:
    """How necessary and how sufficient each word is for each target."""

    necessity: Proportion
    sufficiency: Proportion


def necessity_and_sufficiency(
    game: Game,
    *,
    threshold: float | None = None,
    samples: int = 32,
    level: float = 0.95,
    generator: torch.Generator,
) -> Decisive:
    """The probabilities of necessity and sufficiency of every word for every target.

    Source: Watson et al. 2021, Local Explanations via Necessity and Sufficiency, arXiv
    2103.14651, definitions 1 and 2; Pearl 1999, Probabilities of Causation.

    Args:
        game: values of coalitions.
        threshold: the decision holds while the readout is above it; None: as in
            `input_reduction`.
        samples: coalitions, of any size; each is asked with and without every word, so the cost
            is at most samples x (players + 1) rows, shared by all targets.
        level: confidence of the intervals.
        generator: of the coalitions.

    Returns:
        Shares between 0 and 1, with the number of coalitions that they are shares of.

    Raises:
        InputError: no samples.

    Example:
        >>> both = Game(lambda keep: keep.all(1, keepdim=True).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> found = necessity_and_sufficiency(both, threshold=0.5, generator=torch.Generator())
        >>> found.necessity.value.tolist()  # without one of them it never holds
        [[1.0, 1.0]]
    """
    if samples < 1:
        raise InputError(f"at least 1 sample is needed, got {samples}")
    limit = decision_limit(game, threshold)
    drawn = draw(any_size, samples, game.players, generator)
    keep = drawn[:, None].expand(-1, game.players, -1).clone()  # [samples players players]
    places = torch.arange(game.players)
    keep[:, places, places] = True
    with_it = _holds(game, keep, limit)
    keep[:, places, places] = False
    without = _holds(game, keep, limit)
    acts = game.before
    return Decisive(
        necessity=_proportion(with_it & ~without, with_it, acts, level),
        sufficiency=_proportion(with_it & ~without, ~without, acts, level),
    )


def _holds(
    game: Game, keep: Bool[Tensor, "samples players all"], limit: Float[Tensor, " targets"]
) -> Bool[Tensor, "samples targets players"]:
    value: Tensor = game(keep.flatten(0, 1)).unflatten(0, keep.shape[:2])
    return (value > limit).transpose(1, 2)


def _proportion(
    hits: Bool[Tensor, "samples targets players"],
    cases: Bool[Tensor, "samples targets players"],
    acts: Bool[Tensor, "targets players"],
    level: float,
) -> Proportion:
    """Wilson 1927: the interval of a share that stays between 0 and 1."""
    count = cases.sum(0).masked_fill(~acts, 0)
    n, z = count.double(), interval_factor(level)
    value = hits.sum(0) / n
    middle = (value + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * (value * (1 - value) / n + z**2 / (4 * n**2)).sqrt() / (1 + z**2 / n)
    none = count == 0
    low = (middle - half).clamp_min(0).masked_fill(none, 0)
    high = (middle + half).clamp_max(1).masked_fill(none, 1)
    return Proportion(value.masked_fill(none, torch.nan), low, high, count)
