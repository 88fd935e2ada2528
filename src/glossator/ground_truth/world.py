"""Held-out prompts of the small world that the bundled model speaks about."""

from __future__ import annotations

from glossator.ground_truth.known import Known, continued_by
from glossator.miniature import generate


def world_texts(phenomenon: str, n: int, seed: int = 0) -> list[Known]:
    """Prompts of one phenomenon, with the words without which the answer is not determined.

    Args:
        phenomenon: one of `glossator.miniature.phenomena()`.
        n: how many. seed: the same seed gives the same prompts.

    Example:
        >>> item = world_texts("colour", 1)[0]
        >>> item.answer[1:] in item.decisive_words
        True
    """
    return [
        Known(item.prompt, item.answer, item.decisive, continued_by(item.answer))
        for item in generate(phenomenon, n, seed=seed)
    ]
