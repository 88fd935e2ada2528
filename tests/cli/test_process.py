"""The program as a shell sees it: streams, status, signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests import interrupting

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"
GLOSSATOR = [sys.executable, "-m", "glossator"]


def run(*arguments: str, **options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*GLOSSATOR, *arguments], capture_output=True, text=True, **options)  # type: ignore[call-overload,no-any-return]


def test_explain_as_json() -> None:
    done = run("explain", PROMPT, "--max-new-tokens", "2", "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["text"]["prompt"] == PROMPT
    assert len(record["scores"]) == len(record["targets"]) >= 1
    assert {len(row) for row in record["scores"]} == {len(record["units"])}
    told = done.stderr.splitlines()
    assert [line.split(":")[0] for line in told] == ["leave_one_out", "trust"]
    assert told[0] == "leave_one_out: 15 forward rows at most"


def test_the_view_for_people_names_prompt_words_and_measure() -> None:
    done = run("explain", "-", "--continuation", " Mia", "--quiet", input=PROMPT + "\n")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "kite" in done.stdout
    assert "nats" in done.stdout


def test_bad_input_is_status_2_and_one_line() -> None:
    done = run("explain", PROMPT, "--method", "shaply")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1


def test_help_is_quick_because_pytorch_waits() -> None:
    began = time.perf_counter()
    done = run("--help")
    assert done.returncode == 0
    assert "explain" in done.stdout
    assert time.perf_counter() - began < 5  # well under a second on an idle machine


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_ctrl_c_in_the_middle_leaves_no_file(tmp_path: Path) -> None:
    out = tmp_path / "why.json"
    many = ["--method", "shapley", "--samples", "200000", "--max-new-tokens", "8"]
    process = interrupting.start([*GLOSSATOR, "explain", PROMPT, *many, "--out", str(out)])
    assert process.stderr is not None
    assert "forward rows at most" in process.stderr.readline()  # now the model is at work
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert printed == ""
    assert said.splitlines() == ["glossator: interrupted; nothing was written"]
    assert list(tmp_path.iterdir()) == []
