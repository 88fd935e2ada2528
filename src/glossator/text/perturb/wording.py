"""Other words in the place of some: near or far in meaning, given, or written by a model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import torch

from glossator.errors import InputError
from glossator.text.perturb.movement import ENDS
from glossator.text.perturb.pair import Expectation, Pair, edited
from glossator.text.sentences import sentences
from glossator.text.words import words


@runtime_checkable
class Neighbourhood(Protocol):
    """Words and how far they are from a word of a text."""

    @property
    def record(self) -> Mapping[str, Any]:
        """How distances are measured."""
        ...

    def __call__(self, text: str, start: int, end: int) -> list[tuple[str, float]]:
        """Candidates for the characters from start to end, each with its distance."""
        ...


@runtime_checkable
class Rewriting(Protocol):
    """Something that says a text in other words."""

    @property
    def record(self) -> Mapping[str, Any]:
        """What it is."""
        ...

    def __call__(self, text: str) -> str:
        """The text in other words."""
        ...


def replaced_at_distance(
    text: str,
    radius: str,
    neighbours: Neighbourhood,
    generator: torch.Generator,
    *,
    near: bool,
) -> list[Pair]:
    """A pair for each word: a word drawn evenly from those nearer, or farther, than a radius.

    Capitalised words are replaced by capitalised ones only, others by others. Words without a
    candidate are left out.

    Args:
        text: the original.
        radius: a number above 0, in the distance that `neighbours` measures.
        neighbours: candidates with their distance.
        generator: draws the replacement.
        near: below the radius, and the prediction should stay the same; else above, and it
            should change.

    Raises:
        InputError: a radius that is no positive number.
    """
    limit = _radius(radius)
    kind: str = "near" if near else "far"
    expectation: Expectation = "same" if near else "changes"
    pairs = []
    for start, end in words(text):
        word = text[start:end]
        if not word.isalpha():
            continue
        candidates = [
            (other, distance)
            for other, distance in neighbours(text, start, end)
            if (distance < limit if near else distance > limit)
            and other.casefold() != word.casefold()
            and other[:1].isupper() == word[:1].isupper()
        ]
        if not candidates:
            continue
        pick = int(torch.randint(len(candidates), (1,), generator=generator))
        other, distance = candidates[pick]
        record = {"radius": limit, "distance": distance, "candidates": len(candidates)}
        edits = [(start, end, other)]
        pairs.append(edited(text, edits, kind, expectation, record | dict(neighbours.record)))
    return pairs


def _radius(written: str) -> float:
    try:
        radius = float(written)
    except ValueError:
        radius = math.nan
    if not 0 < radius < math.inf:
        raise InputError(f"got the radius '{written}': write a number above 0, such as near:0.5")
    return radius


def replaced_phrase(text: str, change: str) -> list[Pair]:
    """P words by q others, at every place where they stand; nothing is expected of it.

    Args:
        text: the original.
        change: "OLD=NEW".

    Raises:
        InputError: a change of another form, or a phrase that is not in the text.

    Example:
        >>> [pair.perturbed for pair in replaced_phrase("Tom ran home", "ran=went on foot")]
        ['Tom went on foot home']
    """
    old, equals, new = change.partition("=")
    if not old or not equals:
        raise InputError(f"got the replacement '{change}': write replace:OLD=NEW")
    places = [i for i in range(len(text)) if text.startswith(old, i)]
    if not places:
        raise InputError(f"'{old}' is not in the text: choose words that are")
    return [edited(text, [(at, at + len(old), new)], "replace", None) for at in places]


def reformulated(text: str, rewriting: Rewriting) -> list[Pair]:
    """The complete sentences of a text in other words; what is left to be continued stays.

    Returns:
        One pair, or none where the text came back as it was, or empty.
    """
    spans = sentences(text)
    open_end = bool(spans) and not text[slice(*spans[-1])].endswith(ENDS)
    if len(spans) > 1 and open_end:
        begin = spans[-1][0]
        head, tail = text[:begin].rstrip(), text[len(text[:begin].rstrip()) :]
    else:
        head, tail = text, ""
    said = rewriting(head).strip()
    if not said or said == head.strip():
        return []
    record = dict(rewriting.record)
    return [Pair(text, said + tail, "reformulate", (), "same", None, record)]
