"""Spans that the user gave are the players; everything else is held fixed."""

from __future__ import annotations

import pytest
from transformers import PreTrainedTokenizerBase

from glossator.errors import InputError
from glossator.text import Encoded, continue_text, cut, encode

Tokenizers = dict[str, PreTrainedTokenizerBase]
TEXT = "Max was a dog.\nThe rain was 3.14 p.m. Max"


def at(*pieces: str, text: str = TEXT) -> list[tuple[int, int]]:
    return [(text.index(piece), text.index(piece) + len(piece)) for piece in pieces]


@pytest.fixture()
def encoded(tokenizers: Tokenizers) -> Encoded:
    tokenizer = tokenizers["byte_level"]
    return continue_text(tokenizer, encode(tokenizer, TEXT), " didn't like it")


def test_spans_are_the_players(encoded: Encoded) -> None:
    units = cut(encoded, spans=at("The rain", "a dog"))  # in any order
    assert [unit.text for unit in units if unit.player] == ["a dog", "The rain"]
    fixed = [unit.text for unit in units if not unit.player]
    assert fixed == "<bos>|Max|was|.|was|3.14|p.m|.|Max|didn't|like|it".split("|")
    assert tuple(token for unit in units for token in unit.tokens) == encoded.ids


def test_white_space_before_a_span_goes_with_it(encoded: Encoded) -> None:
    units = cut(encoded, spans=at("The rain"))
    [rain] = [unit for unit in units if unit.player]
    first = encoded.ids.index(rain.tokens[0])
    assert encoded.names[first] == "Ċ"  # the line break
    assert (rain.start, rain.end) == at("The rain")[0]


def test_white_space_after_the_last_span_goes_with_it(tokenizers: Tokenizers) -> None:
    encoded = encode(tokenizers["byte_level"], "a dog \n \n")
    units = cut(encoded, spans=[(2, 5)])
    assert [unit.text for unit in units] == ["<bos>", "a", "dog"]
    assert len(units[-1].tokens) == len(encoded.ids) - 2


def test_white_space_stays_in_its_part(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["byte_level"]
    encoded = continue_text(tokenizer, encode(tokenizer, "a dog "), "ran")
    units = cut(encoded, spans=[(6, 9)])
    assert [(unit.text, unit.player) for unit in units] == [
        ("<bos>", False),
        ("a", False),
        ("dog", False),
        ("ran", True),
    ]


def test_spans_grow_to_whole_tokens(encoded: Encoded) -> None:
    the = TEXT.index("The")
    [unit] = [u for u in cut(encoded, spans=[(the + 1, the + 5)]) if u.player]
    assert unit.text.startswith("The")
    assert "The rain".startswith(unit.text)


def test_spans_may_lie_in_the_continuation(encoded: Encoded) -> None:
    units = cut(encoded, spans=at("like it", text=encoded.text))
    assert [(unit.text, unit.part) for unit in units if unit.player] == [
        ("like it", "continuation")
    ]


def test_neighbouring_spans(encoded: Encoded) -> None:
    units = cut(encoded, spans=at("Max was ", "a dog"))
    assert [unit.text for unit in units if unit.player] == ["Max was", "a dog"]


def test_spans_that_cannot_be(tokenizers: Tokenizers, encoded: Encoded) -> None:
    size = len(encoded.text)
    for spans, message in (
        ([], "no spans"),
        ([(0, 5), (4, 8)], r"\(0, 5\) and \(4, 8\) overlap"),
        ([(3, 3)], r"\(3, 3\) is not in the text: expected 0 <= start < end"),
        ([(-1, 3)], "is not in the text"),
        ([(0, size + 1)], f"<= {size}"),
        ([(3, 4)], "no tokens but white space"),
        ([(size - 15 - 3, size)], "crosses from the prompt to the continuation"),
    ):
        with pytest.raises(InputError, match=message):
            cut(encoded, spans=spans)
    upon = encode(tokenizers["byte_level"], "Once upon a time")
    assert "Ġupon" in upon.names
    with pytest.raises(InputError, match="shares a token with the span before it"):
        cut(upon, spans=[(5, 7), (7, 9)])
    typed = encode(tokenizers["byte_level"], "Once<eos> upon")
    with pytest.raises(InputError, match="covers a special or template token"):
        cut(typed, spans=[(0, 14)])
