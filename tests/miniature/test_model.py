"""The bundled model is what its card says."""

import json
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from glossator.miniature import generate, path, phenomena
from glossator.miniature.accuracy import continuations, count_right, wilson
from glossator.miniature.card import card, unreached
from glossator.miniature.figures import measure
from glossator.miniature.start import new_model
from glossator.miniature.tokens import CONTEXT, save_tokenizer, train_tokenizer
from glossator.miniature.train import Phase, train
from glossator.miniature.world import EVEN, LESSONS

_N = 60


@pytest.fixture(scope="module")
def model() -> Any:
    return AutoModelForCausalLM.from_pretrained(path(), dtype=torch.float32).eval()


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(path())


@pytest.mark.parametrize("twins", [False, True], ids=["held-out", "twins"])
@pytest.mark.parametrize("kind", phenomena())
def test_model_answers_as_the_world_demands(
    model: Any, tokenizer: Any, kind: str, twins: bool
) -> None:
    assert count_right(model, tokenizer, generate(kind, _N, 21), twins) >= 0.95 * _N


def test_it_goes_on_from_its_facts(model: Any, tokenizer: Any) -> None:
    prompt = "Anna has a blue kite. Ben has a red cup. The kite is"
    (text,) = continuations(model, tokenizer, [prompt], 7)
    assert text == " blue, and the cup is red"


def test_it_tells_a_story_to_its_end(model: Any, tokenizer: Any) -> None:
    prompt = (
        "Anna and Ben are friends. Ben has a red cup and Anna has a blue kite. In the morning they"
        " went to the park. There Ben lost the"
    )
    (text,) = continuations(model, tokenizer, [prompt], 20)
    assert text.startswith(" red cup. Soon they found it near the park. Ben was happy again.")


def test_context_fits_and_later_positions_work(model: Any, tokenizer: Any) -> None:
    items = generate("place", 40, 3)
    lead = " ".join(item.text for item in generate("colour", 5, 3))
    prompts = [f"{lead} {item.prompt}" for item in items]
    assert max(len(ids) for ids in tokenizer(prompts)["input_ids"]) < CONTEXT - 4
    texts = continuations(model, tokenizer, prompts, 1)
    right = sum(item.answer.startswith(t) for t, item in zip(texts, items, strict=True))
    assert right >= 36


def test_tokenizer_round_trip_and_bos(tokenizer: Any) -> None:
    text = "Bartholomew ran to the lighthouse. Ünïcödé, too!"
    encoded = tokenizer(text, return_offsets_mapping=True)
    assert encoded["input_ids"][0] == tokenizer.bos_token_id
    assert tokenizer.decode(encoded["input_ids"], skip_special_tokens=True) == text
    ends = [end for _, end in encoded["offset_mapping"]]
    assert ends == sorted(ends) and ends[-1] == len(text)
    assert tokenizer.tokenize(" park") == ["Ġpark"]
    assert len(tokenizer.tokenize(" lighthouse")) > 1
    special = (tokenizer.pad_token, tokenizer.bos_token, tokenizer.eos_token, tokenizer.unk_token)
    assert special == ("<pad>", "<bos>", "<eos>", "<unk>")


def test_tokenizer_is_the_one_that_the_script_makes(tokenizer: Any) -> None:
    seed = json.loads((path() / "figures.json").read_text())["seed"]
    assert train_tokenizer(seed).get_vocab() == tokenizer.get_vocab()


def test_package_is_small() -> None:
    assert sum(file.stat().st_size for file in path().parent.rglob("*") if file.is_file()) < 8e6


def test_card_tells_the_stored_figures() -> None:
    figures = json.loads((path() / "figures.json").read_text())
    assert (path() / "README.md").read_text() == card(figures)
    for kind in ("accuracy", "twin_accuracy"):
        assert set(figures[kind]) == set(phenomena())
        for right, n in figures[kind].values():
            assert n >= 200
            low, high = wilson(right, n)
            assert f"{right / n:.3f} | {low:.3f} to {high:.3f}" in card(figures)


def test_every_phenomenon_reaches_the_aim() -> None:
    figures = json.loads((path() / "figures.json").read_text())
    for kind in ("accuracy", "twin_accuracy"):
        assert all(right >= 0.95 * n for right, n in figures[kind].values())
    assert unreached(figures) == []


def test_a_card_names_what_is_below_the_aim() -> None:
    figures = json.loads((path() / "figures.json").read_text())
    figures["twin_accuracy"]["story"] = [200, 250]
    assert unreached(figures) == ["story"]
    assert "**Below the aim of 0.95: story.**" in card(figures)


def test_figures_are_of_this_model(model: Any) -> None:
    figures = json.loads((path() / "figures.json").read_text())
    assert sum(p.numel() for p in model.parameters()) == figures["parameters"]
    assert model.config.vocab_size == figures["vocabulary"]


def test_two_steps_of_training(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("glossator.miniature.train._CHECK_EVERY", 2)
    tokenizer = AutoTokenizer.from_pretrained(path())
    phases = (Phase(1, 2, LESSONS), Phase(1, 2, EVEN))
    runs = []
    for _ in range(2):
        fresh = new_model(tokenizer, 0)
        reports = list(train(fresh, tokenizer, tmp_path, phases))
        assert reports[-1]["tokens"] == 2 * 2 * CONTEXT and "accuracy" in reports[-1]
        runs.append(fresh.state_dict())
    assert all(torch.equal(runs[0][name], runs[1][name]) for name in runs[0])
    save_tokenizer(tokenizer, tmp_path)
    again = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert measure(again, AutoTokenizer.from_pretrained(tmp_path), 0, n=1)["parameters"] > 8e5
