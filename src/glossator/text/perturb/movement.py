"""Movement: the same words in another order."""

from __future__ import annotations

from itertools import pairwise

from glossator.text.alignment import Place
from glossator.text.perturb.lexicon import PLURAL, PREPOSITIONS, SINGULAR
from glossator.text.perturb.pair import Pair
from glossator.text.sentences import sentences
from glossator.text.words import Span, words

ENDS = (".", "!", "?", "…", "。", "！", "？")


def move(text: str) -> list[Pair]:
    """A pair for each two neighbours that can change places.

    Neighbours are two complete sentences, or two names or nouns joined by "and" or "or" that no
    preposition governs. A place of the pair is a moved word, from where it stood to where it
    stands.

    Example:
        >>> [pair.perturbed for pair in move("Mia and Tom ran. It was hot. Mia is")]
        ['It was hot. Mia and Tom ran. Mia is', 'Tom and Mia ran. It was hot. Mia is']
    """
    return [_swapped(text, *pair) for pair in (*_neighbouring_sentences(text), *_joined(text))]


def _neighbouring_sentences(text: str) -> list[tuple[Span, Span]]:
    complete = [span for span in sentences(text) if text[slice(*span)].endswith(ENDS)]
    return [
        (one, other)
        for one, other in pairwise(complete)
        if text[slice(*one)] != text[slice(*other)]
    ]


def _joined(text: str) -> list[tuple[Span, Span]]:
    spans = words(text)
    said = [text[start:end] for start, end in spans]
    return [
        (spans[i - 1], spans[i + 1])
        for i in range(1, len(spans) - 1)
        if said[i] in ("and", "or")
        and said[i - 1] != said[i + 1]
        and _alike(said[i - 1], said[i + 1])
        and (i < 2 or said[i - 2].lower() not in PREPOSITIONS)
    ]


def _alike(one: str, other: str) -> bool:
    """Two names, or two nouns of the lexicon."""
    if one.istitle() and other.istitle():
        return True
    return all(word in PLURAL or word in SINGULAR for word in (one, other))


def _swapped(text: str, one: Span, other: Span) -> Pair:
    between = text[one[1] : other[0]]
    head, tail = text[: one[0]], text[other[1] :]
    perturbed = head + text[slice(*other)] + between + text[slice(*one)] + tail
    back, forth = one[0] - other[0], other[1] - one[1]
    places: list[Place] = []
    for start, end in words(text):
        for span, shift in ((one, forth), (other, back)):
            if span[0] <= start and end <= span[1]:
                places.append(((start, end), (start + shift, end + shift)))
    return Pair(text, perturbed, "move", tuple(places), "same")
