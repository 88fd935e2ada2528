"""Soft comprehensiveness and sufficiency: words go or stay by chance, as their scores say.

The authors drop parts of embeddings; here a word is there or not, which every removal can do and
which keeps the values in the game's own table.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.removal_curves import own_values
from glossator.game.game import Game
from glossator.registry import metric

PAPER = (
    "Zhao and Aletras 2023, Incorporating Attribution Importance for Improving Faithfulness "
    "Metrics, arXiv 2305.10496, equations 3 to 6"
)


@metric(
    "soft_comprehensiveness",
    needs="game",
    measures="share of the words' whole effect that is lost when words go as likely as they score",
    direction="higher",
    range=(0.0, math.inf),
    null="the same scores, shuffled over the words: as many words go",
    paper=PAPER,
    rows="draws x targets",
)
def soft_comprehensiveness(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    draws: int = 16,
    generator: torch.Generator,
) -> Float[Tensor, " targets"]:
    """E max(0, v(all) - v(S)) / (v(all) - v(none)), a word being in S with probability 1 - a.

    Args:
        game: values of coalitions; with the readout `probability` the normalisation is the
            paper's.
        scores: a is the score over the largest one of the target; 0 for scores below 0.
        draws: coalitions drawn for each target; targets share the random numbers.
        generator: of the draws.

    Returns:
        [targets], 0 = nothing is lost. NaN where a target has no scores, or where all words
        together do not raise the readout.

    Example:
        >>> game = Game(lambda keep: keep[:, :1].double(), before=torch.tensor([[True, True]]))
        >>> soft_comprehensiveness(game, torch.tensor([[2.0, 0.0]]),
        ...                        generator=torch.Generator()).item()
        1.0
    """
    lost = _mean_lost(game, 1 - importance(scores), draws, generator)
    return lost.masked_fill(scores.isnan().all(1), math.nan)


@metric(
    "soft_sufficiency",
    needs="game",
    measures="share of the words' whole effect that is left when words stay as likely as they "
    "score",
    direction="higher",
    range=(-math.inf, 1.0),
    null="the same scores, shuffled over the words: as many words stay",
    paper=PAPER,
    rows="draws x targets",
)
def soft_sufficiency(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    draws: int = 16,
    generator: torch.Generator,
) -> Float[Tensor, " targets"]:
    """1 - E max(0, v(all) - v(S)) / (v(all) - v(none)), a word being in S with probability a.

    Args:
        game, scores, draws, generator: as in `soft_comprehensiveness`.

    Returns:
        [targets], 1 = nothing is lost. NaN as in `soft_comprehensiveness`.

    Example:
        >>> game = Game(lambda keep: keep[:, :1].double(), before=torch.tensor([[True, True]]))
        >>> soft_sufficiency(game, torch.tensor([[2.0, 0.0]]), generator=torch.Generator()).item()
        1.0
    """
    lost = _mean_lost(game, importance(scores), draws, generator)
    return (1 - lost).masked_fill(scores.isnan().all(1), math.nan)


def importance(scores: Float[Tensor, "targets players"]) -> Float[Tensor, "targets players"]:
    """Scores between 0 and 1: those below 0 are 0, the largest of a target is 1.

    Example:
        >>> importance(torch.tensor([[4.0, -3.0, 1.0, float("nan")]]))
        tensor([[1.0000, 0.0000, 0.2500, 0.0000]])
    """
    positive = scores.nan_to_num(nan=0.0).clamp_min(0)
    largest = positive.amax(1, keepdim=True)
    return torch.where(largest > 0, positive / largest, 0)


def _mean_lost(
    game: Game,
    chance: Float[Tensor, "targets players"],
    draws: int,
    generator: torch.Generator,
) -> Float[Tensor, " targets"]:
    """What is lost on average of the whole effect when players stay with these chances."""
    coin = torch.rand(draws, 1, game.players, dtype=torch.float64, generator=generator)
    # Players that cannot act on a target stay: coalitions differ in nothing that does not count.
    value = own_values(game, (coin < chance) | ~game.before)
    whole = game.full - game.empty
    share = (game.full - value).clamp_min(0).mean(0) / whole
    return share.masked_fill(whole <= 0, math.nan)
