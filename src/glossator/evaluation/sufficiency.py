"""Sufficiency: how far the readout falls when only the words of largest score are left."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.removal_curves import (
    BINS,
    descending,
    keep_curve,
    sizes_of,
    where_scored,
)
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "sufficiency",
    needs="game",
    measures="how far the readout falls when only the words of largest score are kept",
    direction="lower",
    range=(-math.inf, math.inf),
    null="the same scores, shuffled over the words",
    paper="DeYoung et al. 2020, ERASER, arXiv 1911.03429, section 4.2",
    rows="shares x targets",
)
def sufficiency(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    shares: Sequence[float] = BINS,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The mean over shares of v(all) - v(the words of largest score alone).

    Args:
        game, scores, shares, generator: as in `comprehensiveness`.

    Returns:
        [targets], in the readout's unit; near 0 or below = what the explanation names is
        enough. NaN where a target has no scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> sufficiency(game, torch.tensor([[3.0, 1.0]]), shares=[0.5]).item()
        1.0
    """
    curve = keep_curve(game, descending(scores, generator), sizes_of(game.before, shares))
    return where_scored(game.full - curve.mean(0), scores)


@metric(
    "fid",
    needs="game",
    measures="Fid(t): how far the readout falls when only the top share t of the words is kept",
    direction="lower",
    range=(-math.inf, math.inf),
    null="the same scores, shuffled over the words",
    paper="Amara, Sevastjanova and El-Assady 2024, SyntaxShap, arXiv 2402.09259, section 5",
    rows="targets",
)
def fid(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    share: float = 0.2,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """Sufficiency at one share t of the words.

    Args:
        game, scores, generator: as in `comprehensiveness`.
        share: t, rounded up to whole words.

    Returns:
        [targets], in the readout's unit; near 0 or below = faithful. NaN where a target has no
        scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> fid(game, torch.tensor([[3.0, 1.0]]), share=0.5).item()
        1.0
    """
    left: Tensor = sufficiency(game, scores, shares=(share,), generator=generator)
    return left
