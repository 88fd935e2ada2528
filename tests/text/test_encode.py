"""A prompt's ids and the characters of each."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.text.hard_strings import SPACED, UNSPACED
from tests.text.vocabularies import KINDS
from transformers import PreTrainedTokenizerBase

from glossator.errors import InputError
from glossator.text import encode, encode_ids

TEXTS = [text for text, *_ in (*SPACED.values(), *UNSPACED.values())]
Tokenizers = dict[str, PreTrainedTokenizerBase]

messy = st.text(
    alphabet=st.one_of(
        st.sampled_from("Max didn't.\n 😀中é\u0301\u200d🇫<>s/_"), st.characters(codec="utf-8")
    ),
    min_size=1,
    max_size=30,
)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TEXTS)
def test_ids_are_the_tokenizers_own(tokenizers: Tokenizers, kind: str, text: str) -> None:
    tokenizer = tokenizers[kind]
    encoded = encode(tokenizer, text, closing=True)
    assert encoded.ids == tuple(tokenizer(text)["input_ids"])
    assert encoded.prompt == encoded.text == text
    assert encoded.continuation == ""
    assert encoded.prompt_length == len(encoded.ids)


@pytest.mark.parametrize("kind", KINDS)
@given(text=messy)
@settings(deadline=None, max_examples=50)
def test_offsets_are_in_order_and_leave_no_gap(
    tokenizers: Tokenizers, kind: str, text: str
) -> None:
    try:
        encoded = encode(tokenizers[kind], text)
    except InputError:
        assume(False)
    assert len(encoded.offsets) == len(encoded.ids) == len(encoded.fixed) == len(encoded.names)
    assert all(0 <= start <= end <= len(text) for start, end in encoded.offsets)
    pairs = list(zip(encoded.offsets, encoded.offsets[1:], strict=False))
    assert all(a <= c and b <= d for (a, b), (c, d) in pairs)
    covered = {i for start, end in encoded.offsets for i in range(start, end)}
    assert all(text[i].isspace() for i in range(len(text)) if i not in covered)


def test_what_is_added_before_is_fixed_and_what_is_added_after_dropped(
    tokenizers: Tokenizers,
) -> None:
    for kind, first, last in (
        ("prefix_space", "<bos>", "<eos>"),
        ("word_piece", "[CLS]", "[SEP]"),
        ("slow", "<s>", "</s>"),
    ):
        tokenizer = tokenizers[kind]
        for_causal = encode(tokenizer, "Max was")
        for_classifier = encode(tokenizer, "Max was", closing=True)
        assert for_causal.names[0] == for_classifier.names[0] == first
        assert for_classifier.names[-1] == last
        assert for_classifier.ids[:-1] == for_causal.ids
        assert for_causal.offsets[0] == (0, 0)
        assert for_classifier.offsets[-1] == (7, 7)
        assert for_causal.fixed == (True,) + (False,) * (len(for_causal.ids) - 1)
        assert for_classifier.fixed == (*for_causal.fixed, True)


def test_special_tokens_that_the_user_typed_are_fixed(tokenizers: Tokenizers) -> None:
    encoded = encode(tokenizers["sentence_piece"], "Max</s>the")
    typed = encoded.names.index("</s>")
    assert encoded.offsets[typed] == (3, 7)
    assert encoded.fixed[typed]
    assert sum(encoded.fixed) == 2  # with the "<s>" before


def test_unknown_words_are_not_fixed(tokenizers: Tokenizers) -> None:
    for kind, unknown in (("word_piece", "[UNK]"), ("slow", "<unk>")):
        encoded = encode(tokenizers[kind], "Max ☃☃ was")
        place = encoded.names.index(unknown)
        assert encoded.offsets[place] == (4, 6)
        assert not encoded.fixed[place]


def test_characters_that_the_tokenizer_drops_stay_with_the_token_before(
    tokenizers: Tokenizers,
) -> None:
    encoded = encode(tokenizers["word_piece"], "\u200bcafe\u0301 \x00was")
    shown = [encoded.text[a:b] for a, b in encoded.offsets[1:]]
    assert "".join(shown).replace(" ", "") == "\u200bcafe\u0301\x00was"
    assert any(piece.endswith("e\u0301 \x00") or piece.endswith("e\u0301") for piece in shown)


def test_bytes_of_one_character_all_carry_it(tokenizers: Tokenizers) -> None:
    for kind in ("byte_level", "sentence_piece", "bytes"):
        encoded = encode(tokenizers[kind], "a😀中")
        assert encoded.offsets[-8:] == ((0, 1),) + ((1, 2),) * 4 + ((2, 3),) * 3


def test_ids_that_do_not_survive_decoding_are_kept(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["byte_level"]
    letters = [tokenizer.convert_tokens_to_ids(letter) for letter in ("Ġ", "t", "h", "e", "Ġthe")]
    assert tokenizer(tokenizer.decode(letters), add_special_tokens=False)["input_ids"] != letters
    encoded = encode_ids(tokenizer, letters)
    assert encoded.ids == tuple(letters)
    assert encoded.text == " the the"
    assert encoded.offsets == ((0, 1), (1, 2), (2, 3), (3, 4), (4, 8))


def test_nothing_can_be_asked_about_nothing(tokenizers: Tokenizers) -> None:
    with pytest.raises(InputError, match="prompt is empty"):
        encode(tokenizers["byte_level"], "")
    with pytest.raises(InputError, match="prompt is empty"):
        encode_ids(tokenizers["byte_level"], [])
    with pytest.raises(InputError, match="no tokens"):
        encode(tokenizers["word_piece"], " \n ")
    with pytest.raises(InputError, match=r"U\+D83D at 2, half of a surrogate pair"):
        encode(tokenizers["byte_level"], "ab\ud83d")
