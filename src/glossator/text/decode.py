"""Which characters each token wrote, found by decoding the ids step by step.

Fast tokenizers tell this for a text they encoded. For ids that a model generated, and for slow
tokenizers, nobody does.
"""

from __future__ import annotations

import os.path
import unicodedata
from collections.abc import Sequence

from glossator.text.tokenizer import Tokenizer, literal, special_ids
from glossator.text.words import Span

_CONTEXT = 8  # tokens decoded before the first, so that its leading space shows
_PATIENCE = 64  # tokens without a whole character after which the text is taken as it is
_REACH = 32  # characters searched for one that a tokenizer may have dropped text before
_BROKEN = "\ufffd"


def decode_spans(
    tokenizer: Tokenizer, ids: Sequence[int], prefix_ids: Sequence[int] = ()
) -> tuple[str, tuple[Span, ...]]:
    """The text that ids add to the text of a prefix, and the characters of each token in it.

    Tokens that write one character together (bytes of an emoji) all carry its span. A special
    token writes nothing: its span is empty, at its place. Costs two short decodings a token.

    Args:
        tokenizer: fast or slow.
        ids: the tokens to decode.
        prefix_ids: the tokens before them.

    Returns:
        The text, and for each token (start, end) in it; starts and ends never decrease.
    """
    special = special_ids(tokenizer)
    before = [token for token in prefix_ids if token not in special]
    writer = _Writer(tokenizer, context(tokenizer, before))
    for token in ids:
        if token in special:
            writer.commit()
            writer.spans.append((len(writer.text), len(writer.text)))
        else:
            writer.add(token)
    writer.commit()
    return writer.text, tuple(writer.spans)


class _Writer:
    """Text written so far; tokens wait in `pending` until they decode to whole characters."""

    def __init__(self, tokenizer: Tokenizer, window: list[int]) -> None:
        self.text = ""
        self.spans: list[Span] = []
        self._tokenizer = tokenizer
        self._look_at(window)

    def _look_at(self, window: list[int]) -> None:
        self._window = window
        self._pending: list[int] = []
        self._partial = [literal(self._tokenizer, window)]  # the text before, then after each

    def add(self, token: int) -> None:
        self._pending.append(token)
        self._partial.append(literal(self._tokenizer, self._window + self._pending))
        longer = len(self._partial[-1]) > len(self._partial[0])
        if longer and not self._partial[-1].endswith(_BROKEN) or len(self._pending) >= _PATIENCE:
            self.commit()

    def commit(self) -> None:
        """Write what the pending tokens say; they become the window of the next."""
        if not self._pending:
            return
        if not self._partial[-1].startswith(self._partial[0]):
            # A broken byte can spoil the bytes before it: decode the pending tokens alone.
            taken = range(len(self._pending) + 1)
            self._partial = [literal(self._tokenizer, self._pending[:n]) for n in taken]
        before, final = len(self._partial[0]), self._partial[-1]
        shift = len(self.text) - before
        for previous, partial in zip(self._partial, self._partial[1:], strict=False):
            start = max(before, len(os.path.commonprefix([previous, final])))
            self.spans.append((shift + start, shift + max(start, min(len(partial), len(final)))))
        self.text += final[before:]
        window, pending = self._window, self._pending
        self._look_at(pending)
        if not self._partial[0]:  # nothing to see yet: keep looking further back
            self._look_at(window + pending)


def context(tokenizer: Tokenizer, ids: Sequence[int]) -> list[int]:
    """The last tokens of a prefix, from a place where a character begins."""
    size = _CONTEXT
    while size < len(ids):
        text = literal(tokenizer, ids[-size:])
        if text and not text.startswith(_BROKEN):
            break
        size *= 2
    return list(ids[-size:])


def align(text: str, decoded: str, spans: Sequence[Span]) -> tuple[Span, ...]:
    """Carry spans over from what a tokenizer makes of a text to the text itself.

    Most tokenizers give the text back; those that lower-case it, strip accents or move spaces
    are followed character by character. A token that wrote nothing (an unknown one) carries
    what lies between its neighbours.

    Args:
        text: what was encoded.
        decoded: what decoding gave.
        spans: of the tokens, in `decoded`.

    Returns:
        The spans in `text`.

    Example:
        >>> align("Née  Ø!", "nee !", ((0, 3), (3, 3), (3, 5)))
        ((0, 3), (5, 6), (6, 7))
    """
    if text == decoded:
        return tuple(spans)
    place = _places(text, decoded)
    found = [
        (place[start], place[end - 1] + 1) if start < end else None
        for start, end in (trim(decoded, *span) for span in spans)
    ]
    afters, after = [], len(text)  # where the next token that wrote something begins
    for span in reversed(found):
        afters.append(after)
        after = span[0] if span else after
    aligned, before = [], 0
    for span, after in zip(found, reversed(afters), strict=True):
        aligned.append(span or trim(text, before, max(before, after)))
        before = max(before, span[1]) if span else before
    return tuple(aligned)


def trim(text: str, start: int, end: int) -> Span:
    """A span without the white space at its ends; empty, at its end, when there is no more.

    Example:
        >>> trim("a  dog ", 1, 7), trim("a   ", 1, 4)
        ((3, 6), (4, 4))
    """
    piece = text[start:end]
    left = len(piece) - len(piece.lstrip())
    return start + left, max(start + left, end - len(piece) + len(piece.rstrip()))


def _places(text: str, decoded: str) -> list[int]:
    """For each character of `decoded`, the place in `text` where it most likely stands."""
    folded = [_fold(character) for character in text]
    places, at = [], 0
    for character in decoded:
        if not character.isspace():  # a space may stand for a line break, or for nothing
            reach = range(at, min(at + _REACH, len(text)))
            here = next((place for place in reach if folded[place] == _fold(character)), None)
            at = at if here is None else here + 1
        places.append(max(at - 1, 0))
    return places


def _fold(character: str) -> str:
    """The character without case and accents."""
    return unicodedata.normalize("NFKD", character.casefold())[:1]
