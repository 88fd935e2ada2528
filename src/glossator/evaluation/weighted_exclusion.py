"""Weighted exclusion: words are replaced by others, the further away the less they score.

To leave a word out or in forgets how much it scores. Here a word of weight w (0 to 1) is replaced
by the word whose embedding lies nearest to the distance r / w from its own: what scores most stays
or gives way to a close neighbour, what scores nothing gives way to the furthest.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glossator.errors import InputError
from glossator.evaluation.removal_curves import where_scored
from glossator.evaluation.soft_erasure import importance
from glossator.game.tape import Tape
from glossator.registry import metric


@metric(
    "weighted_exclusion",
    needs="tape",
    measures="how far the readout falls when each word is replaced at a distance of 1 over its "
    "weight",
    direction="lower",
    range=(-math.inf, math.inf),
    null="the same scores, shuffled over the words",
    paper="Amara, Sevastjanova and El-Assady 2024, Challenges and Opportunities in Text "
    "Generation Explainability, arXiv 2405.08468, section 4",
    rows="targets + 1, with gradients",
)
def weighted_exclusion(
    tape: Tape,
    scores: Float[Tensor, "targets players"],
    *,
    radius: float | None = None,
    generator: torch.Generator | None = None,
) -> Float[Tensor, " targets"]:
    """v(text) - v(text with every word replaced at distance radius / weight).

    Args:
        tape: values at points of the embedding space.
        scores: the weight of a word is its score over the target's largest, 0 below 0.
        radius: distance at weight 1; None: half of what lies between a token and its nearest
            neighbour, at the median over the text, so that words of weight 1 stay and those of
            weight 1/2 give way to about the nearest neighbour.
        generator: taken by all metrics; nothing is drawn.

    Returns:
        [targets], in the readout's unit; near 0 or below = what scores is what matters. NaN
        where a target has no scores.

    Raises:
        InputError: a radius that is not above 0.
    """
    distance = distances(tape)
    if radius is None:
        nearest = distance.masked_fill(distance == 0, math.inf).amin(1)
        radius = float(nearest[tape.player_of >= 0].median()) / 2
    if radius <= 0:
        raise InputError(f"the radius is a distance above 0, got {radius}")
    weight = importance(scores)[:, tape.player_of.clamp_min(0)]  # [targets tokens]
    chosen = torch.stack([replacements(distance, row, radius) for row in weight])
    points = torch.where(tape.player_of >= 0, chosen, tape.ids)
    points = torch.cat([tape.ids[None], points])
    values, _ = tape.pull(tape.embed(points), lambda gradients: gradients.sum(-1))
    return where_scored(values[0] - values[1:].diagonal(), scores)


def distances(tape: Tape) -> Float[Tensor, "tokens vocabulary"]:
    """How far each token of the text is from every token that there is."""
    own = tape.embed(tape.ids).float()
    # By differences: by matrix products a token would not be at a distance of 0 from itself.
    exact = "donot_use_mm_for_euclid_dist"
    blocks = torch.arange(tape.vocabulary).split(8192)
    found = [torch.cdist(own, tape.embed(b).float(), compute_mode=exact).cpu() for b in blocks]
    return torch.cat(found, dim=1)


def replacements(
    distance: Float[Tensor, "tokens vocabulary"],
    weight: Float[Tensor, " tokens"],
    radius: float,
) -> Int[Tensor, " tokens"]:
    """For each token the one whose distance from it is nearest to radius / weight.

    Example:
        >>> distance = torch.tensor([[0.0, 1.0, 3.0], [1.0, 0.0, 2.0]])
        >>> replacements(distance, torch.tensor([0.5, 0.0]), radius=0.5)
        tensor([1, 2])
    """
    wanted = (radius / weight).clamp_max(float(distance.max()))
    return (distance - wanted[:, None]).abs().argmin(1)
