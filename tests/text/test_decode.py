"""Characters of generated tokens, against the bytes that each token is known to stand for."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.text.hard_strings import SPACED, UNSPACED
from tokenizers import pre_tokenizers
from transformers import PreTrainedTokenizerBase

from glossator.text.decode import align, decode_spans
from glossator.text.tokenizer import literal

TEXTS = [text for text, *_ in (*SPACED.values(), *UNSPACED.values())]
Tokenizers = dict[str, PreTrainedTokenizerBase]


@cache
def gpt2_bytes() -> dict[str, int]:
    """The byte for each letter of the byte-level alphabet, read off its encoder."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    table = {}
    for byte in range(256):
        character = chr(byte)
        [(letters, _)] = split.pre_tokenize_str(character)
        for letter, value in zip(letters, character.encode(), strict=True):
            table[letter] = value
    # Bytes that begin no character below U+0100 come from characters that hold them.
    for code in range(0x100, 0x110000, 0x40):
        if not 0xD800 <= code < 0xE000:
            [(letters, _)] = split.pre_tokenize_str(chr(code))
            table.update(zip(letters, chr(code).encode(), strict=True))
    return table


def spans_of_bytes(pieces: Sequence[bytes]) -> tuple[str, list[tuple[int, int]]]:
    """Text and spans by counting: a token has the characters that it has any byte of."""
    owner = [i for i, piece in enumerate(pieces) for _ in piece]
    text = b"".join(pieces).decode()
    characters = [i for i, character in enumerate(text) for _ in character.encode()]
    spans = []
    for token in range(len(pieces)):
        mine = [c for c, o in zip(characters, owner, strict=True) if o == token]
        spans.append((mine[0], mine[-1] + 1))
    return text, spans


@pytest.mark.parametrize("text", TEXTS)
def test_byte_level(tokenizers: Tokenizers, text: str) -> None:
    tokenizer, table = tokenizers["byte_level"], gpt2_bytes()
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    pieces = [bytes(table[c] for c in name) for name in tokenizer.convert_ids_to_tokens(ids)]
    expected, spans = spans_of_bytes(pieces)
    assert expected == text
    assert decode_spans(tokenizer, ids) == (expected, tuple(spans))


@pytest.mark.parametrize("text", TEXTS)
def test_byte_fallback_after_a_prompt(tokenizers: Tokenizers, text: str) -> None:
    tokenizer = tokenizers["sentence_piece"]
    prefix = tokenizer("Once upon 中")["input_ids"]
    ids = tokenizer("\n" + text, add_special_tokens=False)["input_ids"][1:]  # without the ▁
    pieces = [
        bytes([int(name[3:5], 16)])
        if re.fullmatch("<0x..>", name)
        else name.replace("▁", " ").encode()
        for name in tokenizer.convert_ids_to_tokens(ids)
    ]
    expected, spans = spans_of_bytes(pieces)
    assert expected == "\n" + text
    assert decode_spans(tokenizer, ids, prefix) == (expected, tuple(spans))


def test_leading_space_belongs_to_the_continuation(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["sentence_piece"]
    ids = tokenizer("Max didn't")["input_ids"]
    text, spans = decode_spans(tokenizer, ids[2:], ids[:2])
    assert text == " didn't"
    assert spans[0][0] == 0
    assert decode_spans(tokenizer, ids)[0] == "Max didn't"


def test_word_pieces(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["word_piece"]
    ids = tokenizer("once upon a time, there was rain", add_special_tokens=False)["input_ids"]
    text, spans = decode_spans(tokenizer, ids)
    # " ," is not tidied to ",": that would move the characters of tokens written before.
    assert tokenizer.decode(ids) == "once upon a time, there was rain"
    assert text == "once upon a time , there was rain"
    joined = [text[start:end].strip() for start, end in spans]
    assert joined == [name.removeprefix("##") for name in tokenizer.convert_ids_to_tokens(ids)]


def test_a_prefix_is_read_from_where_a_character_begins(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["sentence_piece"]
    prefix = tokenizer("中中中")["input_ids"]  # the last eight bytes begin within a character
    ids = tokenizer("文a", add_special_tokens=False)["input_ids"][1:]
    assert decode_spans(tokenizer, ids, prefix) == ("文a", ((0, 1), (0, 1), (0, 1), (1, 2)))


def test_special_tokens_write_nothing(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["byte_level"]
    dog = tokenizer(" dog", add_special_tokens=False)["input_ids"]
    eos, half = tokenizer.eos_token_id, tokenizer("é", add_special_tokens=False)["input_ids"][:1]
    text, spans = decode_spans(tokenizer, [*dog, eos, *half, eos])
    assert text == " dog\ufffd"
    assert spans == ((0, 4), (4, 4), (4, 5), (5, 5))


def test_a_broken_byte_leaves_its_neighbours_alone(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["sentence_piece"]
    byte = tokenizer.convert_tokens_to_ids
    ids = [*map(byte, ["<0xE4>", "<0xB8>", "<0xAD>", "<0xFF>"]), byte("a")]
    text, spans = decode_spans(tokenizer, ids, tokenizer("Max")["input_ids"])
    assert text == "中\ufffda"
    assert spans == ((0, 1), (0, 1), (0, 1), (1, 2), (2, 3))


@given(st.data())
@settings(deadline=None)
def test_any_ids(tokenizers: Tokenizers, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(tokenizers)))
    tokenizer = tokenizers[kind]
    anything = st.lists(st.integers(0, len(tokenizer) - 1), max_size=40)
    prefix, ids = data.draw(anything), data.draw(anything)
    text, spans = decode_spans(tokenizer, ids, prefix)
    assert len(spans) == len(ids)
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert list(spans) == sorted(spans)
    assert all(b <= d for (_, b), (_, d) in zip(spans, spans[1:], strict=False))
    plain = [token for token in ids if token not in tokenizer.all_special_ids]
    if kind == "byte_level" and len(plain) == len(ids):
        assert decode_spans(tokenizer, ids)[0] == literal(tokenizer, ids)


def test_eight_thousand_tokens_in_linear_time(tokenizers: Tokenizers) -> None:
    for kind, text in (("byte_level", "Max 我爱北京 👍 didn't "), ("sentence_piece", "中")):
        tokenizer = tokenizers[kind]
        line = tokenizer(text, add_special_tokens=False)["input_ids"]
        good = (line * (8000 // len(line) + 1))[:8000]
        garbage = line[-1:] * 8000
        begin = time.perf_counter()
        decode_spans(tokenizer, good if kind == "byte_level" else garbage)
        assert time.perf_counter() - begin < 20  # 0.4 s without the shape checks of tests


@pytest.mark.parametrize(
    ("text", "decoded", "spans", "expected"),
    [
        ("A dog", "A dog", ((0, 1), (1, 5)), ((0, 1), (1, 5))),
        ("Né Ö", "ne o", ((0, 2), (2, 4)), ((0, 2), (3, 4))),
        ("a , b", "a, b", ((0, 1), (1, 2), (2, 4)), ((0, 1), (2, 3), (4, 5))),
        ("a ☃☃ b", "a b", ((0, 1), (1, 1), (1, 1), (1, 3)), ((0, 1), (2, 4), (2, 4), (5, 6))),
        ("A.\nB c", "a. b c", ((0, 2), (2, 4), (4, 6)), ((0, 2), (3, 4), (5, 6))),
        ("☃", "", ((0, 0),), ((0, 1),)),
    ],
)
def test_align(
    text: str,
    decoded: str,
    spans: tuple[tuple[int, int], ...],
    expected: tuple[tuple[int, int], ...],
) -> None:
    assert align(text, decoded, spans) == expected
