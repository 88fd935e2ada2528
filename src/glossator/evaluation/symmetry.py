"""Symmetry: do words that do the same get the same score?"""

from __future__ import annotations

import math
from itertools import combinations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.attribution.coalitions import any_size, draw
from glossator.game.game import Game
from glossator.registry import metric


@metric(
    "symmetry",
    needs="game",
    measures="largest difference of the scores of two words that can stand for each other, over "
    "the largest score of all",
    direction="lower",
    range=(0.0, 2.0),
    null="the same scores, shuffled over the words",
    paper="Shapley 1953; Sundararajan, Taly and Yan 2017, arXiv 1703.01365, section 4",
    rows="2 n + 2 + 2 x samples x (pairs that are alike alone and last)",
)
def symmetry(
    game: Game,
    scores: Float[Tensor, "targets players"],
    *,
    samples: int = 8,
    tolerance: float = 1e-3,
    generator: torch.Generator,
) -> Float[Tensor, " targets"]:
    """The largest |score_i - score_j| of a symmetric pair over the largest |score| of all.

    Two words are symmetric where no coalition that was tried changes by more than the tolerance
    when one takes the other's place: alone, when only one is missing, and in the samples.

    Args:
        game: values of coalitions.
        scores: signed.
        samples: coalitions drawn besides, of any size.
        tolerance: in the readout's unit.
        generator: of the coalitions.

    Returns:
        [targets], between 0 and 2; 0 = symmetric words score alike. NaN where a target has no
        symmetric pair, no scores, or none but 0.

    Example:
        >>> game = Game(lambda keep: keep.all(1, keepdim=True).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> symmetry(game, torch.tensor([[1.0, 0.5]]), generator=torch.Generator()).item()
        0.5
    """
    both = list(combinations(range(game.players), 2))
    pairs = torch.tensor(both, dtype=torch.long).reshape(-1, 2)
    alike = interchangeable(game, pairs, samples, tolerance, generator)
    known = ~scores.isnan()[:, pairs].any(2)
    gap = (scores[:, pairs[:, 0]] - scores[:, pairs[:, 1]]).abs()
    gap = torch.where(alike & known, gap, -1)
    worst = gap.amax(1) if len(pairs) else torch.full((game.targets,), -1.0)
    worst = worst / scores.nan_to_num(nan=0.0).abs().amax(1)
    return worst.masked_fill(worst < 0, math.nan)


def interchangeable(
    game: Game, pairs: Tensor, samples: int, tolerance: float, generator: torch.Generator
) -> Bool[Tensor, "targets pairs"]:
    """Which pairs may swap places without a change beyond the tolerance, as far as tried."""
    eye = torch.eye(game.players, dtype=torch.bool)
    ends = torch.stack([game(eye), game(~eye)])  # [2 players targets]
    first, second = pairs.T
    change = (ends[:, first] - ends[:, second]).abs().amax(0).T
    alike = (change <= tolerance) & game.before[:, first] & game.before[:, second]
    keep = draw(any_size, samples, game.players, generator)
    for pair in alike.any(0).nonzero()[:, 0].tolist():
        one, other = keep.clone(), keep.clone()
        one[:, pairs[pair]] = torch.tensor([True, False])
        other[:, pairs[pair]] = torch.tensor([False, True])
        alike[:, pair] &= (game(one) - game(other)).abs().amax(0) <= tolerance
    return alike
