"""What follows a prompt never changes the prompt's ids, and reads on from its text."""

from __future__ import annotations

import warnings

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.text.vocabularies import KINDS, chatty
from transformers import PreTrainedTokenizerBase

from glossator.errors import InputError
from glossator.text import continue_ids, continue_text, encode, encode_chat, encode_ids
from glossator.text.tokenizer import literal

Tokenizers = dict[str, PreTrainedTokenizerBase]
LOSSLESS = ("byte_level", "prefix_space", "sentence_piece")

messy = st.text(
    alphabet=st.sampled_from("Max didn't.\n 😀中é\u0301\u200d🇫"), min_size=1, max_size=20
)


@pytest.mark.parametrize("kind", KINDS)
@given(prompt=messy, continuation=messy)
@settings(deadline=None, max_examples=50)
@pytest.mark.filterwarnings("ignore:the prompt's end")
def test_prompt_is_kept_and_text_joined(
    tokenizers: Tokenizers, kind: str, prompt: str, continuation: str
) -> None:
    tokenizer = tokenizers[kind]
    try:
        before = encode(tokenizer, prompt)
        both = continue_text(tokenizer, before, continuation)
    except InputError:
        assume(False)
    size = before.prompt_length
    assert both.prompt_length == size < len(both.ids)
    assert both.ids[:size] == before.ids
    assert both.offsets[:size] == before.offsets
    assert both.text == prompt + continuation
    assert (both.prompt, both.continuation) == (prompt, continuation)
    assert all(start >= len(prompt) for start, _ in both.offsets[size:])
    covered = {i for start, end in both.offsets for i in range(start, end)}
    assert all(c.isspace() for i, c in enumerate(both.text) if i not in covered)
    if kind in LOSSLESS:
        text = literal(tokenizer, [token for token in both.ids if token != before.ids[0]])
        assert text in (prompt + continuation, " " + prompt + continuation)


def test_together_where_that_leaves_the_prompt_alone(tokenizers: Tokenizers) -> None:
    for kind in LOSSLESS:
        tokenizer = tokenizers[kind]
        both = continue_text(tokenizer, encode(tokenizer, "Once upon"), " a time, Max")
        joint = tokenizer("Once upon a time, Max")["input_ids"]
        assert both.ids == tuple(joint[: len(both.ids)])


def test_sentence_piece_puts_no_space_of_its_own(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["sentence_piece"]
    prompt = encode(tokenizer, "Once upon ")  # its last token is "▁"
    both = continue_text(tokenizer, prompt, "a time")
    assert tokenizer("Once upon a time")["input_ids"][: len(prompt.ids)] != list(prompt.ids)
    assert not both.names[len(prompt.ids)].startswith("▁")
    assert literal(tokenizer, both.ids[1:]) == "Once upon a time"


def test_word_piece_goes_on_within_a_word(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["word_piece"]
    with pytest.warns(UserWarning, match="join into one word"):
        both = continue_text(tokenizer, encode(tokenizer, "he was ma"), "x")
    assert both.names[-1] == "##x"
    with pytest.warns(UserWarning, match="join into one word"):
        both = continue_text(tokenizer, encode(tokenizer, "Dog"), "S")
    assert both.names[-1] == "##s"  # though "S" is not what it decodes to


def test_unknown_characters_that_run_on_are_not_lost(tokenizers: Tokenizers) -> None:
    # "☃☃" is one unknown word to WordPiece; its id alone would hide the continuation.
    for kind in ("word_piece", "slow"):
        tokenizer = tokenizers[kind]
        both = continue_text(tokenizer, encode(tokenizer, "Max ☃"), "☃ was")
        begins = both.offsets[both.prompt_length]
        assert begins == (5, 6)


def test_a_word_across_the_seam_is_warned_of(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["byte_level"]
    with pytest.warns(UserWarning, match="'The co' and the continuation's start 'op is'"):
        continue_text(tokenizer, encode(tokenizer, "The co"), "op is")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for prompt, continuation in (("The co", " op"), ("我", "爱"), ("The ", "co"), ("a.", "b")):
            continue_text(tokenizer, encode(tokenizer, prompt), continuation)


def test_generated_ids(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["sentence_piece"]
    prompt = encode(tokenizer, "Once upon")
    ids = tokenizer("Once upon a 😀.")["input_ids"][len(prompt.ids) :]
    both = continue_ids(tokenizer, prompt, [*ids, tokenizer.eos_token_id])
    assert both.ids == (*prompt.ids, *ids, 2)
    assert both.continuation == " a 😀."
    assert both.offsets[-1] == (len(both.text), len(both.text))
    assert both.names[-1] == "</s>"
    assert both.fixed[-1] and not any(both.fixed[1:-1])


def test_a_prompt_of_ids_can_go_on(tokenizers: Tokenizers) -> None:
    tokenizer = tokenizers["byte_level"]
    letters = [tokenizer.convert_tokens_to_ids(letter) for letter in ("t", "h", "e")]
    both = continue_text(tokenizer, encode_ids(tokenizer, letters), " dog")
    assert both.ids == (*letters, *tokenizer(" dog", add_special_tokens=False)["input_ids"])


def test_a_chat_can_go_on() -> None:
    tokenizer = chatty()
    prompt = encode_chat(tokenizer, [{"role": "user", "content": "Max?"}])
    both = continue_text(tokenizer, prompt, "Max was a dog.")
    assert both.ids[: len(prompt.ids)] == prompt.ids
    assert both.continuation == "Max was a dog."


def test_empty_continuations_are_refused(tokenizers: Tokenizers) -> None:
    prompt = encode(tokenizers["word_piece"], "Max was")
    with pytest.raises(InputError, match="continuation is empty"):
        continue_text(tokenizers["word_piece"], prompt, "")
    with pytest.raises(InputError, match="has no tokens"):
        continue_text(tokenizers["word_piece"], prompt, " ")
    with pytest.raises(InputError, match="generate at least one token"):
        continue_ids(tokenizers["word_piece"], prompt, [])
