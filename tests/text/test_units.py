"""Units: unions of words that are closed under tokens."""

from __future__ import annotations

import time

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.text.hard_strings import FAMILY, SPACED, UNSPACED
from tests.text.vocabularies import KINDS
from transformers import PreTrainedTokenizerBase

from glossator.errors import InputError, UnknownName
from glossator.text import Encoded, continue_ids, continue_text, cut, encode
from glossator.text.units import boundaries
from glossator.text.words import words
from glossator.types import Unit

BLANK = " \t\r\n\u00a0\u3000\u200b"
Tokenizers = dict[str, PreTrainedTokenizerBase]
TEXTS = [text for text, *_ in (*SPACED.values(), *UNSPACED.values())]
messy = st.text(
    alphabet=st.sampled_from("Max didn't.\n 😀中é\u0301\u200d🇫"), min_size=1, max_size=20
)


def texts(units: tuple[Unit, ...]) -> list[str]:
    return [unit.text for unit in units if unit.player]


def connected(encoded: Encoded) -> set[frozenset[int]]:
    """Groups of tokens that share a word or a character, found by joining until nothing changes."""
    visible = [
        {i for i in range(*span) if encoded.text[i].strip(BLANK)} for span in encoded.offsets
    ]
    size = encoded.prompt_end
    joined = [set(range(a, b)) for a, b in words(encoded.text[:size])]
    joined += [set(range(size + a, size + b)) for a, b in words(encoded.text[size:])]
    groups = [
        ({token}, set(characters))
        for token, characters in enumerate(visible)
        if characters and not encoded.fixed[token]
    ]
    links = [*joined, *(characters for _, characters in groups)]
    for link in links:
        touched = [group for group in groups if group[1] & link]
        if touched:
            groups = [group for group in groups if group not in touched]
            groups.append(
                (
                    set().union(*(tokens for tokens, _ in touched)),
                    link.union(*(characters for _, characters in touched)),
                )
            )
    return {frozenset(tokens) for tokens, _ in groups}


@pytest.mark.parametrize("kind", ["byte_level", "prefix_space", "sentence_piece"])
@pytest.mark.parametrize("language", SPACED)
def test_words_of_languages(tokenizers: Tokenizers, kind: str, language: str) -> None:
    text, expected = SPACED[language]
    # A zero-width space is in no word, but it is a character, shown with the word it precedes.
    found = [unit.replace("\u200b", "") for unit in texts(cut(encode(tokenizers[kind], text)))]
    assert found == expected


@pytest.mark.parametrize("kind", ["byte_level", "prefix_space", "sentence_piece"])
@pytest.mark.parametrize("language", UNSPACED)
def test_words_of_languages_without_spaces(
    tokenizers: Tokenizers, kind: str, language: str
) -> None:
    pytest.importorskip("icu", reason="PyICU is not installed (extra `icu`)")
    text, expected, _ = UNSPACED[language]
    assert texts(cut(encode(tokenizers[kind], text))) == expected


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS)
def test_units_are_closed_under_tokens(tokenizers: Tokenizers, kind: str, text: str) -> None:
    encoded = encode(tokenizers[kind], text)
    units = cut(encoded)
    solid = [bool(text[a:b].strip(BLANK)) for a, b in encoded.offsets]
    found = {
        frozenset(i for i in range(first, stop) if solid[i])
        for unit, (first, stop) in zip(units, boundaries(units), strict=True)
        if unit.player
    }
    assert found == connected(encoded)


@pytest.mark.parametrize("kind", KINDS)
@given(prompt=messy, continuation=messy, units=st.sampled_from(["tokens", "words", "sentences"]))
@settings(deadline=None, max_examples=50)
@pytest.mark.filterwarnings("ignore:the prompt's end")
def test_units_partition_the_tokens(
    tokenizers: Tokenizers, kind: str, prompt: str, continuation: str, units: str
) -> None:
    try:
        encoded = continue_text(tokenizers[kind], encode(tokenizers[kind], prompt), continuation)
    except InputError:
        assume(False)
    found = cut(encoded, units)
    assert tuple(token for unit in found for token in unit.tokens) == encoded.ids
    assert all(unit.tokens for unit in found)
    in_prompt = [unit for unit in found if unit.part == "prompt"]
    assert sum(len(unit.tokens) for unit in in_prompt) == encoded.prompt_length
    assert all(unit.end <= encoded.prompt_end for unit in in_prompt)
    assert all(a.end <= b.start for a, b in zip(found, found[1:], strict=False))
    for unit in found:
        assert unit.text
        assert encoded.text[unit.start : unit.end] in (unit.text, "")
    shown = {i for unit in found for i in range(unit.start, unit.end)}
    assert all(c.isspace() for i, c in enumerate(encoded.text) if i not in shown)
    blank = [unit for unit in found if not unit.text.strip()]
    for unit in blank:  # only where its part has nothing else
        rest = [u for u in found if u.part == unit.part and u.player and u is not unit]
        assert not rest


def test_split_characters_stay_together(tokenizers: Tokenizers) -> None:
    for kind in ("byte_level", "sentence_piece"):
        encoded = encode(tokenizers[kind], f"a {FAMILY}é")
        assert [texts(cut(encoded, unit)) for unit in ("words", "tokens")] == [
            ["a", FAMILY, "é"],
            ["a", *FAMILY, "é"],
        ]


def test_a_token_that_spans_words_joins_them() -> None:
    # (name, characters) of tokens, as a tokenizer with long pieces would give them.
    text = "I love New York City. The end"
    pieces = ["I", " love", " New York", " City", ". The", " e", "nd"]
    offsets, at = [], 0
    for piece in pieces:
        offsets.append((at, at + len(piece)))
        at += len(piece)
    size = len(pieces)
    encoded = Encoded(
        text, tuple(range(size)), tuple(offsets), (False,) * size, tuple(pieces), size, len(text)
    )
    assert texts(cut(encoded)) == ["I", "love", "New York", "City", ". The", "end"]
    assert texts(cut(encoded, "sentences")) == [text]
    assert texts(cut(encoded, "tokens")) == [piece.strip() for piece in pieces]


def test_white_space_goes_with_what_follows(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["byte_level"]
    encoded = continue_text(tokenizer, encode(tokenizer, "\n a \n\n b \n"), "\n c\n")
    units = cut(encoded)
    written = ["".join(tokenizer.decode(list(unit.tokens))) for unit in units]
    assert written == ["<bos>", "\n a", " \n\n b \n", "\n c\n"]
    assert [unit.text for unit in units] == ["<bos>", "a", "b", "c"]
    [only] = cut(encode(tokenizer, "\n\n"))[1:]
    assert (only.text, only.start, only.end, only.player) == ("\n\n", 0, 2, True)


def test_sentences(tokenizers: Tokenizers) -> None:
    text = "Max didn't eat.\nWhy? It was 3.14 p.m. then."
    for kind in KINDS:
        encoded = encode(tokenizers[kind], text)
        assert texts(cut(encoded, "sentences")) == [
            "Max didn't eat.",
            "Why?",
            "It was 3.14 p.m. then.",
        ]


def test_fixed_tokens_are_units_of_their_own(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["byte_level"]
    prompt = encode(tokenizer, "the <eos><eos> time")
    ids = tokenizer(" a", add_special_tokens=False)["input_ids"]
    units = cut(continue_ids(tokenizer, prompt, [*ids, tokenizer.eos_token_id]))
    assert [(unit.text, unit.start, unit.end, unit.player) for unit in units] == [
        ("<bos>", 0, 0, False),
        ("the", 0, 3, True),
        ("<eos>", 4, 9, False),
        ("<eos>", 9, 14, False),
        ("time", 15, 19, True),
        ("a", 20, 21, True),
        ("<eos>", 21, 21, False),
    ]


def test_units_do_not_cross_from_prompt_to_continuation(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["byte_level"]
    with pytest.warns(UserWarning, match="one word"):
        encoded = continue_text(tokenizer, encode(tokenizer, "One ti"), "me. Go")
    for kind, expected in (
        ("words", ["One", "ti", "me", ".", "Go"]),
        ("sentences", ["One ti", "me.", "Go"]),
    ):
        assert texts(cut(encoded, kind)) == expected


def test_unknown_kind(tokenizers: Tokenizers) -> None:
    with pytest.raises(UnknownName, match="unknown unit kind 'word': did you mean 'words'"):
        cut(encode(tokenizers["byte_level"], "a"), "word")


def test_eight_thousand_tokens_in_linear_time(tokenizers: Tokenizers) -> None:
    text = "Once upon a time, there was a dog named Max. It's 😀 3.14! " * 400
    encoded = encode(tokenizers["byte_level"], text)
    assert len(encoded.ids) > 8000
    for kind in ("words", "sentences", "tokens"):
        begin = time.perf_counter()
        cut(encoded, kind)
        # 0.1 s without the shape checks that tests run under; minutes if it were quadratic
        assert time.perf_counter() - begin < 15
