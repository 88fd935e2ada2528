"""DFFOT and DFMIT: how few of the best words have to go until the model decides otherwise."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.attribution.input_reduction import decision_limit
from glossator.evaluation.removal_curves import descending, removal_curve, where_scored
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "dffot",
    needs="game",
    measures="decision flip, fraction of tokens: share of the words that go, the largest score "
    "first, until the decision flips",
    direction="lower",
    range=(0.0, 1.0),
    null="the same scores, shuffled over the words",
    paper="Serrano and Smith 2019, Is Attention Interpretable?, arXiv 1906.03731, section 4.3",
    rows="at most n x targets",
)
def dffot(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    threshold: float | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The smallest share of the words, in order of score, whose removal flips the decision.

    Args:
        game: values of coalitions.
        scores: signed; the largest go first.
        threshold: the decision holds while the readout is above it; None: as in
            `input_reduction`.
        generator: breaks ties; None: in reading order.

    Returns:
        [targets], between 0 and 1; small = the explanation names what decides. NaN, not 1,
        where the decision does not hold at the start or never flips: neither speaks for the
        explanation or against it. NaN too where a target has no scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> dffot(game, torch.tensor([[3.0, 1.0]]), threshold=2.0).item()
        0.5
    """
    own = game.before.sum(1)
    limit = decision_limit(game, threshold)
    sizes = range(int(own.max()) + 1)
    flipped = removal_curve(game, descending(scores, generator), sizes) <= limit
    share = flipped.int().argmax(0) / own.double()  # the first one that flipped
    undecided = flipped[0] | ~flipped.any(0)
    return where_scored(share.masked_fill(undecided, math.nan), scores)


@metric(
    "dfmit",
    needs="game",
    measures="decision flip, most informative token: whether the decision flips without the word "
    "of largest score",
    direction="higher",
    range=(0.0, 1.0),
    null="the same scores, shuffled over the words",
    paper="Chrysostomou and Aletras 2021, Improving the Faithfulness of Attention-based "
    "Explanations, arXiv 2105.02657, section 5",
    rows="targets",
)
def dfmit(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    threshold: float | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """1 where the decision flips without the word of largest score, else 0.

    Args:
        game, scores, threshold, generator: as in `dffot`.

    Returns:
        [targets], whose mean is the share of decisions that flip. NaN where the decision does
        not hold at the start, or a target has no scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> dfmit(game, torch.tensor([[3.0, 1.0]]), threshold=2.0).item()
        1.0
    """
    limit = decision_limit(game, threshold)
    (value,) = removal_curve(game, descending(scores, generator), [1])
    flips = (value <= limit).double().masked_fill(game.full <= limit, math.nan)
    return where_scored(flips, scores)
