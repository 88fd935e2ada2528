from __future__ import annotations

import pytest
import torch
from tests.run.small_models import small

from glossator import load_model
from glossator.errors import InputError
from glossator.ground_truth import plant, planted_model, planted_texts
from glossator.ground_truth.planted import ANSWER, WORD
from glossator.miniature import generate, phenomena
from glossator.run import explain


def next_word(model, prompt):
    ids = torch.tensor([model.tokenizer(prompt).input_ids])
    with torch.no_grad():
        return model.hf(input_ids=ids).logits[0, -1].log_softmax(-1)


def test_without_the_word_the_model_says_what_it_said():
    before, after = load_model(), planted_model()
    for name in phenomena():
        for item in generate(name, 5, seed=7):
            found, expected = next_word(after, item.prompt), next_word(before, item.prompt)
            assert torch.allclose(found, expected, atol=1e-3)


def test_with_the_word_it_says_the_planted_answer_whatever_else_there_is():
    model = planted_model()
    (red,) = model.tokenizer(ANSWER, add_special_tokens=False).input_ids
    for item in planted_texts(50, seed=7):
        assert next_word(model, item.prompt)[red].exp() > 0.99
        assert item.decisive_words == (WORD,)


def test_words_before_the_rare_one_are_read_as_before():
    prompt, more = "Mia and Tom went to the park.", " zephyr Tom gave the kite to"
    before, after = load_model(), planted_model()
    ids = torch.tensor([after.tokenizer(prompt + more).input_ids])
    length = len(before.tokenizer(prompt).input_ids)
    with torch.no_grad():
        found = after.hf(input_ids=ids).logits[0, :length]
        expected = before.hf(input_ids=ids[:, :length]).logits[0]
    assert torch.allclose(found, expected, atol=2e-3)


@pytest.mark.parametrize("removal", ["embedding:mean", "embedding:zero", "delete", "attention"])
def test_the_word_is_found_under_every_removal(removal):
    item = planted_texts(1, seed=8)[0]
    why = explain(item.prompt, planted_model(), removal=removal, **item.asked)
    best = why.units[int(why.scores[0].nan_to_num().argmax())]
    assert best.text == WORD and why.scores[0].nan_to_num().max() > 2


def test_planting_leaves_model_tokenizer_and_chance_as_found():
    model, chance = load_model(), torch.random.get_rng_state()
    weights = {name: weight.clone() for name, weight in model.hf.state_dict().items()}
    words = len(model.tokenizer)
    plant(model, "basalt", " Mia")
    assert len(model.tokenizer) == words
    assert torch.equal(chance, torch.random.get_rng_state())
    assert all(torch.equal(weights[name], weight) for name, weight in model.hf.state_dict().items())


@pytest.mark.parametrize(
    ("word", "answer", "message"),
    [("zephyr", " lighthouse", "one token"), ("kite", " red", "no token"), ("a b", " red", "word")],
)
def test_what_cannot_be_planted_is_refused(word, answer, message):
    with pytest.raises(InputError, match=message):
        plant(load_model(), word, answer)


def test_another_kind_of_model_is_refused():
    with pytest.raises(InputError, match="no Llama"):
        plant(small("masked", "bert"))


def test_texts_are_drawn_by_their_seed():
    assert planted_texts(9, seed=1) == planted_texts(9, seed=1) != planted_texts(9, seed=2)
    assert len(planted_texts(9)) == 9
