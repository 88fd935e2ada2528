"""Cutting a text into units: the spans that are kept or removed as one.

A unit is a union of words (or tokens, or sentences) that is closed under tokens: a token that
spans two words makes them one unit, tokens that share a character stay together, and white
space goes with what follows it. So every token belongs to exactly one unit, and removing a
unit removes whole tokens. No unit crosses from the prompt to the continuation.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

from glossator.errors import UnknownName
from glossator.text.decode import trim
from glossator.text.encode import Encoded
from glossator.text.sentences import sentences
from glossator.text.spans import owners_of
from glossator.text.words import Span, words
from glossator.types import Unit

KINDS = ("tokens", "words", "sentences")


def cut(
    encoded: Encoded, kind: str = "words", spans: Sequence[Span] | None = None
) -> tuple[Unit, ...]:
    """The units of a text, in order; their tokens, joined, are its ids.

    Args:
        encoded: a prompt, with or without its continuation.
        kind: "tokens", "words" (UAX #29; punctuation marks are units too) or "sentences".
        spans: character spans of the text (documents, phrases): these become the players,
            one unit each, widened to whole tokens; everything else is cut by `kind` and held
            fixed.

    Returns:
        Units with their characters trimmed of white space. Special and template tokens are
        units of their own, not players.

    Raises:
        UnknownName: no such kind.
        InputError: spans that overlap, leave the text, are blank, share a token, cover a fixed
            token, or cross from the prompt to the continuation.
    """
    if kind not in KINDS:
        raise UnknownName("unit kind", kind, KINDS)
    owners = [None] * len(encoded.ids) if spans is None else owners_of(encoded, spans)
    return tuple(
        _unit(encoded, first, stop, player=player and (spans is None or owner is not None))
        for first, stop, owner, player in _runs(encoded, owners)
        for first, stop in (
            _closed(encoded, first, stop, kind) if player and owner is None else [(first, stop)]
        )
    )


def boundaries(units: Sequence[Unit]) -> tuple[Span, ...]:
    """(first, stop) token index of each unit.

    Example:
        >>> boundaries((Unit("Hi", 0, 2, (7, 8), True, "prompt"),
        ...             Unit("!", 2, 3, (5,), True, "prompt")))
        ((0, 2), (2, 3))
    """
    found: list[Span] = []
    for unit in units:
        first = found[-1][1] if found else 0
        found.append((first, first + len(unit.tokens)))
    return tuple(found)


def shown(encoded: Encoded, first: int, stop: int) -> tuple[str, int, int]:
    """The characters of some tokens, and where they start and end.

    Trimmed of white space unless there is nothing else; where there are no characters at all,
    the tokens' names in the vocabulary, at an empty span.
    """
    start, end = encoded.offsets[first][0], encoded.offsets[stop - 1][1]
    inner = trim(encoded.text, start, end)
    if inner[0] < inner[1]:
        start, end = inner
    return encoded.text[start:end] or "".join(encoded.names[first:stop]), start, end


def _unit(encoded: Encoded, first: int, stop: int, *, player: bool) -> Unit:
    text, start, end = shown(encoded, first, stop)
    part: Literal["prompt", "continuation"] = (
        "prompt" if first < encoded.prompt_length else "continuation"
    )
    return Unit(text, start, end, encoded.ids[first:stop], player, part)


def _runs(
    encoded: Encoded, owners: Sequence[int | None]
) -> Iterator[tuple[int, int, int | None, bool]]:
    """Longest runs of tokens of one part and one owner: (first, stop, owner, free to move)."""

    def key(i: int) -> tuple[bool, int | None, int | None]:
        return i < encoded.prompt_length, i if encoded.fixed[i] else None, owners[i]

    for (_, fixed, owner), run in groupby(range(len(encoded.ids)), key):
        tokens = list(run)
        yield tokens[0], tokens[-1] + 1, owner, fixed is None


def _closed(encoded: Encoded, first: int, stop: int, kind: str) -> list[Span]:
    """Token spans of the units in a run: segments joined wherever a token touches two."""
    visible = [trim(encoded.text, *span) for span in encoded.offsets[first:stop]]
    segments = _segments(encoded, visible, kind, encoded.offsets[first][0])
    starts, ends = [start for start, _ in segments], [end for _, end in segments]
    bounds: list[int] = []  # where a unit stops
    reached = -1  # last segment that the current unit touches
    solid = first  # end of the last token that is not blank
    for i, (start, end) in enumerate(visible, first):
        low, high = bisect_right(ends, start), bisect_left(starts, end) - 1
        if start == end or low > high:
            continue  # white space
        if low > reached and reached >= 0:
            bounds.append(solid)
        reached, solid = max(reached, high), i + 1
    return list(zip([first, *bounds], [*bounds, stop], strict=True))


def _segments(encoded: Encoded, visible: Sequence[Span], kind: str, start: int) -> list[Span]:
    """What the text of a run is cut into, before tokens are heeded."""
    if kind == "tokens":
        return _merged(visible)
    end = max((stop for _, stop in visible), default=start)
    find = words if kind == "words" else sentences
    return [(start + a, start + b) for a, b in find(encoded.text[start:end])]


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Spans with those that share a character joined, empty ones dropped."""
    merged: list[Span] = []
    for start, end in spans:
        if start == end:
            continue
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
