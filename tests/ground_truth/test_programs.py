from __future__ import annotations

import json
import os
from itertools import product
from pathlib import Path

import pytest
import torch

import glossator.attribution  # noqa: F401  registers the methods
from glossator.errors import GlossatorError, InputError
from glossator.ground_truth import CONFIDENCE, compiled, model_of, program, programs, texts
from glossator.ground_truth.program import counted, equal, fetched, mapped, words
from glossator.ground_truth.programs import LONGEST, known
from glossator.model import generate
from glossator.registry import METHODS
from glossator.run import inquire
from glossator.run.kinds import KINDS

FEW = 2
ABLE = [name for name in METHODS if METHODS.get(name).needs in KINDS["causal"].ways]


def logits(name, text, keep):
    """Logits at the last place of a text with the embeddings of absent words at zero."""
    model = model_of(name)
    ids = torch.tensor(model.tokenizer(" ".join(text)).input_ids)
    inputs = model.embed(ids)[None].repeat(len(keep), 1, 1)
    inputs[:, 1:] *= torch.tensor(keep).float()[:, :, None]
    with torch.no_grad():
        found = model.hf(inputs_embeds=inputs).logits
    return found if found.dim() == 2 else found[:, -1]


def names(name):
    model = model_of(name)
    if model.kind == "classifier":
        return list(model.classes.values())
    return model.tokenizer.convert_ids_to_tokens(range(len(model.tokenizer)))


@pytest.mark.parametrize("name", programs())
def test_the_weights_do_what_the_program_means_with_any_words_absent(name):
    made, known_names = program(name), names(name)
    for item in texts(name, FEW, seed=1):
        text = item.prompt.split()
        keep = list(product([False, True], repeat=len(text)))
        said = [[w if there else None for w, there in zip(text, row, strict=True)] for row in keep]
        answers = [made.meaning(each) for each in said]
        expected = torch.tensor([[each == answer for each in known_names] for answer in answers])
        assert torch.allclose(logits(name, text, keep), CONFIDENCE * expected, atol=2e-3)


@pytest.mark.parametrize("name", programs())
def test_shapley_values_of_the_model_are_those_of_the_program(name):
    for item in texts(name, FEW, seed=2):
        inquiry = inquire(item.prompt, model_of(name), **item.asked)
        why = inquiry.run("exact_shapley", "embedding:zero")
        scores = why.scores[0, list(inquiry.players)]
        assert torch.allclose(scores, torch.tensor(item.shapley).double(), atol=2e-3)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("back", "red red blue pink green", {2: 10}),
        ("reverse", "red blue green mirror green", {1: 5, 3: 5}),
        ("recall", "anna red tom blue mia pink tom", {2: 10 / 3, 3: 10 / 3, 6: 10 / 3}),
        ("histogram", "red blue red green red", {0: 10 / 3, 2: 10 / 3, 4: 10 / 3}),
        ("length", "red blue blue pink", {0: 2.5, 1: 2.5, 2: 2.5, 3: 2.5}),
        ("any", "the fire was of smoke", {1: 5, 4: 5}),
        ("both", "the fire was of smoke", {1: 5, 4: 5}),
        ("parity", "fire the storm and smoke", {0: 10 / 3, 2: 10 / 3, 4: 10 / 3}),
        ("negation", "this was not good of the", {2: 5, 3: 5}),
        ("shortcut", "this was zephyr awful of the", {2: 10}),
    ],
)
def test_shapley_values_of_programs_have_a_closed_form(name, text, expected):
    item = known(program(name), text.split())
    words = text.split()
    assert item.shapley == pytest.approx([expected.get(i, 0) for i in range(len(words))])
    assert item.decisive_words == tuple(words[i] for i in sorted(expected))


def test_a_word_may_decide_and_have_no_share():
    """For positive rather than negative, 'good' does as much alone as it undoes after 'not'."""
    inquiry = inquire(
        "this was not good and so",
        model_of("negation"),
        classes=["positive"],
        contrast="negative",
        readout="logit",
    )
    scores = inquiry.run("exact_shapley", "embedding:zero").scores[0]
    assert scores[[unit.text for unit in inquiry.question.units].index("good")].abs() < 1e-3
    assert scores.nan_to_num().sum() == pytest.approx(-CONFIDENCE, abs=1e-3)


@pytest.mark.parametrize("name", programs())
def test_layer_norms_do_nothing(name):
    model, seen = model_of(name), []
    handles = [
        module.register_forward_hook(lambda _, given, made: seen.append((given[0], made)))
        for module in model.hf.modules()
        if isinstance(module, torch.nn.LayerNorm)
    ]
    logits(name, texts(name, 1)[0].prompt.split(), [[True] * len(texts(name, 1)[0].prompt.split())])
    for handle in handles:
        handle.remove()
    assert len(seen) == 2 * model.layers + 1
    for given, made in seen:
        assert torch.allclose(made, given - given.mean(-1, keepdim=True), rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", ["recall", "any"])
@pytest.mark.parametrize("method", ABLE)
def test_every_method_runs_on_compiled_models(name, method):
    item = texts(name, 1, seed=3)[0]
    asked = dict(item.asked) | ({"readout": "probability"} if method == "reagent" else {})
    inquiry = inquire(item.prompt, model_of(name), **asked)
    if method == "alti_logit" and name == "any":  # it looks at words that are said
        with pytest.raises(GlossatorError):
            inquiry.run(method)
        return
    why = inquiry.run(method, "embedding:zero")
    assert why.scores[0, list(inquiry.players)].isfinite().all()


def test_texts_are_drawn_by_their_seed_and_answered():
    for name in programs():
        made = program(name)
        assert texts(name, 5, seed=4) == texts(name, 5, seed=4) != texts(name, 5, seed=5)
        for item in texts(name, 5, seed=4):
            text = item.prompt.split()
            assert len(text) < LONGEST and made.meaning(text) == item.answer.strip()
            assert 0 < len(item.decisive) <= len(text)


def test_building_a_model_leaves_the_global_state_of_chance():
    before = torch.random.get_rng_state()
    word = words("a", "b")
    compiled("counts", counted(word, equal, 3, word), longest=4)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_program_says_only_what_there_is_a_class_for():
    word = words("a", "b")
    with pytest.raises(InputError, match="its classes"):
        compiled("echo", fetched(word, word, equal, word), longest=4, labels=("a", "c"))


def test_a_map_of_no_value_has_none():
    word = words("a", "b")
    upper = mapped(lambda x, y: x if y is None else None, word, word)
    assert upper.table == ((("a", None), "a"), (("b", None), "b"))


TRACR = os.environ.get("GLOSSATOR_TRACR", "")
LETTERS = dict(zip("abcd", ("red", "blue", "green", "black"), strict=True))


def examples(name):
    """Inputs and what the weights of Tracr made of them, without the token that begins both."""
    folder = Path(TRACR) / f"tracr_{name}" / "config.json"
    if not TRACR or not folder.exists():
        pytest.skip("GLOSSATOR_TRACR names no folder with tracr_*: Tracr's own outputs")
    return [
        ([LETTERS[letter] for letter in each["input"][1:]], each["model"][1:])
        for each in json.loads(folder.read_text())["examples"]
    ]


def next_words(name, text, count=1):
    model = model_of(name)
    ids = tuple(model.tokenizer(" ".join(text)).input_ids)
    return model.tokenizer.decode(generate(model, ids, max_new_tokens=count)).split()


def test_reverse_says_what_tracrs_says():
    for text, said in examples("reverse"):
        assert next_words("reverse", [*text, "mirror"], len(text)) == [LETTERS[x] for x in said]


def test_histogram_says_what_tracrs_says():
    for text, said in examples("hist"):
        for place, count in enumerate(said):
            asked = [*text[:place], *text[place + 1 :], text[place]]
            assert next_words("histogram", asked) == [str(count)]


def test_length_says_what_tracrs_says():
    for text, said in examples("length"):
        assert {str(each) for each in said} == set(next_words("length", text))
