"""The two doors of the project: Makefile for people, .ci/run for machines."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TASKS = ("demo", "test", "check", "bench", "docs")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")


def make(*arguments: str) -> str:
    command = ["make", *arguments]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout


def test_help_names_every_task() -> None:
    printed = make("help")
    assert [task for task in TASKS if f"make {task}" not in printed] == []


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_planned(task: str) -> None:
    """`-n` follows all prerequisites: a missing file or rule fails here."""
    assert make("-n", task)


def test_an_old_python_is_refused_with_what_to_type(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.1 && exit 0\nexit 1\n')
    old.chmod(0o755)
    command = ["make", "demo", f"PYTHON={old}", f"VENV={tmp_path}/venv"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode != 0
    assert "needs Python 3.11 or later, this is Python 3.8.1: make PYTHON=" in done.stderr


def test_ci_is_a_bash_script_that_ends_with_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    assert re.search(r"^\s+make check test ", script.read_text(), flags=re.MULTILINE)
