"""Deletion and insertion: areas under the readout as words go, or come, in order of score."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.removal_curves import (
    Curve,
    descending,
    keep_curve,
    removal_curve,
    where_scored,
)
from glossator.game.game import Game
from glossator.registry import metric

PAPER = "Petsiuk, Das and Saenko 2018, RISE, arXiv 1806.07421, section 4.2"


@metric(
    "deletion",
    needs="game",
    measures="area under the readout while words go, the largest score first",
    direction="lower",
    range=(-math.inf, math.inf),
    null="the same scores, shuffled over the words",
    paper=PAPER,
    rows="at most n x targets",
)
def deletion(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The area under v(all but the first k words) over k / n, by trapezia.

    Args:
        game: values of coalitions.
        scores: signed; the largest go first.
        generator: breaks ties; None: in reading order.

    Returns:
        [targets], in the readout's unit: a mean readout. Small = what matters goes early. NaN
        where a target has no scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> deletion(game, torch.tensor([[3.0, 1.0]])).item()  # of 4, 1, 0
        1.5
    """
    return _area(removal_curve, game, scores, generator)


@metric(
    "insertion",
    needs="game",
    measures="area under the readout while words come, the largest score first",
    direction="higher",
    range=(-math.inf, math.inf),
    null="the same scores, shuffled over the words",
    paper=PAPER,
    rows="at most n x targets",
)
def insertion(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The area under v(the first k words alone) over k / n, by trapezia.

    Args:
        game, scores, generator: as in `deletion`.

    Returns:
        [targets], in the readout's unit: a mean readout. Large = what matters comes early. NaN
        where a target has no scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> insertion(game, torch.tensor([[3.0, 1.0]])).item()  # of 0, 3, 4
        2.5
    """
    return _area(keep_curve, game, scores, generator)


def _area(
    curve: Curve,
    game: Game,
    scores: Float[Tensor, "targets players"],
    generator: torch.Generator | None,
) -> Float[Tensor, " targets"]:
    own = game.before.sum(1)
    sizes = torch.arange(int(own.max()) + 1)
    values = curve(game, descending(scores, generator), sizes.tolist())
    inside = sizes[:, None] <= own
    ends = (sizes == 0)[:, None] | (sizes[:, None] == own)
    weight = torch.where(ends, 0.5, 1.0) * inside
    return where_scored((values * weight).sum(0) / own, scores)
