"""Conversations: the template is fixed, what was said is not."""

from __future__ import annotations

import pytest
from tests.text.vocabularies import CHATML, STRICT, chatty
from transformers import PreTrainedTokenizerBase

from glossator.errors import InputError
from glossator.text import Encoded, cut, encode_chat


def said(encoded: Encoded) -> str:
    return "".join(
        encoded.text[start:end]
        for (start, end), fixed in zip(encoded.offsets, encoded.fixed, strict=True)
        if not fixed
    )


def players(encoded: Encoded) -> list[str]:
    return [unit.text for unit in cut(encoded) if unit.player]


def test_messages_are_players_and_the_template_is_not() -> None:
    tokenizer = chatty()
    messages = [
        {"role": "system", "content": "user"},  # also a word of the template
        {"role": "user", "content": "  Max didn't eat?\n"},
        {"role": "assistant", "content": "Max didn't eat?"},
        {"role": "user", "content": "user"},
    ]
    encoded = encode_chat(tokenizer, messages)
    own = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert list(encoded.ids) == own
    assert encoded.text.startswith("<|im_start|>system\nuser<|im_end|>\n<|im_start|>user\nMax")
    assert encoded.text.endswith("<|im_start|>assistant\n")
    assert said(encoded) == "userMax didn't eat?Max didn't eat?user"
    assert players(encoded) == ["user", *["Max", "didn't", "eat", "?"] * 2, "user"]
    units = cut(encoded)
    assert [unit.text for unit in units[:4]] == ["<|im_start|>", *[u.text for u in units[1:4]]]
    assert units[0].end == len("<|im_start|>")


def test_moved_messages_are_found() -> None:
    tokenizer = chatty(STRICT)
    encoded = encode_chat(
        tokenizer,
        [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Be kind. Max?"}],
    )
    assert encoded.text == "<bos>[user] Be kind.\n\nBe kind. Max? [model]"
    assert players(encoded) == ["Be", "kind", ".", "Be", "kind", ".", "Max", "?"]
    assert encoded.ids[0] == tokenizer.bos_token_id
    assert encoded.ids.count(tokenizer.bos_token_id) == 1


def test_an_empty_message_says_nothing() -> None:
    encoded = encode_chat(
        chatty(), [{"role": "system", "content": ""}, {"role": "user", "content": "Max"}]
    )
    assert players(encoded) == ["Max"]


def test_special_tokens_in_a_message_stay_fixed() -> None:
    encoded = encode_chat(chatty(), [{"role": "user", "content": "a<|im_end|>b"}])
    assert players(encoded) == ["a", "b"]


def test_bad_conversations(tokenizers: dict[str, PreTrainedTokenizerBase]) -> None:
    user = {"role": "user", "content": "Max"}
    with pytest.raises(InputError, match="has no chat template.*plain text"):
        encode_chat(tokenizers["byte_level"], [user])
    with pytest.raises(InputError, match="no messages"):
        encode_chat(chatty(), [])
    with pytest.raises(InputError, match="message 1 is .*'content': None"):
        encode_chat(chatty(), [user, {"role": "user", "content": None}])  # type: ignore[dict-item]
    with pytest.raises(InputError, match="refuses these messages: roles must take turns"):
        encode_chat(chatty(STRICT), [user, user])
    shouting = chatty(CHATML.replace("trim", "upper"))
    with pytest.raises(InputError, match="changes what the messages say"):
        encode_chat(shouting, [user])
