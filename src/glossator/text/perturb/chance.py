"""Random changes of a text, against which a change made on purpose is held."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice

import numpy as np

from glossator.text.words import Span, words


def changed_at_random(
    text: str,
    vocabulary: Sequence[str],
    count: int,
    *,
    spared: Sequence[Span] = (),
    generator: np.random.Generator,
) -> list[str]:
    """The text with a random word of a vocabulary in the place of a random one of its own.

    Args:
        text: the original.
        vocabulary: words to draw from; capitals stay where they were.
        count: how many changed texts.
        spared: characters that stay as they are.
        generator: draws the place and the word.

    Returns:
        Fewer texts, or none, where no word can be changed.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> changed_at_random("Tom ran", ["Mia", "sat", "ran"], 2, spared=[(0, 3)], generator=rng)
        ['Tom sat', 'Tom sat']
    """
    free = [
        (start, end)
        for start, end in words(text)
        if text[start:end].isalpha()
        and not any(start < stop and begin < end for begin, stop in spared)
    ]
    pools = {
        capital: [word for word in vocabulary if word[0].isupper() == capital]
        for capital in (False, True)
    }
    texts = []
    for _ in range(count if free else 0):
        start, end = free[generator.integers(len(free))]
        pool = pools[text[start].isupper()]
        pick, old = int(generator.integers(max(len(pool), 1))), text[start:end].casefold()
        others = (word for word in chain(pool[pick:], pool[:pick]) if word.casefold() != old)
        texts += [text[:start] + word + text[end:] for word in islice(others, 1)]
    return texts
