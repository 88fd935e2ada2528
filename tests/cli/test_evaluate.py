"""`glossator evaluate` and `glossator metrics`: what they print, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import glossator.evaluation  # noqa: F401  registers the metrics
from glossator.cli import main
from glossator.cli.data_set import read_items
from glossator.errors import InputError
from glossator.registry import METRICS

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"
FIRST = {"prompt": PROMPT, "continuation": " Mia", "contrast": " Tom", "rationale": ["Mia"]}
SECOND = {"prompt": "The cup is red. So the cup is", "continuation": " red", "rationale": ["red"]}


def data_set(folder: Path, *items: object) -> str:
    file = folder / "items.jsonl"
    file.write_text("\n".join(map(json.dumps, items)) + "\n\n", encoding="utf-8")
    return str(file)


def test_table_of_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["evaluate", data_set(tmp_path, FIRST, SECOND), "--quiet", "--controls", "2"]
    words += ["--methods", "leave_one_out,attention", "--metrics", "aopc,token_f1"]
    assert main([*words, "--option", "aopc.most=3"]) == 0
    printed = capsys.readouterr().out
    for said in ("aopc", "token_f1", "higher is better", "leave_one_out", "2 items", "control"):
        assert said in printed
    assert "nan" not in printed


def test_json_has_no_nan_and_says_what_it_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", PROMPT, "--continuation", " Mia", "--quiet", "--json", "--controls", "2"]
    words += ["--methods", "leave_one_out,attention", "--metrics", "dummy,deletion,dffot"]
    assert main(words) == 0
    printed = capsys.readouterr().out
    assert "NaN" not in printed
    found = json.loads(printed)
    assert found["schema"] == "glossator.evaluation/1"
    assert found["over"] == "targets"
    assert len(found["cells"]) == 6
    for cell in found["cells"]:
        assert (cell["value"] is None) == (cell["undefined"] == cell["targets"])
        if cell["value"] is not None:
            assert cell["value"]["low"] is None, "one target has no interval"
    assert found["cost"]["leave_one_out"]["rows"] > 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"prompt": "a", "answer": "b"}', "got answer"),
        ('{"continuation": "a"}', "got no prompt"),
        ("[1]", "has to be an object"),
        ("{", "is no JSON"),
        ("", "is empty"),
    ],
)
def test_lines_that_are_no_items(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_items(file)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--metrics", "fidelity"], "unknown metric 'fidelity'"),
        (["--methods", "shaply"], "unknown method 'shaply'"),
        (["--option", "most=3"], "write --option NAME.most=3"),
        (["--metrics", "iou_f1"], "a rationale"),
        (["--test", "anova"], "'permutation' or 'wilcoxon'"),
    ],
)
def test_errors_are_one_line(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["evaluate", PROMPT, "--continuation", " Mia", "--quiet", "--controls", "1"]
    assert main([*asked, "--methods", "leave_one_out,attention", *words]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert message in lines[0]


def test_metrics_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["metrics"]) == 0
    printed = capsys.readouterr().out
    assert [name for name in METRICS if name not in printed] == []
    assert main(["metrics", "aopc"]) == 0
    printed = capsys.readouterr().out
    assert METRICS.get("aopc").measures in printed
    assert "most=None" in printed
    assert main(["metrics", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["name"] for record in records] == list(METRICS)
    assert all(set(record["range"]) <= {None, -1, 0, 1, 2} for record in records)
