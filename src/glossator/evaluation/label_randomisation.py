"""Label randomisation: a model that learnt shuffled labels must have other explanations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import InputError
from glossator.evaluation.agreement import likeness

Trained = TypeVar("Trained")
Label = TypeVar("Label")


def label_randomisation(
    train: Callable[[Sequence[str], Sequence[Label]], Trained],
    explain: Callable[[Trained, str], Float[Tensor, " words"]],
    texts: Sequence[str],
    labels: Sequence[Label],
    *,
    asked: Sequence[str] | None = None,
    generator: torch.Generator,
) -> Float[Tensor, " asked"]:
    """Train twice, on the labels and on the same labels shuffled, and compare the explanations.

    Source: Adebayo et al. 2018, Sanity Checks for Saliency Maps, arXiv 1810.03292, section 4.

    Args:
        train: makes a model of texts and labels.
        explain: the scores of a text's words.
        texts, labels: to train on.
        asked: texts to explain; None: those of the training.
        generator: of the shuffle.

    Returns:
        Spearman's rank correlation for each text asked; near 0 = the scores depend on what was
        there to be learnt, near 1 = they do not. NaN where fewer than 3 words have scores.

    Raises:
        InputError: all labels are the same, so that shuffling changes nothing.

    Example:
        >>> def lengths(model, text):  # looks at the text alone: fails the test
        ...     return torch.tensor([float(len(word)) for word in text.split()])
        >>> found = label_randomisation(lambda texts, labels: None, lengths,
        ...     ["a bad film", "so very fine"], [0, 1], generator=torch.Generator())
        >>> found.round(decimals=6)
        tensor([1., 1.], dtype=torch.float64)
    """
    if len(set(labels)) < 2:
        raise InputError("all labels are the same: shuffling them changes nothing")
    order = torch.randperm(len(labels), generator=generator).tolist()
    learnt = train(texts, labels)
    shuffled = train(texts, [labels[i] for i in order])
    found = [likeness(explain(learnt, text), explain(shuffled, text)) for text in asked or texts]
    return torch.tensor(found, dtype=torch.float64)
