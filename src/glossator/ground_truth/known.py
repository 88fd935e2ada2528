"""A text whose decisive words are known, as every set of such texts gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Span = tuple[int, int]


@dataclass(frozen=True)
class Known:
    """A text whose decisive words are known.

    Attributes:
        prompt: the text.
        answer: what a model must say for the decisive words to be what decides: the beginning of
            its continuation, or its class.
        decisive: characters of the words of `prompt` that decide, in order.
        asked: further arguments of `glossator.explain` that ask for the answer.
        shapley: the exact Shapley value of each word of the prompt, in order, for the readout
            asked and the removal `embedding:zero`; empty where it is not known.
        instead: other answers, of which each must be less likely than `answer`; where there are
            none, the answer must be the likeliest of all.

    Example:
        >>> item = Known("a red cup", " red", ((2, 5),), {"continuation": " red"})
        >>> item.decisive_words
        ('red',)
    """

    prompt: str
    answer: str
    decisive: tuple[Span, ...]
    asked: Mapping[str, Any] = field(default_factory=dict)
    shapley: tuple[float, ...] = ()
    instead: tuple[str, ...] = ()

    @property
    def decisive_words(self) -> tuple[str, ...]:
        """The decisive words in reading order."""
        return tuple(self.prompt[start:end] for start, end in self.decisive)


def continued_by(answer: str, **more: Any) -> dict[str, Any]:
    """What to ask for an answer that continues the text: all of it, as one target."""
    return {"continuation": answer, "target_units": "sequence", **more}


def spans_of(words: Sequence[str]) -> tuple[Span, ...]:
    """Characters of words that are joined by single spaces.

    Example:
        >>> spans_of(["a", "red", "cup"])
        ((0, 1), (2, 5), (6, 9))
    """
    spans: list[Span] = []
    start = 0
    for word in words:
        spans.append((start, start + len(word)))
        start += len(word) + 1
    return tuple(spans)
