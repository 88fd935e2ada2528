"""One text explained again and again: each source varies what it says, and nothing else."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

import glossator
from glossator.errors import InputError, UnknownName
from glossator.run import Repetition, repeat
from tests.run.small_models import small

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"
ANSWER = " Mia"


@pytest.fixture(scope="module")
def model() -> glossator.LanguageModel:
    return glossator.load_model(device="cpu")


@pytest.fixture(scope="module")
def other(model: glossator.LanguageModel) -> glossator.LanguageModel:
    """The bundled model with a little noise on its weights, as after a training of its own."""
    hf = copy.deepcopy(model.hf)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in hf.parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight += 0.05 * weight.std(correction=0) * noise
    return dataclasses.replace(model, hf=hf, name="other", parity={})


@pytest.fixture(scope="module")
def dropping(model: glossator.LanguageModel) -> glossator.LanguageModel:
    """A random GPT-2, which has dropout layers."""
    torch.manual_seed(0)
    size = len(model.tokenizer)
    config = GPT2Config(vocab_size=size, n_positions=64, n_embd=32, n_layer=2, n_head=2)
    hf = GPT2LMHeadModel(config).eval()
    return glossator.LanguageModel(hf, model.tokenizer, "causal", "random GPT-2")


def ran(model: glossator.LanguageModel | None, sources: dict, **options: object) -> Repetition:
    return repeat(PROMPT, model, sources=sources, **{"continuation": ANSWER} | options)


def test_models_and_seeds_are_crossed(
    model: glossator.LanguageModel, other: glossator.LanguageModel
) -> None:
    sources = {"training": [model, other], "estimator": 3}
    found = ran(None, sources, method="shapley", samples=4)
    assert found.sources == ("training", "estimator")
    assert found.levels == (("glossator/miniature", "other"), ("seed 0", "seed 1", "seed 2"))
    assert found.values.shape == (2, 3, 1, len(found.words))
    assert [unit.text for unit in found.words][:3] == ["Mia", "and", "Tom"]
    for place, loaded, seed in [((0, 2), model, 2), ((1, 1), other, 1)]:
        alone = glossator.explain(
            PROMPT, loaded, continuation=ANSWER, target_units="sequence", method="shapley",
            samples=4, seed=seed,
        )  # fmt: skip
        scores = alone.scores[0, [alone.units.index(unit) for unit in found.words]]
        assert found.values[(*place, 0)] == pytest.approx(scores.numpy(), abs=1e-4)
    table = found.table()
    assert [each.sources for each in table.components][2] == ("training", "estimator")
    assert table.noise.value > 0 and found.stability().runs == 6


def test_seeds_of_the_estimator_share_one_table(model: glossator.LanguageModel) -> None:
    one, many = (ran(model, {"estimator": seeds}, method="shapley", samples=4) for seeds in (2, 4))
    alone = glossator.explain(
        PROMPT, model, continuation=ANSWER, target_units="sequence", method="shapley", samples=4
    )
    assert many.forward_rows < 4 * alone.cost.forward_rows
    assert np.array_equal(one.values, many.values[:2])
    assert not np.array_equal(many.values[0], many.values[1])


def test_the_same_continuation_is_scored_in_all_runs(
    model: glossator.LanguageModel, other: glossator.LanguageModel
) -> None:
    found = repeat(PROMPT, sources={"training": [model, other]}, max_new_tokens=3)
    generated = glossator.explain(PROMPT, model, max_new_tokens=3).continuation
    assert found.first.continuation == generated and found.targets == (generated.strip(),)


def test_each_generated_word_can_be_a_target(
    model: glossator.LanguageModel, other: glossator.LanguageModel
) -> None:
    found = ran(None, {"training": [model, other]}, target_units="words", continuation=" Mia. It")
    assert found.targets == ("Mia", ".", "It")
    assert np.isnan(found.values[:, 0, -1]).all() and np.isfinite(found.values[:, 2, -1]).all()
    assert found.stability(0).dropped > found.stability(2).dropped


def test_drawn_continuations_are_aligned_on_the_prompt(model: glossator.LanguageModel) -> None:
    found = repeat(
        PROMPT, model, sources={"sampling": 4}, max_new_tokens=6, temperature=3.0,
        target_units="words",
    )  # fmt: skip
    assert {unit.part for unit in found.words} == {"prompt"} and len(found.targets) == 1
    assert np.isfinite(found.values).all() and found.table().noise.value > 0


def test_removals_are_levels(model: glossator.LanguageModel) -> None:
    found = ran(model, {"removal": ["delete", "embedding:mean"]})
    assert found.levels == (("delete", "embedding:mean"),)
    deleted = ran(model, {"removal": ["embedding:mean", "delete"]})
    assert np.array_equal(found.values, deleted.values[::-1])


def test_tokenisations_are_of_the_same_words(model: glossator.LanguageModel) -> None:
    found = ran(model, {"tokenisation": 4})
    own = ran(model, {"removal": ["embedding:mean", "delete"]})
    assert [unit.text for unit in found.words] == [unit.text for unit in own.words]
    assert found.table().noise.value > 0
    assert np.array_equal(found.values, ran(model, {"tokenisation": 4}).values)


def test_paraphrases_are_compared_on_the_words_they_share(model: glossator.LanguageModel) -> None:
    other = "Mia and Tom ran to the park. Then Tom gave the kite to"
    found = ran(model, {"paraphrase": [other]})
    assert found.levels == ((PROMPT, other),)
    texts = [unit.text for unit in found.words]
    assert np.isnan(found.values[1, 0, texts.index("went")])
    assert np.isfinite(found.values[1, 0, texts.index("kite")])
    assert found.stability().dropped == 1
    alone = ran(model, {"removal": ["embedding:mean", "delete"]}).values[0, 0]
    assert found.values[0, 0] == pytest.approx(alone)


def test_dropout_varies_and_the_model_is_left_as_found(
    dropping: glossator.LanguageModel,
) -> None:
    state = torch.get_rng_state()
    before = ran(dropping, {"removal": ["embedding:mean", "delete"]})
    found = ran(dropping, {"dropout": 3})
    assert found.table().noise.value > 0
    again = ran(dropping, {"dropout": 3}, batch_rows=2)
    assert found.values == pytest.approx(again.values, abs=1e-5)
    after = ran(dropping, {"removal": ["embedding:mean", "delete"]})
    assert np.array_equal(before.values, after.values)
    assert torch.equal(state, torch.get_rng_state())
    assert not any(module._forward_hooks for module in dropping.hf.modules())


def test_precision_is_that_of_a_copy(model: glossator.LanguageModel) -> None:
    found = ran(model, {"precision": ["float32", "bfloat16"]})
    assert model.dtype == torch.float32
    difference = np.abs(found.values[0] - found.values[1]).max()
    assert 0 < difference < 0.2 * np.abs(found.values[0]).max()


def test_classes_are_targets_of_a_classifier() -> None:
    loaded = small("classifier", "gpt2")
    found = repeat("Once upon a time, there was a dog", loaded, sources={"dropout": 3})
    assert found.targets == ("LABEL_0", "LABEL_1", "LABEL_2")
    assert found.table(1).noise.value > 0


@pytest.mark.parametrize(
    ("sources", "says"),
    [
        ({}, "name a source"),
        ({"estimator": 3}, "draws nothing"),
        ({"estimator": 1}, "1 level"),
        ({"removal": 3}, "needs its levels"),
        ({"dropout": 3}, "has no dropout layer"),
        ({"precision": ["float32", "int3"]}, "unknown precision 'int3'"),
        ({"sampling": 3}, "draws continuations"),
    ],
)
def test_sources_that_vary_nothing_are_refused(
    model: glossator.LanguageModel, sources: dict, says: str
) -> None:
    with pytest.raises(InputError, match=says):
        ran(model, sources)


def test_an_unknown_source_lists_the_close_ones(model: glossator.LanguageModel) -> None:
    with pytest.raises(UnknownName, match="did you mean 'estimator'"):
        ran(model, {"estimater": 3})


def test_a_classifier_draws_no_continuation() -> None:
    with pytest.raises(InputError, match="continues no text"):
        repeat("a dog", small("classifier", "bert"), sources={"sampling": 3})
