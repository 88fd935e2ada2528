"""div@K and acc@K: what becomes of the model's K likeliest tokens on the best words alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.removal_curves import descending, keep_curve, sizes_of, where_scored
from glossator.game.game import Game
from glossator.game.readout import Readout
from glossator.game.top_k import top_k_overlap, top_k_probability_lost
from glossator.registry import metric

PAPER = "Amara, Sevastjanova and El-Assady 2024, SyntaxShap, arXiv 2402.09259, section 5"


@metric(
    "div_at_k",
    needs="readouts",
    measures="probability that the K likeliest tokens lose when only the top share of the words "
    "is kept",
    direction="lower",
    range=(-1.0, 1.0),
    null="the same scores, shuffled over the words",
    paper=PAPER,
    rows="targets + 2",
)
def div_at_k(
    readouts: Callable[[Readout], Game],
    scores: Float[Tensor, "targets players"],
    *,
    k: int = 10,
    share: float = 0.2,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The sum over the K likeliest tokens of p(token | all) - p(token | top share alone).

    Args:
        readouts: gives the game of a readout.
        scores: signed; the largest are kept.
        k: how many tokens, likeliest with all words.
        share: of the words that are kept, rounded up.
        generator: breaks ties; None: in reading order.

    Returns:
        [targets], a probability, the mean over a target's tokens; near 0 = faithful. NaN where
        a target has no scores.

    Example:
        >>> game = Game(lambda keep: -keep.double() @ torch.tensor([[0.5], [0.1]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> div_at_k(lambda _: game, torch.tensor([[2.0, 1.0]])).item()
        -0.5
    """
    game = readouts(top_k_probability_lost(k))
    return _kept(game, scores, share, generator)


@metric(
    "acc_at_k",
    needs="readouts",
    measures="share of the K likeliest tokens that are still among them when only the top share "
    "of the words is kept",
    direction="higher",
    range=(0.0, 1.0),
    null="the same scores, shuffled over the words",
    paper=PAPER,
    rows="targets + 2",
)
def acc_at_k(
    readouts: Callable[[Readout], Game],
    scores: Float[Tensor, "targets players"],
    *,
    k: int = 10,
    share: float = 0.2,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """The share of the K likeliest tokens in common of all words and the top share alone.

    Args:
        readouts, scores, k, share, generator: as in `div_at_k`.

    Returns:
        [targets], between 0 and 1, the mean over a target's tokens. NaN where a target has no
        scores.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[0.75], [0.25]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> acc_at_k(lambda _: game, torch.tensor([[2.0, 1.0]])).item()
        0.75
    """
    game = readouts(top_k_overlap(k))
    return _kept(game, scores, share, generator)


def _kept(
    game: Game,
    scores: Float[Tensor, "targets players"],
    share: float,
    generator: torch.Generator | None,
) -> Float[Tensor, " targets"]:
    sizes = sizes_of(game.before, (share,))
    return where_scored(keep_curve(game, descending(scores, generator), sizes)[0], scores)
