"""Log-odds: how much less likely the target is without the best words."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import InputError
from glossator.evaluation.removal_curves import descending, removal_curve, sizes_of, where_scored
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "log_odds",
    needs="game",
    measures="logarithm of the target's probability without the top share of the words over that "
    "with all",
    direction="lower",
    range=(-math.inf, math.inf),
    null="the same scores, shuffled over the words",
    paper="Shrikumar, Greenside and Kundaje 2017, arXiv 1704.02685, section 4.1; for words: Chen, "
    "Zheng and Ji 2020, HEDGE, arXiv 2004.02015, equation 9",
    rows="targets",
)
def log_odds(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    share: float = 0.2,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """What is lost of the log-probability: log p(all but the top share) - log p(all).

    Args:
        game: values of coalitions, as log-probability (or a contrast of two), or probability.
        scores: signed; the largest go.
        share: of the words, rounded up.
        generator: breaks ties; None: in reading order.

    Returns:
        [targets], in nats; far below 0 = the words that go matter. NaN where a target has no
        scores.

    Raises:
        InputError: the readout is no probability.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True]]), measure="nats")
        >>> log_odds(game, torch.tensor([[3.0, 1.0]])).item()
        -3.0
    """
    order = descending(scores, generator)
    without = removal_curve(game, order, sizes_of(game.before, (share,)))[0]
    if game.measure == "nats":
        return where_scored(without - game.full, scores)
    if game.measure == "probability":
        least = torch.finfo(without.dtype).tiny
        return where_scored((without.clamp_min(least) / game.full.clamp_min(least)).log(), scores)
    raise InputError(
        f"log_odds compares probabilities and the readout is in '{game.measure}': "
        "use --readout logprob or probability"
    )
