"""Perturbed masking: how much a masked word's representation depends on another word."""

from __future__ import annotations

import torch
from jaxtyping import Bool
from torch import Tensor

from glossator.errors import UnknownName
from glossator.game.states import States
from glossator.registry import attribution
from glossator.types import Attribution

DISTANCES = ("euclidean", "probability")
CAVEAT = (
    "a distance between hidden states has no sign and no unit: it says how far the model's idea of "
    "the target moves, not which way; compare it within one model only"
)


@attribution(
    "perturbed_masking",
    needs="states",
    measures="how far the model's idea of a masked word moves when the unit is masked too",
    paper="Wu, Chen, Kao and Liu 2020, arXiv 2004.14786, section 2.2",
    rows="n + 1",
    count=lambda players, **_: players + 1,
    removal="token:mask",
)
def perturbed_masking(
    states: States, *, distance: str = "euclidean", generator: torch.Generator | None = None
) -> Attribution:
    """Mask a word, then another one as well, and compare what the model makes of the first.

    With every word of a text masked in turn the scores are the impact matrix of the paper.

    Args:
        states: of the masked words, which are the targets.
        distance: "euclidean", between the last layer's outputs at the target's place (the paper's
            Dist), or "probability", what the target's probability loses (its Prob).
        generator: taken by all methods; nothing is drawn.

    Returns:
        [targets players]. A Euclidean distance is never negative and has no sign; a loss of
        probability is positive where the unit makes the target more probable.

    Raises:
        UnknownName: another distance.
        InputError: a distance between states is asked of a contrast.
    """
    if distance not in DISTANCES:
        raise UnknownName("distance", distance, DISTANCES)
    everyone = torch.ones(1, states.players, dtype=torch.bool)
    without: Bool[Tensor, "players players"] = ~torch.eye(states.players, dtype=torch.bool)
    if distance == "euclidean":
        scores, notes = states.distance(without).T, {"unit": "distance", "caveat": CAVEAT}
    else:
        values = states.probability(torch.cat([everyone, without]))
        scores, notes = (values[:1] - values[1:]).T, {"unit": "probability"}
    return Attribution(scores.masked_fill(~states.before, torch.nan), notes=notes)
