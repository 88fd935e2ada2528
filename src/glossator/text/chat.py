"""A conversation as a prompt: the tokenizer's chat template around the messages.

What people and models said are players; what the template wrote is held fixed.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jinja2.exceptions import TemplateError

from glossator.errors import InputError
from glossator.text.encode import Encoded, assemble, check_text, tokenize
from glossator.text.tokenizer import Tokenizer
from glossator.text.words import Span

_MARK = re.compile("\ue000([0-9]+)\ue001")  # private-use characters: in no template


def encode_chat(tokenizer: Tokenizer, messages: Sequence[Mapping[str, str]]) -> Encoded:
    """Encode a conversation once, up to where the model's answer begins.

    Args:
        tokenizer: one with a chat template.
        messages: each with "role" and "content".

    Returns:
        The rendered conversation; tokens of the template are fixed.

    Raises:
        InputError: no template, no messages, or a template that refuses or rewrites them.
    """
    if getattr(tokenizer, "chat_template", None) is None:
        raise InputError(
            "this tokenizer has no chat template: give the prompt as plain text (without --chat)"
        )
    contents = _contents(messages)
    text = check_text(_render(tokenizer, messages), "rendered conversation")
    marked = [
        {**message, "content": f"\ue000{i}\ue001" if contents[i] else ""}
        for i, message in enumerate(messages)
    ]
    said = _content_spans(text, _render(tokenizer, marked), contents)
    pieces = tokenize(tokenizer, text, special=False)
    encoded = assemble(tokenizer, text, pieces.ids, pieces.offsets, pieces.added)
    ours = _owned(text, said)
    fixed = tuple(
        fixed or not _is_ours(text, ours, span)
        for fixed, span in zip(encoded.fixed, encoded.offsets, strict=True)
    )
    return dataclasses.replace(encoded, fixed=fixed)


def _contents(messages: Sequence[Mapping[str, str]]) -> list[str]:
    if not messages:
        raise InputError('there are no messages: give [{"role": "user", "content": "..."}]')
    for i, message in enumerate(messages):
        if not isinstance(message.get("role"), str) or not isinstance(message.get("content"), str):
            raise InputError(
                f"message {i} is {dict(message)!r}: "
                'expected {"role": "user", "content": "..."} with both as text'
            )
    return [message["content"] for message in messages]


def _render(tokenizer: Any, messages: Sequence[Mapping[str, str]]) -> str:
    try:
        text: str = tokenizer.apply_chat_template(
            [dict(message) for message in messages], add_generation_prompt=True, tokenize=False
        )
    except TemplateError as error:
        raise InputError(f"the chat template refuses these messages: {error}") from None
    return text


def _content_spans(text: str, marked: str, contents: Sequence[str]) -> list[Span]:
    """Where each message stands in the rendered text, found between the template's own pieces."""
    first, *rest = _MARK.split(marked)
    if not text.startswith(first):
        raise _rewritten()
    spans, at = [], len(first)
    for index, piece in zip(rest[::2], rest[1::2], strict=True):
        content = contents[int(index)]
        ways = (content, content.strip(), content.lstrip(), content.rstrip())
        shown = next((way for way in ways if text.startswith(way + piece, at)), None)
        if shown is None:
            raise _rewritten()
        spans.append((at, at + len(shown)))
        at += len(shown) + len(piece)
    if at != len(text):
        raise _rewritten()
    return spans


def _rewritten() -> InputError:
    return InputError(
        "the chat template changes what the messages say, so their words cannot be found in it: "
        "give the rendered conversation as a plain prompt"
    )


def _owned(text: str, said: Sequence[Span]) -> bytearray:
    """1 for each character that a message wrote, 0 for the template's."""
    ours = bytearray(len(text))
    for start, end in said:
        ours[start:end] = b"\1" * (end - start)
    return ours


def _is_ours(text: str, ours: bytearray, span: Span) -> bool:
    """Whether a token has a message's characters, and none but white space of the template."""
    places = range(*span)
    return any(ours[i] for i in places) and all(ours[i] or text[i].isspace() for i in places)
