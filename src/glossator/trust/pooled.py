"""Explanations of many outputs drawn from one model, pooled: what is stable and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import InputError
from glossator.types import interval_factor

Verdict = Literal["stable", "on average", "varies", "nothing", "unclear"]


@dataclass(frozen=True, eq=False, slots=True)
class Pooled:
    """Scores of words, pooled over outputs that were drawn from one distribution.

    Attributes:
        mean: [words] mean over outputs; positive = the word raises what the model says.
        stderr: [words] standard error of the mean, from both sources.
        between: [words] variance between outputs: the word does other things for other outputs.
            An unbiased estimate, below 0 where the estimator's error explains all of it.
        within: [words] variance within an output: the squared standard error of one score.
        p_value: [words] of the hypothesis that there is no variance between outputs.
        verdict: of each word; see `pool`.
        outputs: how many were drawn. distinct: how many of them differ.
    """

    mean: Float[Tensor, " words"]
    stderr: Float[Tensor, " words"]
    between: Float[Tensor, " words"]
    within: Float[Tensor, " words"]
    p_value: Float[Tensor, " words"]
    verdict: tuple[Verdict, ...]
    outputs: int
    distinct: int

    @property
    def dof(self) -> int:
        """Degrees of freedom of `stderr`."""
        return self.outputs - 1

    @property
    def share_between(self) -> float | None:
        """Share of all variance that lies between outputs, 0 to 1; None where there is none."""
        between = float(self.between.sum().clamp_min(0))
        total = between + float(self.within.sum())
        return between / total if total > 0 else None


def pool(
    scores: Float[Tensor, "distinct words"],
    stderr: Float[Tensor, "distinct words"] | None,
    counts: Sequence[int],
    *,
    floor: float,
) -> Pooled:
    """Pool the scores of outputs, and split their variance by the law of total variance.

    Var(score) = Var over outputs of E(score | output)  [between]
               + E over outputs of Var(score | output)  [within: the estimator's error].

    A word is
    "stable" where the 95% prediction interval of its score for another output excludes 0: it acts
    in one direction whatever the model says; else "on average" where the 95% interval of the mean
    excludes 0; else "varies" where its variance between outputs is beyond the estimator's error
    (p <= 0.05): it acts, in a direction that depends on what is said; else "unclear". "nothing"
    comes before all of these: the root mean square of its scores, the estimator's error included,
    is below `floor`.

    Args:
        scores: of each distinct output. stderr: of each score; None where they are exact.
        counts: how often each distinct output was drawn.
        floor: the smallest effect that matters, in the scores' unit.

    Raises:
        InputError: fewer than two outputs, or scores that are not finite.

    Example:
        >>> found = pool(torch.tensor([[2.0, 1.0], [2.2, -1.0], [2.1, 0.5]]).double(), None,
        ...              [1, 1, 2], floor=0.1)
        >>> found.verdict, found.share_between
        (('stable', 'varies'), 1.0)
    """
    drawn = sum(counts)
    if drawn < 2:
        raise InputError(f"got {drawn} output(s) to pool: draw at least 2")
    error = torch.zeros_like(scores) if stderr is None else stderr
    if not (scores.isfinite().all() and error.isfinite().all()):
        raise InputError("scores to be pooled must be finite, and so must their errors")
    weight = torch.tensor(counts, dtype=scores.dtype)[:, None]
    mean = (weight * scores).sum(0) / drawn
    total = (weight * (scores - mean).square()).sum(0) / (drawn - 1)
    # An output that was drawn c times is explained once: its error is shared by c of the scores.
    noise = error.square()
    of_mean = (weight.square() * noise).sum(0) / drawn**2
    expected = ((weight * noise).sum(0) - drawn * of_mean) / (drawn - 1)
    between = total - expected
    spread = between.clamp_min(0)
    stderr_of_mean = (spread / drawn + of_mean).sqrt()
    p_value = _heterogeneity(scores, noise)
    within = (weight * noise).sum(0) / drawn
    small = mean.square() + spread + within < floor**2
    verdicts = _verdicts(mean, stderr_of_mean, spread, p_value, small, drawn)
    return Pooled(mean, stderr_of_mean, between, within, p_value, verdicts, drawn, len(scores))


def _heterogeneity(
    scores: Float[Tensor, "distinct words"], noise: Float[Tensor, "distinct words"]
) -> Float[Tensor, " words"]:
    """Cochran's Q (1954): p-value of distinct outputs having one score, given their errors."""
    from scipy.special import chdtrc

    exact = (noise == 0).any(0)
    weight = torch.where(noise == 0, 1.0, 1 / noise.clamp_min(1e-300))
    middle = (weight * scores).sum(0) / weight.sum(0)
    q = (weight * (scores - middle).square()).sum(0)
    p_value = torch.from_numpy(chdtrc(max(len(scores) - 1, 1), q.numpy()))
    differs = (scores != scores[:1]).any(0)
    return torch.where(exact, torch.where(differs, 0.0, 1.0).double(), p_value)


def _verdicts(
    mean: Tensor, stderr: Tensor, spread: Tensor, p_value: Tensor, small: Tensor, drawn: int
) -> tuple[Verdict, ...]:
    factor = interval_factor(0.95, drawn - 1)
    another = factor * (spread + stderr.square()).sqrt()
    found: list[Verdict] = []
    for word in range(len(mean)):
        size = abs(float(mean[word]))
        if bool(small[word]):
            found.append("nothing")
        elif size > float(another[word]):
            found.append("stable")
        elif size > factor * float(stderr[word]):
            found.append("on average")
        elif float(spread[word]) > 0 and float(p_value[word]) <= 0.05:
            found.append("varies")
        else:
            found.append("unclear")
    return tuple(found)
