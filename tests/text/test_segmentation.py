"""Other tokens, the same text: for every kind of tokenizer, by the seed alone."""

from __future__ import annotations

import numpy as np
import pytest
from tests.text import vocabularies

from glossator.errors import InputError
from glossator.text import cut, encode
from glossator.text.continuation import continue_text
from glossator.text.segmentation import Resegmented, segmented

TEXT = "Once upon a time, there was a dog named Max."


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.fixture(params=["byte_level", "sentence_piece"])
def tokenizer(request: pytest.FixtureRequest) -> object:
    return getattr(vocabularies, request.param)()


def test_the_text_is_the_same_and_the_tokens_are_not(tokenizer) -> None:
    own = tokenizer(TEXT, add_special_tokens=False)["input_ids"]
    other = segmented(tokenizer, own, rng(), rate=0.5)
    assert len(other) > len(own)
    assert tokenizer.decode(other) == tokenizer.decode(own)
    assert segmented(tokenizer, own, rng(), rate=0.5) == other
    assert segmented(tokenizer, own, rng(), rate=0.0) == tuple(own)


def test_words_are_where_they_were(tokenizer) -> None:
    plain = encode(tokenizer, TEXT)
    other = encode(Resegmented(tokenizer, TEXT, rng(), rate=0.5), TEXT)
    assert len(other.ids) > len(plain.ids)
    assert other.fixed.count(True) == plain.fixed.count(True)
    spans = [[(u.text, u.start, u.end) for u in cut(e) if u.player] for e in (plain, other)]
    assert spans[0] == spans[1]


def test_a_continuation_keeps_its_own_tokens(tokenizer) -> None:
    wrapped = Resegmented(tokenizer, TEXT, rng(), rate=0.5)
    said = " Max didn't like the rain"
    plain = continue_text(tokenizer, encode(tokenizer, TEXT), said)
    other = continue_text(wrapped, encode(wrapped, TEXT), said)
    assert other.continuation == plain.continuation == said
    assert other.ids[other.prompt_length :] == plain.ids[plain.prompt_length :]


def test_other_texts_are_left_alone(tokenizer) -> None:
    wrapped = Resegmented(tokenizer, TEXT, rng(), rate=1.0)
    said = "It was raining"
    assert wrapped(text=said)["input_ids"] == tokenizer(text=said)["input_ids"]


def test_a_text_with_one_writing_only_is_refused() -> None:
    tokenizer = vocabularies.byte_level()
    own = tokenizer("q z", add_special_tokens=False)["input_ids"]
    with pytest.raises(InputError, match="one way only"):
        segmented(tokenizer, own[:1], rng())
