"""`glossator evaluate --suite`: what it prints, keeps and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from glossator.cli import main

SMALL = ["evaluate", "--suite", "programs", "--items", "1", "--quiet"]
SMALL += ["--methods", "leave_one_out,exact_shapley", "--removal", "embedding:zero"]


def test_table_and_advice_of_a_suite(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "measured.jsonl"
    assert main([*SMALL, "--rows", "1000", "--record", str(kept)]) == 0
    printed = capsys.readouterr().out
    for said in ("exact_shapley", "embedding:zero", "random order", "What to take", "10 sets"):
        assert said in printed
    assert "nan" not in printed
    assert len(kept.read_text().splitlines()) == 2 * 10
    assert main([*SMALL, "--rows", "1000", "--record", str(kept)]) == 0
    assert capsys.readouterr().out == printed
    assert len(kept.read_text().splitlines()) == 2 * 10


def test_json_of_a_suite_says_what_was_refused(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--methods", "leave_one_out,reagent", "--rows", "20", "--json"]
    assert main([*SMALL, *words]) == 0
    printed = capsys.readouterr().out
    assert "NaN" not in printed
    found = json.loads(printed)
    assert found["schema"] == "glossator.leaderboard/1"
    (entry,) = found["entries"]
    assert entry["method"] == "leave_one_out" and 0 < entry["precision"]["value"] <= 1
    assert set(found["refused"]) == {"reagent, embedding:zero"}  # it reads probabilities only
    assert {each["set"] for each in found["sets"]} >= {"back", "parity"}
    assert found["recommended"][0]["best"] == entry["method"] + ", embedding:zero"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--suite", "ground-truth", "A text"], "--suite has texts of its own"),
        (["--suite", "programs", "--metrics", "aopc"], "takes no metrics"),
        (["--suite", "word"], "did you mean 'world'"),
        (["--suite", "sst"], "give --data DIR"),
        (["--suite", "programs", "--methods", "shaply"], "did you mean 'shapley'"),
        (["A text", "--rows", "5"], "--rows belongs to a suite"),
    ],
)
def test_what_does_not_go_together_is_refused(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *words, "--quiet"]) == 2
    printed = capsys.readouterr().err
    assert message in " ".join(printed.split()) and len(printed.splitlines()) == 1
