"""`glossator stability`: sources from the command line, and what it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import glossator
from glossator.cli import main

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"
ASKED = [PROMPT, "--continuation", " Mia", "--quiet"]
SHAPLEY = ["--method", "shapley", "--samples", "4"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two models of one shape whose weights differ."""
    folder = tmp_path_factory.mktemp("models")
    loaded = glossator.load_model(device="cpu")
    names = []
    for number, noise in enumerate((0.0, 0.02)):
        generator = torch.Generator().manual_seed(number)
        for weight in loaded.hf.parameters():
            weight.data += noise * weight.std() * torch.randn(weight.shape, generator=generator)
        name = folder / f"model-{number}"
        loaded.hf.save_pretrained(name)
        loaded.tokenizer.save_pretrained(name)
        names.append(str(name))
    return names


def record(capsys: pytest.CaptureFixture[str], *words: str) -> dict:
    assert main(["stability", *words, "--json"]) == 0
    found: dict = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize("form", ["spaces", "commas", "repeated"])
def test_models_can_be_named_in_three_ways(
    models: list[str], form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = {
        "spaces": ["--models", *models],
        "commas": ["--models", ",".join(models)],
        "repeated": ["--models", models[0], "--models", models[1]],
    }[form]
    found = record(capsys, *ASKED, *words)
    assert found["schema"] == "glossator.stability/1" and found["runs"] == 2
    assert found["sources"] == [{"name": "training", "levels": models}]


def test_the_record_holds_estimates_words_and_the_table(
    models: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--models", *models, "--source", "estimator", "--seeds", "3", *SHAPLEY]
    found = record(capsys, *ASKED, *words)
    assert [source["name"] for source in found["sources"]] == ["training", "estimator"]
    (target,) = found["targets"]
    assert target["text"] == "Mia"
    for name in ("signal", "noise", "snr", "expected_correlation", "runs_needed"):
        assert {"value", "low", "high", "level"} <= set(target[name])
    assert len(target["mean"]) == len(target["spread"]) == len(found["words"])
    scores = torch.tensor(target["scores"])
    assert scores.shape == (2, 3, len(found["words"]))
    components = target["variance_table"]["components"]
    assert [each["sources"] for each in components] == [
        ["training"],
        ["estimator"],
        ["training", "estimator"],
    ]
    assert sum(each["share"] for each in components) == pytest.approx(1, abs=1e-6)
    again = record(capsys, *ASKED, *words)
    assert again == found


def test_people_get_tables(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--source", "estimator,tokenisation", "--seeds", "3", *SHAPLEY]
    assert main(["stability", *ASKED, *words]) == 0
    printed = capsys.readouterr().out
    assert "9 runs: estimator (3: seed 0, seed 1, seed 2) x tokenisation" in printed
    for said in ("signal-to-noise ratio", "noise by source", "all words alike",
                 "kite", "runs for a reliability of 0.9"):  # fmt: skip
        assert said in printed


def test_runs_that_are_all_the_same_are_endless_in_words_and_null_in_json(
    capsys: pytest.CaptureFixture[str], models: list[str]
) -> None:
    words = [*ASKED, "--models", models[0], models[0]]
    assert record(capsys, *words)["targets"][0]["snr"]["value"] is None
    assert main(["stability", *words]) == 0
    assert "∞" in capsys.readouterr().out


def test_files_hold_numbers_and_boxplots(tmp_path: Path) -> None:
    files = [tmp_path / "runs.json", tmp_path / "runs.svg"]
    words = [word for file in files for word in ("--out", str(file))]
    assert main(["stability", *ASKED, "--removals", "delete,embedding:mean", *words]) == 0
    assert json.loads(files[0].read_text())["sources"][0]["levels"] == ["delete", "embedding:mean"]
    assert "kite" in files[1].read_text()


def test_paraphrases_come_from_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "paraphrases.txt"
    file.write_text("Mia and Tom ran to the park. Tom gave the kite to\n\n")
    found = record(capsys, *ASKED, "--paraphrases", str(file))
    assert found["runs"] == 2 and found["targets"][0]["dropped"] == 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "name what varies"),
        (["--source", "estimator"], "draws nothing"),
        (["--source", "estimation"], "did you mean 'estimator'"),
        (["--source", "removal"], "give --removals"),
        (["--source", "dropout"], "no dropout layer"),
        (["--models", "here"], "needs at least 2"),
        (["--models", "a", "b", "--model", "c"], "exclude each other"),
        (["more"], "put the whole prompt in quotes"),
        (["--paraphrases", "nowhere.txt"], "cannot read the paraphrases"),
        (["--removals", "delete"], "1 level"),
    ],
)
def test_bad_input_is_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["stability", *ASKED, *words]) == 2
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1
