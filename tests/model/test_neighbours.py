"""Distances between words are those of the vectors, and a model reformulates what it is given."""

from __future__ import annotations

import pytest
import torch

from glossator import LanguageModel, load_model
from glossator.errors import InputError
from glossator.model import generate
from glossator.model.neighbours import Neighbours
from glossator.model.rewriter import Rewriter
from glossator.text import encode
from tests.run.small_models import small

TEXT = "Mia and Tom went to the lighthouse. It was red."


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model(device="cpu")


def cosine_distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return 1 - float((one @ other) / (one.norm() * other.norm()))


@pytest.mark.parametrize("word", ["Tom", "lighthouse", "red"])
def test_input_embeddings(model: LanguageModel, word: str) -> None:
    start = TEXT.index(word)
    found = Neighbours(model)(TEXT, start, start + len(word))
    table = model.embedding.weight.detach()
    ids = model.tokenizer(" " + word, add_special_tokens=False)["input_ids"]
    own = table[ids].mean(0)
    assert len(found) > 100 and [each[1] for each in found] == sorted(each[1] for each in found)
    for other, distance in found[::50]:
        (token,) = model.tokenizer(" " + other, add_special_tokens=False)["input_ids"]
        assert distance == pytest.approx(cosine_distance(own, table[token]), abs=1e-5)
    if len(ids) == 1:
        assert found[0] == (word, pytest.approx(0, abs=1e-5))


def test_at_a_layer_words_are_compared_in_context(model: LanguageModel) -> None:
    start = TEXT.index("Tom")
    near = Neighbours(model, layer=2, seed=1)
    found = dict(near(TEXT, start, start + 3))
    assert near.record["layer"] == 2 and near.record["words"] == len(found)

    def state(text: str, end: int) -> torch.Tensor:
        ids = torch.tensor([encode(model.tokenizer, text[:end]).ids])
        with torch.no_grad():
            out = model.hf.base_model(input_ids=ids, output_hidden_states=True)
        return out.hidden_states[2][0, -1]

    own = state(TEXT, start + 3)
    for word in list(found)[::100]:
        text = TEXT[:start] + word + TEXT[start + 3 :]
        expected = cosine_distance(own, state(text, start + len(word)))
        assert found[word] == pytest.approx(expected, abs=1e-4)
    assert found == dict(Neighbours(model, layer=2, seed=1)(TEXT, start, start + 3))


@pytest.mark.parametrize("kind", ["classifier", "encoder_decoder"])
def test_other_kinds_know_words_too(kind: str) -> None:
    small_one = small(kind, {"classifier": "bert", "encoder_decoder": "bart"}[kind])
    found = Neighbours(small_one)("Max didn't like the rain.", 0, 3)
    assert len(found) > 10 and all(word.isalpha() for word, _ in found)


def test_layers_that_are_not_there(model: LanguageModel) -> None:
    with pytest.raises(InputError, match="there is no layer 99"):
        Neighbours(model, layer=99)
    with pytest.raises(InputError, match="layer 0"):
        Neighbours(small("encoder_decoder", "bart"), layer=1)


def test_a_rewriter_writes_what_the_model_writes(model: LanguageModel) -> None:
    written = Rewriter(model, "{text} Tom gave the kite to", max_new_tokens=3)
    prompt = encode(model.tokenizer, "Mia and Tom went to the park. Tom gave the kite to")
    ids = generate(model, prompt.ids, max_new_tokens=3)
    assert written("Mia and Tom went to the park.") == model.tokenizer.decode(ids).strip()
    assert written.record["template"] == "{text} Tom gave the kite to"


def test_an_encoder_decoder_rewrites_and_a_classifier_does_not() -> None:
    said = Rewriter(small("encoder_decoder", "bart"), max_new_tokens=3)("Max ran.")
    assert "\n" not in said
    with pytest.raises(InputError, match="writes no text"):
        Rewriter(small("classifier", "bert"))
    with pytest.raises(InputError, match="once"):
        Rewriter(small("encoder_decoder", "bart"), "no place")
