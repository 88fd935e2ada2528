"""Integrated gradients, by a quadrature that goes where the integral is."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glossator.errors import InputError
from glossator.game.tape import Tape
from glossator.registry import attribution
from glossator.types import Estimate

_SEGMENTS = 8  # to begin with: 17 points
_BISECTED = 4  # segments at a time: 8 points given to the tape at once


@attribution(
    "integrated_gradients",
    needs="tape",
    measures="effect of the unit's embeddings, added up from absent to present; a row sums to "
    "full - empty",
    paper="Sundararajan, Taly and Yan 2017, arXiv 1703.01365, equation 1",
    rows="steps",
    count=lambda players, *, steps: steps,
)
def integrated_gradients(
    tape: Tape, *, steps: int = 64, generator: torch.Generator | None = None
) -> Estimate:
    """Integrate gradients along the straight line from all players absent to all present.

    The rule is adaptive Simpson. The integral over a segment of the line, summed over players,
    must be the difference of the values at its ends, which are known; so the error of every
    segment is known too, and those with the largest (over targets) are bisected until `steps`
    points are spent. Measured on a Llama-shaped story model of 260,000 parameters, largest
    completeness gap of 8 targets as a share of their effects: from the mean embedding at 64
    points 0.3%, against 1.3% by the midpoint rule and 11% by Gauss-Legendre; from the zero
    embedding, where normalisation makes the line rugged, 64 points are too few for any of
    them, and at 256 it is 0.06% against 580% and 81%.

    Args:
        tape: values and gradients, with a removal that has embeddings.
        steps: points at which gradients are taken, at most.
        generator: taken by all methods; nothing is drawn.

    Returns:
        [targets players], in the readout's unit; positive = the player raises the readout.
        notes["completeness_gap"]: per target, the sum of its scores less (value with all
        players - value with none). notes["steps"]: points used.

    Raises:
        InputError: fewer than 3 steps, or a removal without embeddings.
    """
    if steps < 3:
        raise InputError(f"integrated_gradients needs at least 3 steps, got {steps}")
    absent = tape.absent.to(tape.inputs)
    way = tape.inputs - absent

    def pull(at: Tensor) -> tuple[Tensor, Tensor]:
        # In float32 at least: half precision would move the points, not their weights.
        points = absent + at.to(way.device, torch.float32)[:, None, None] * way
        return tape.pull(points, lambda gradients: (gradients * way).sum(-1))

    count = min(_SEGMENTS, (steps - 1) // 2)
    ends = torch.linspace(0, 1, count + 1, dtype=torch.float64) ** 3
    # Denser near absent, where small embeddings meet normalisation and the line is steepest.
    at = torch.cat([ends, (ends[1:] + ends[:-1]) / 2])
    order = torch.arange(count)
    segments = torch.stack([order, order + count + 1, order + 1], 1)
    values, slopes = pull(at)
    while True:
        parts = _simpson(at, slopes, segments)
        gaps = parts.sum(2) - (values[segments[:, 2]] - values[segments[:, 0]])
        room = min((steps - len(at)) // 2, _BISECTED, len(segments))
        if room == 0:
            break
        worst = gaps.abs().sum(1).argsort(descending=True)
        fresh, halves = _bisect(at, segments[worst[:room]])
        more_values, more_slopes = pull(fresh)
        at, values = torch.cat([at, fresh]), torch.cat([values, more_values])
        slopes = torch.cat([slopes, more_slopes])
        segments = torch.cat([segments[worst[room:]], halves])
    scores = parts.sum(0).masked_fill(~tape.before, torch.nan)
    return Estimate(scores, notes={"completeness_gap": gaps.sum(0).tolist(), "steps": len(at)})


def _simpson(
    at: Float[Tensor, " points"],
    slopes: Float[Tensor, "points targets players"],
    segments: Int[Tensor, "segments 3"],
) -> Float[Tensor, "segments targets players"]:
    """Integrals over segments, given by the indices of their start, middle and end."""
    start, middle, end = segments.T
    sixth = ((at[end] - at[start]) / 6)[:, None, None]
    return sixth * (slopes[start] + 4 * slopes[middle] + slopes[end])


def _bisect(
    at: Float[Tensor, " points"], segments: Int[Tensor, "segments 3"]
) -> tuple[Float[Tensor, " fresh"], Int[Tensor, "halves 3"]]:
    """The middles of both halves of each segment, to follow `at`, and these halves."""
    start, middle, end = segments.T
    first = len(at) + torch.arange(len(segments))
    second = first + len(segments)
    fresh = torch.cat([at[start] + at[middle], at[middle] + at[end]]) / 2
    halves = [torch.stack([start, first, middle], 1), torch.stack([middle, second, end], 1)]
    return fresh, torch.cat(halves)
