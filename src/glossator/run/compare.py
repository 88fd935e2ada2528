"""Compare methods on one question, over one table of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import InputError
from glossator.evaluation.agreement import Between, mean_likeness
from glossator.evaluation.likeness_measures import spearman, top_overlap
from glossator.model import Model
from glossator.registry import METHODS, Method
from glossator.run.explain import Prompt, inquire
from glossator.types import Explanation


@dataclass(frozen=True, eq=False)
class Comparison:
    """Several methods' answers to one question.

    Attributes:
        explanations: one per method, in the order asked for.
        rank_agreement: [methods methods] Spearman correlation of two methods' scores over the
            units of a target, averaged over targets with at least three defined scores.
        top_agreement: [methods methods] share of the `top` largest scores, by size, in common,
            averaged over the same targets.
        top: how many units count as the top.
    """

    explanations: tuple[Explanation, ...]
    rank_agreement: Float[Tensor, "methods methods"]
    top_agreement: Float[Tensor, "methods methods"]
    top: int


def compare(
    prompt: Prompt,
    model: Model | str | Path | None = None,
    *,
    methods: Sequence[str],
    removal: str | None = None,
    samples: int | None = None,
    precision: float | None = None,
    top: int = 3,
    **asked: Any,
) -> Comparison:
    """Explain by several methods that share one generation and one table of values.

    Args:
        prompt, model, removal: as in `explain`.
        methods: names of registered methods, at least two.
        samples, precision: given to those methods that sample.
        top: how many units count as the top of a target.
        asked: further arguments of `inquire`.

    Raises:
        InputError: fewer than two methods, or as `explain`.

    Example:
        >>> found = compare("Mia and Tom went to the park. Tom gave the kite to",
        ...                 methods=["leave_one_out", "input_x_gradient"], max_new_tokens=1)
        >>> found.rank_agreement.shape
        torch.Size([2, 2])
    """
    if len(methods) < 2:
        raise InputError(f"got {len(methods)} method(s) to compare: name at least two")
    chosen = [METHODS.get(name) for name in methods]
    inquiry = inquire(prompt, model, **asked)
    explanations = []
    for method in chosen:
        baseline, options = fitting(method, removal, samples, precision)
        explanations.append(inquiry.run(method.name, baseline, options))
    ranks = _agreement(explanations, spearman, top)
    tops = _agreement(explanations, top_overlap, top)
    return Comparison(tuple(explanations), ranks, tops, top)


def fitting(
    method: Method, removal: str | None, samples: int | None, precision: float | None
) -> tuple[str | None, dict[str, Any]]:
    """What of a request to several methods one of them can take: its removal and its options.

    A method on a tape needs an absent unit to have an embedding: it keeps its default where words
    are dropped. Methods that do not sample take no number of samples and no precision.
    """
    embedding = removal is not None and removal.startswith(("token:", "embedding:"))
    asked = {"samples": samples, "precision": precision} if method.sampled else {}
    options = {
        name: value
        for name, value in asked.items()
        if value is not None and name in method.parameters
    }
    return removal if embedding or method.needs != "tape" else None, options


def _agreement(
    explanations: Sequence[Explanation], measure: Between, top: int
) -> Float[Tensor, "methods methods"]:
    table = torch.eye(len(explanations), dtype=torch.float64)
    for i, first in enumerate(explanations):
        for j, second in enumerate(explanations[:i]):
            both = (first.scores, second.scores)
            table[i, j] = table[j, i] = mean_likeness(*both, measure, top)
    return table
