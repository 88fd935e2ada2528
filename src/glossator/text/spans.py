"""Spans that the user gave, as tokens."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from glossator.errors import InputError
from glossator.text.decode import trim
from glossator.text.encode import Encoded
from glossator.text.words import Span


def owners_of(encoded: Encoded, spans: Sequence[Span]) -> list[int | None]:
    """For each token, the number of the span that it belongs to, in order of the text.

    White-space tokens go with what follows them. None for tokens outside of all spans.

    Args:
        encoded: the text.
        spans: (start, end) characters; a token belongs to the span that any of it is in.

    Raises:
        InputError: spans that overlap, leave the text, are blank, share a token, cover a fixed
            token, or cross from the prompt to the continuation.
    """
    owners: list[int | None] = [None] * len(encoded.ids)
    trimmed = [trim(encoded.text, *span) for span in encoded.offsets]
    solid = [i for i, (start, end) in enumerate(trimmed) if start < end]
    starts, ends = [trimmed[i][0] for i in solid], [trimmed[i][1] for i in solid]
    for number, (start, end) in enumerate(_checked(encoded.text, spans)):
        what = f"span ({start}, {end}) {encoded.text[start:end]!r}"
        touched = solid[bisect_right(ends, start) : bisect_left(starts, end)]
        if not touched:
            raise InputError(f"{what} has no tokens but white space: give one with words")
        taken = range(touched[0], touched[-1] + 1)
        if any(encoded.fixed[i] for i in taken):
            raise InputError(f"{what} covers a special or template token: leave it out")
        if taken[0] < encoded.prompt_length <= taken[-1]:
            raise InputError(f"{what} crosses from the prompt to the continuation: split it there")
        if any(owners[i] is not None for i in taken):
            raise InputError(f"{what} shares a token with the span before it: join them")
        owners[taken.start : taken.stop] = [number] * len(taken)
    return _with_white_space(encoded, owners)


def _checked(text: str, spans: Sequence[Span]) -> list[Span]:
    """The spans in order.

    Raises:
        InputError: none, one that is empty or leaves the text, or two that overlap.
    """
    if not spans:
        raise InputError("no spans: give at least one (start, end), or leave spans out")
    ordered = sorted((start, end) for start, end in spans)
    for start, end in ordered:
        if not 0 <= start < end <= len(text):
            raise InputError(
                f"span ({start}, {end}) is not in the text: "
                f"expected 0 <= start < end <= {len(text)}"
            )
    for (a, b), (c, d) in zip(ordered, ordered[1:], strict=False):
        if c < b:
            raise InputError(f"spans ({a}, {b}) and ({c}, {d}) overlap: make them disjoint")
    return ordered


def _with_white_space(encoded: Encoded, owners: list[int | None]) -> list[int | None]:
    """Give white-space tokens to the owner of what follows in their part, else of what precedes."""
    blank = [trim(encoded.text, *span) for span in encoded.offsets]
    free = [
        start == end and owner is None and not fixed
        for (start, end), owner, fixed in zip(blank, owners, encoded.fixed, strict=True)
    ]
    size = len(owners)
    for tokens, step in ((range(size - 2, -1, -1), 1), (range(1, size), -1)):
        for i in tokens:
            apart = encoded.prompt_length == max(i, i + step)
            if free[i] and not apart and not encoded.fixed[i + step]:
                owners[i] = owners[i + step]
                free[i] = free[i + step]
    return owners
