"""Recovery: does an explanation find the words that are known to decide, and leave the rest alone?

The decisive words and the rest are scored apart, for it is of the decisive words only that the
truth is known: a word of the rest may have some little effect on a real model, rightly shown.

Scores that differ by less than a millionth of the largest size are tied, and ties count for what
an order drawn at random among them is worth: an explanation of zeros gets what chance gets.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

_TIE = 1e6

_Score = Callable[[Bool[Tensor, " words"], Float[Tensor, " words"]], float]


def precision_at_k(
    decisive: Bool[Tensor, "targets players"], scores: Float[Tensor, "targets players"]
) -> Float[Tensor, " targets"]:
    """Share of the k highest scores that are of decisive words, k being how many there are.

    Args:
        decisive: the words that decide.
        scores: signed: a word that decides the answer raises it. NaN where a word cannot act.

    Returns:
        [targets], 0 to 1, 1 = all are found; NaN where no decisive word can act on the target.

    Source: Bastings et al. 2022, arXiv 2111.07367, section 4, with ties as said above.

    Example:
        >>> decisive = torch.tensor([[True, False, False]])
        >>> precision_at_k(decisive, torch.tensor([[2.0, 1.0, 2.0]]))
        tensor([0.5000], dtype=torch.float64)
    """
    return _by_target(_precision, decisive, scores)


def first_hit(
    decisive: Bool[Tensor, "targets players"], scores: Float[Tensor, "targets players"]
) -> Float[Tensor, " targets"]:
    """Whether the word of highest score decides; among tied ones, the share that do.

    Args:
        decisive, scores: as in `precision_at_k`.

    Returns:
        [targets], 0 to 1, higher is better; NaN as in `precision_at_k`.

    Example:
        >>> first_hit(torch.tensor([[True, True, False]]), torch.tensor([[0.0, 3.0, 1.0]]))
        tensor([1.], dtype=torch.float64)
    """
    return _by_target(_first, decisive, scores)


def mass_on_rest(
    decisive: Bool[Tensor, "targets players"], scores: Float[Tensor, "targets players"]
) -> Float[Tensor, " targets"]:
    """Share of the sizes of all scores that words have which do not decide.

    Args:
        decisive, scores: as in `precision_at_k`; here the signs do not count.

    Returns:
        [targets], 0 to 1, lower is better. Where all scores are 0, the share of words that do
        not decide, as if all had the same size; NaN as in `precision_at_k`.

    Example:
        >>> mass_on_rest(torch.tensor([[True, False]]), torch.tensor([[3.0, -1.0]]))
        tensor([0.2500], dtype=torch.float64)
    """
    return _by_target(_rest, decisive, scores)


def shapley_error(
    exact: Float[Tensor, "targets players"], scores: Float[Tensor, "targets players"]
) -> Float[Tensor, " targets"]:
    """How far scores are from the exact Shapley values: sum |score - exact| / sum |exact|.

    Args:
        exact: the true values, NaN where they are not known.
        scores: in the same unit.

    Returns:
        [targets], 0 = exact; 1 is what an explanation of zeros gets. NaN where a target has no
        exact values, or where all of them are 0.

    Example:
        >>> shapley_error(torch.tensor([[5.0, 5.0, 0.0]]), torch.tensor([[4.0, 5.0, 1.0]]))
        tensor([0.2000], dtype=torch.float64)
    """
    found = []
    for truth, row in zip(exact.double(), scores.double(), strict=True):
        both = ~(truth.isnan() | row.isnan())
        size = float(truth[both].abs().sum())
        found.append(float((row - truth)[both].abs().sum()) / size if size else math.nan)
    return torch.tensor(found, dtype=torch.float64)


def _by_target(
    score: _Score,
    decisive: Bool[Tensor, "targets players"],
    scores: Float[Tensor, "targets players"],
) -> Float[Tensor, " targets"]:
    found = []
    for marked, row in zip(decisive, scores.double(), strict=True):
        own = ~row.isnan()
        marked, row = marked[own], row[own]
        found.append(score(marked, row) if marked.any() else math.nan)
    return torch.tensor(found, dtype=torch.float64)


def _settled(row: Float[Tensor, " words"]) -> Float[Tensor, " words"]:
    """Scores in parts of the largest size, without the digits in which ties differ."""
    size = row.abs().max()
    return (row / size * _TIE).round() if size else row


def _precision(marked: Bool[Tensor, " words"], row: Float[Tensor, " words"]) -> float:
    row, k = _settled(row), int(marked.sum())
    last = row.sort(descending=True).values[k - 1]
    above, tied = row > last, row == last
    places = k - int(above.sum())  # what is left for those that are tied
    hits = int((above & marked).sum()) + places * int((tied & marked).sum()) / int(tied.sum())
    return hits / k


def _first(marked: Bool[Tensor, " words"], row: Float[Tensor, " words"]) -> float:
    row = _settled(row)
    return float(marked[row == row.max()].double().mean())


def _rest(marked: Bool[Tensor, " words"], row: Float[Tensor, " words"]) -> float:
    total = row.abs().sum()
    return float(row[~marked].abs().sum() / total if total else (~marked).double().mean())
