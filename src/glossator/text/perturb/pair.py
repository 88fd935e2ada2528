"""A text and a changed text: what was changed, where, and what is expected of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from glossator.errors import InputError
from glossator.text.alignment import Place

Expectation = Literal["same", "changes"]
EXPECTATIONS = get_args(Expectation)

Edit = tuple[int, int, str]
"""Characters from, to, and what is written there instead."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two texts that differ in one respect.

    Attributes:
        original, perturbed: the texts.
        kind: the type of the perturbation: "number", "near", or a name of the author's own.
        places: where they differ, in characters of each; empty: not known.
        expectation: what the perturbation should do to the model's prediction; None: nothing
            is declared.
        expected: the prediction that should follow, where it is declared.
        record: how the pair was made: radius, layer, prompt, author.

    Raises:
        InputError: texts that are the same, an expectation of no known kind, or places outside
            the texts.
    """

    original: str
    perturbed: str
    kind: str
    places: tuple[Place, ...] = ()
    expectation: Expectation | None = None
    expected: str | None = None
    record: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.original == self.perturbed:
            raise InputError(f"nothing was changed: both texts are {self.original!r}")
        if self.expectation is not None:
            expectation_named(self.expectation)
        if self.expected is not None and self.expectation != "changes":
            raise InputError("an expected prediction goes with the expectation 'changes'")
        for place in self.places:
            for (start, end), text in zip(place, (self.original, self.perturbed), strict=True):
                if not 0 <= start <= end <= len(text):
                    raise InputError(
                        f"the place {start}-{end} is not within the {len(text)} characters of "
                        f"{text!r}"
                    )


def expectation_named(name: Any) -> Expectation:
    """The expectation of that name.

    Raises:
        InputError: there is none.
    """
    for known in EXPECTATIONS:
        if name == known:
            found: Expectation = known
            return found
    raise InputError(f"got the expectation {name!r}: write {' or '.join(EXPECTATIONS)}")


def edited(
    text: str,
    edits: Sequence[Edit],
    kind: str,
    expectation: Expectation | None,
    record: Mapping[str, Any] | None = None,
) -> Pair:
    """The pair that some edits make of a text.

    Args:
        text: the original.
        edits: in order, not overlapping.
        kind, expectation, record: of the pair.

    Example:
        >>> edited("a dog is here", [(0, 1, "two"), (2, 5, "dogs")], "number", "changes").places
        (((0, 1), (0, 3)), ((2, 5), (4, 8)))
    """
    pieces: list[str] = []
    places: list[Place] = []
    done = length = 0
    for start, end, new in edits:
        length += start - done
        places.append(((start, end), (length, length + len(new))))
        pieces += [text[done:start], new]
        done, length = end, length + len(new)
    perturbed = "".join([*pieces, text[done:]])
    return Pair(text, perturbed, kind, tuple(places), expectation, None, record or {})


def in_case_of(word: str, old: str) -> str:
    """A word with a capital where the old one has one.

    Example:
        >>> in_case_of("she", "He"), in_case_of("she", "he")
        ('She', 'she')
    """
    return word[:1].upper() + word[1:] if old[:1].isupper() else word
