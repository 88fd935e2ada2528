"""The question: contexts, branches, and who may act on what."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.text.vocabularies import KINDS
from transformers import PreTrainedTokenizerBase

from glossator.errors import InputError, UnknownName
from glossator.text import Branch, Encoded, ask, ask_classes, continue_text, encode

Tokenizers = dict[str, PreTrainedTokenizerBase]


def made(prompt: list[str], continuation: list[str]) -> Encoded:
    """Tokens with the characters given; "<...>" stands for no text. Ids count from 0."""
    offsets, text, end = [], "", 0
    for i, piece in enumerate([*prompt, *continuation]):
        written = "" if piece.startswith("<") else piece
        offsets.append((len(text), len(text) + len(written)))
        text += written
        end = len(text) if i == len(prompt) - 1 else end
    pieces = (*prompt, *continuation)
    return Encoded(
        text,
        tuple(range(len(pieces))),
        tuple(offsets),
        tuple(piece.startswith("<") for piece in pieces),
        pieces,
        len(prompt),
        end,
    )


DOG = made(["<s>", "The", " d", "og"], [" bar", "ks", ". It", " r", "an", ".", "</s>"])
#            0      1      2     3       4      5      6      7     8     9    10


def test_words_as_targets() -> None:
    question = ask(DOG)
    assert [unit.text for unit in question.units] == [
        *("<s>", "The", "dog", "barks", ". It", "ran", ".", "</s>")
    ]
    assert question.ids == tuple(range(11))
    assert question.prompt_length == 4
    assert question.unit_tokens == (
        *((0, 1), (1, 2), (2, 4), (4, 6), (6, 7), (7, 9), (9, 10), (10, 11)),
    )
    assert question.players == (1, 2, 3, 4, 5, 6)
    assert [target.text for target in question.targets] == ["barks", ". It", "ran", ".", "</s>"]
    assert [target.context for target in question.targets] == [4, 6, 7, 9, 10]
    assert question.targets[2].branches == (Branch((7, 8), 0, 1.0),)
    assert (question.targets[2].start, question.targets[2].end) == (18, 21)
    assert question.targets[4].tokens == (10,)
    #                          The  dog  barks  .It  ran   .
    assert question.before.tolist() == [
        [True, True, False, False, False, False],
        [True, True, True, False, False, False],
        [True, True, True, True, False, False],
        [True, True, True, True, True, False],
        [True, True, True, True, True, True],
    ]


def test_tokens_as_targets_are_given_the_start_of_their_word() -> None:
    question = ask(DOG, target_kind="tokens")
    assert [target.text for target in question.targets] == [
        *("bar", "ks", ". It", "r", "an", ".", "</s>")
    ]
    assert question.targets[1].context == 4
    assert question.targets[1].tokens == (5,)
    assert question.targets[1].branches == (Branch((4, 5), 1, 1.0),)
    assert torch.equal(question.before[0], question.before[1])  # "bar" cannot act on "ks"


def test_words_within_larger_units_are_given_the_start_of_the_unit() -> None:
    question = ask(DOG, kind="sentences")
    # ". It" ends one sentence and begins the next: all of the continuation is one unit.
    assert [unit.text for unit in question.units] == [
        *("<s>", "The dog", "barks. It ran.", "</s>"),
    ]
    assert question.targets[2].branches == (Branch((4, 5, 6, 7, 8), 3, 1.0),)
    assert question.before.tolist() == [[True, False]] * 4 + [[True, True]]


def test_words_made_of_smaller_units() -> None:
    question = ask(DOG, kind="tokens")
    barks = question.targets[0]
    assert (barks.text, barks.context, barks.branches[0].scored_from) == ("barks", 4, 0)
    assert question.before[0].tolist() == [True] * 3 + [False] * 6
    assert question.before[1].tolist() == [True] * 5 + [False] * 4


def test_the_sequence_as_target() -> None:
    question = ask(DOG, target_kind="sequence")
    [target] = question.targets
    assert (target.text, target.start, target.end) == ("barks. It ran.", 8, 22)
    assert target.branches == (Branch((4, 5, 6, 7, 8, 9, 10), 0, 1.0),)
    assert [question.units[i].text for i in question.players] == ["The", "dog"]
    assert question.before.tolist() == [[True, True]]


def test_only_the_prompt_plays() -> None:
    question = ask(DOG, players="prompt")
    assert question.players == (1, 2)
    assert len(question.units) == 8
    assert not any(unit.player for unit in question.units[3:])
    assert question.before.all() and question.before.shape == (5, 2)


def test_spans_play() -> None:
    question = ask(DOG, spans=[(4, 7)])
    assert [question.units[i].text for i in question.players] == ["dog"]
    assert question.before.shape == (5, 1)
    within = ask(DOG, spans=[(8, 20)])  # a target inside the span is given the span's start
    assert [within.units[i].text for i in within.players] == ["barks. It ran"]
    ran = within.targets[2]
    assert (ran.text, ran.context) == ("ran", 4)
    assert within.before.tolist() == [[False], [False], [False], [True], [True]]


def test_contrast() -> None:
    cat = made(["<s>", "The", " d", "og"], [" meows", "</s>"])
    cat = dataclasses.replace(cat, ids=(0, 1, 2, 3, 20, 10))
    question = ask(DOG, contrast=cat)
    [target] = question.targets
    assert target.text == "barks. It ran. − meows"
    assert (target.start, target.end, target.context) == (8, 22, 4)
    assert target.tokens == (4, 5, 6, 7, 8, 9, 10)
    assert target.branches == (
        Branch((4, 5, 6, 7, 8, 9, 10), 0, 1.0),
        Branch((20, 10), 0, -1.0),
    )
    assert question.ids == DOG.ids
    assert [question.units[i].text for i in question.players] == ["The", "dog"]


def test_contrasts_that_cannot_be() -> None:
    with pytest.raises(InputError, match="is the continuation itself, ' barks. It ran.'"):
        ask(DOG, contrast=DOG)
    with pytest.raises(InputError, match="the contrast is empty"):
        ask(DOG, contrast=made(["<s>", "The", " d", "og"], []))
    other = dataclasses.replace(DOG, ids=(0, 9, *DOG.ids[2:]))
    with pytest.raises(InputError, match="follows another prompt"):
        ask(DOG, contrast=other)


def test_classes() -> None:
    text = made(["<s>", "The", " d", "og", "</s>"], [])
    question = ask_classes(text, [(0, "bad"), (2, "good")])
    assert [(target.text, target.tokens) for target in question.targets] == [
        ("bad", (0,)),
        ("good", (2,)),
    ]
    assert all((t.start, t.end, t.context, t.branches) == (0, 0, 5, ()) for t in question.targets)
    assert question.players == (1, 2)
    assert question.before.tolist() == [[True, True], [True, True]]
    [margin] = ask_classes(text, [(2, "good")], contrast=(0, "bad")).targets
    assert (margin.text, margin.tokens) == ("good − bad", (2, 0))
    [span] = ask_classes(text, [(2, "good")], spans=[(0, 3)]).players
    assert question.units[span].text == "The"
    with pytest.raises(InputError, match="'bad' is contrasted with itself"):
        ask_classes(text, [(0, "bad")], contrast=(0, "bad"))
    with pytest.raises(InputError, match="no class to explain"):
        ask_classes(text, [])


def test_bad_questions() -> None:
    with pytest.raises(InputError, match="no continuation to explain"):
        ask(made(["<s>", "The"], []))
    with pytest.raises(UnknownName, match="unknown target kind 'word': did you mean 'words'"):
        ask(DOG, target_kind="word")
    with pytest.raises(UnknownName, match="unknown unit kind 'sentence'"):
        ask(DOG, kind="sentence")
    with pytest.raises(UnknownName, match="unknown players 'promt': did you mean 'prompt'"):
        ask(DOG, players="promt")
    with pytest.raises(InputError, match="nothing in the text can be removed"):
        ask(made(["<s>"], [" a", " b"]), players="prompt")


@pytest.mark.parametrize("kind", KINDS)
@given(
    continuation=st.text(alphabet=st.sampled_from("Max didn't.\n 😀中é"), min_size=1, max_size=20),
    units=st.sampled_from(["tokens", "words", "sentences"]),
    targets=st.sampled_from(["tokens", "words", "sequence"]),
)
@settings(deadline=None, max_examples=40)
@pytest.mark.filterwarnings("ignore:the prompt's end")
def test_scored_tokens_are_the_continuation(
    tokenizers: Tokenizers, kind: str, continuation: str, units: str, targets: str
) -> None:
    tokenizer = tokenizers[kind]
    try:
        encoded = continue_text(tokenizer, encode(tokenizer, "Max was"), continuation)
    except InputError:
        assume(False)
    question = ask(encoded, kind=units, target_kind=targets)
    scored: list[int] = []
    for target, before in zip(question.targets, question.before, strict=True):
        [branch] = target.branches
        stop = target.context + len(branch.tokens)
        assert branch.tokens == encoded.ids[target.context : stop]
        assert branch.tokens[branch.scored_from :] == target.tokens
        scored += range(target.context + branch.scored_from, stop)
        for player, free in zip(question.players, before.tolist(), strict=True):
            assert free == (question.unit_tokens[player][1] <= target.context)
    assert scored == list(range(encoded.prompt_length, len(encoded.ids)))
    assert any(target.context == question.prompt_length for target in question.targets)
