"""Which words an explanation names: the k largest, a share of all scores, or the significant ones.

A threshold turns signed scores into a choice. Significance against the noise floor is the one to
take unless another is asked for: it may name no word at all, which the other two cannot.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.errors import InputError
from glossator.evaluation.paired import holm


def top_k(
    scores: Float[Tensor, "targets players"], k: int | Int[Tensor, " targets"]
) -> Bool[Tensor, "targets players"]:
    """The k words of largest score (signed), ties in reading order; all where there are fewer.

    Raises:
        InputError: k is below 0.

    Example:
        >>> top_k(torch.tensor([[0.5, -2.0, 1.0]]), 2)
        tensor([[ True, False,  True]])
    """
    if int(torch.as_tensor(k).amin()) < 0:
        raise InputError(f"the top k words are at least 0, got {k}")
    order = scores.nan_to_num(nan=-torch.inf).argsort(dim=1, descending=True, stable=True)
    many = k[:, None] if isinstance(k, Tensor) else k
    return (order.argsort(1) < many) & ~scores.isnan()


def top_mass(
    scores: Float[Tensor, "targets players"], share: float = 0.9
) -> Bool[Tensor, "targets players"]:
    """The fewest words whose scores, by size, make a share of all sizes; none where all are 0.

    Raises:
        InputError: the share is not between 0 and 1.

    Example:
        >>> top_mass(torch.tensor([[0.5, -4.0, 5.5]]), share=0.9)
        tensor([[False,  True,  True]])
    """
    if not 0 <= share <= 1:
        raise InputError(f"the share of the scores' mass is between 0 and 1, got {share}")
    size = scores.nan_to_num(nan=0.0).abs().double()
    sorted_, order = size.sort(dim=1, descending=True, stable=True)
    before = sorted_.cumsum(1) - sorted_  # the mass of those that are larger
    # Up to rounding, so that a share of 1 leaves words of score 0 out.
    wanted = share * size.sum(1, keepdim=True) * (1 - 1e-12)
    return torch.zeros_like(size).bool().scatter(1, order, (before < wanted) & (sorted_ > 0))


def significant(
    scores: Float[Tensor, "targets players"],
    stderr: Float[Tensor, "targets players"] | None = None,
    *,
    dof: int | None = None,
    floor: float = 0.0,
    level: float = 0.95,
) -> Bool[Tensor, "targets players"]:
    """The words whose score is further from 0 than noise explains.

    Args:
        scores: signed.
        stderr: standard errors; None: the scores are exact, and those beyond the floor count.
        dof: degrees of freedom of `stderr`; None: normal.
        floor: the size that scores of words without meaning reach, in the scores' unit.
        level: the chance that no word of a target is named wrongly (Holm's correction over its
            words).

    Returns:
        [targets players]; never True where a score is NaN.

    Raises:
        InputError: a floor below 0, or a level not between 0 and 1.

    Example:
        >>> scores, errors = torch.tensor([[2.0, 0.1, -1.5]]), torch.full((1, 3), 0.2)
        >>> significant(scores, errors)
        tensor([[ True, False,  True]])
    """
    if floor < 0 or not 0 < level < 1:
        raise InputError(f"got floor {floor} and level {level}: at least 0, and between 0 and 1")
    beyond = scores.abs().double() - floor
    if stderr is None:
        return beyond > 0
    p = _two_sided(beyond / stderr.double(), dof)
    p = torch.where(beyond > 0, p, 1.0)  # an error of 0 included: exact, or no effect at all
    named = torch.zeros_like(scores).bool()
    for target, own in enumerate(~scores.isnan()):
        named[target, own] = holm(p[target, own]) <= 1 - level
    return named


def _two_sided(
    ratio: Float[Tensor, "targets players"], dof: int | None
) -> Float[Tensor, "targets players"]:
    from scipy.special import ndtr, stdtr

    below = -ratio.nan_to_num(nan=0.0).abs().numpy()
    return torch.from_numpy(2 * (ndtr(below) if dof is None else stdtr(dof, below)))
