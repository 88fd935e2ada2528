"""Bad input costs the user one line, whatever part of the program finds it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoTokenizer,
    GPT2Config,
    GPT2ForSequenceClassification,
    GPT2LMHeadModel,
)

from glossator import miniature
from glossator.cli import main

CONTEXT = 24


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Small models on disk, each with something that can go wrong."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(miniature.path())
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=CONTEXT,
        n_embd=16,
        n_layer=1,
        n_head=2,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        id2label={0: "sad", 1: "glad"},
        label2id={"sad": 0, "glad": 1},
    )
    root = tmp_path_factory.mktemp("models")
    healthy, broken = GPT2LMHeadModel(config), GPT2LMHeadModel(config)
    broken.transformer.ln_f.weight.data.fill_(torch.nan)
    models = {
        "healthy": healthy,
        "without_tokenizer": healthy,
        "broken": broken,
        "classifier": GPT2ForSequenceClassification(config),
    }
    for name, model in models.items():
        model.save_pretrained(root / name)
        if name != "without_tokenizer":
            tokenizer.save_pretrained(root / name)
    return {name: root / name for name in models}


@pytest.mark.parametrize(
    ("model", "options", "says"),
    [
        ("healthy", ["", "--max-new-tokens", "1"], "prompt is empty"),
        ("healthy", ["a kite " * CONTEXT], f"the context of {{model}} is {CONTEXT}"),
        ("healthy", ["a kite", "--continuation", ""], "continuation is empty"),
        ("healthy", ["a kite", "--readout", "logprop"], "did you mean 'logprob'"),
        ("healthy", ["a kite", "--removal", "delet"], "did you mean 'delete'"),
        ("healthy", ["a kite", "--max-memory", "1kB"], "too small for one row"),
        ("healthy", ["a kite", "--units", "wrods"], "wrods"),
        ("healthy", ["a kite", "--class", "glad"], "class"),
        ("without_tokenizer", ["a kite"], "has no tokenizer"),
        ("broken", ["a kite"], "not numbers (NaN"),
        ("broken", ["a kite", "--continuation", " here"], "not numbers (NaN"),
        ("broken", ["a kite", "--continuation", " x", "--method", "gradient"], "not numbers (NaN"),
        ("classifier", ["a kite", "--class", "gald"], "unknown class 'gald': did you mean 'glad'"),
    ],
)
def test_one_line_and_status_2(
    folders: dict[str, Path],
    model: str,
    options: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["explain", *options, "--model", str(folders[model]), "--quiet"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("glossator: ")
    assert captured.err.count("\n") == 1
    assert says.format(model=folders[model]) in captured.err


def test_a_model_that_is_nowhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "a kite", "--model", str(tmp_path / "nowhere"), "--quiet"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert "nowhere" in captured.err
