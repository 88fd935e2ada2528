"""The examples of README, CONTRIBUTING and docs run as they are written.

Blocks marked `python` and `bash` are run, page by page, in a scratch folder: those of README's
shell by a shell, all others in this process, where PyTorch is loaded already. Blocks marked
`console` are for reading: they install, or need the network.
"""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import loopback

import glossator
import glossator.attribution  # registers the methods
from glossator.cli import main
from glossator.registry import METHODS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


ENDPOINT = "http://127.0.0.1:8000/v1"  # where the pages say that a server is


def blocks(page: Path, language: str) -> list[str]:
    pattern = rf"^```{language}\n(.*?)^```$"
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


@contextlib.contextmanager
def served(page: Path, language: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The blocks of a page, with a server where they expect one."""
    found = blocks(page, language)
    if not any(ENDPOINT in code for code in found):
        yield found
        return
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with loopback.serving(glossator.load_model(device="cpu")) as server:
        yield [code.replace(ENDPOINT, server.url) for code in found]


def pages(language: str) -> list[Path]:
    return [page for page in PAGES if blocks(page, language)]


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", pages("python"), ids=name)
def test_python(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # CONTRIBUTING registers a method: in a copy, so that no other test meets it.
    monkeypatch.setattr(METHODS, "_components", dict(METHODS._components))
    names: dict[str, object] = {"__name__": "example"}
    with served(page, "python", monkeypatch) as found:
        for package in re.findall(r"^from (torchao)\b", "".join(found), re.MULTILINE):
            pytest.importorskip(package, reason=f"pip install {package}")
        for code in found:
            exec(compile(code, name(page), "exec", dont_inherit=True), names)


@pytest.mark.parametrize("page", [page for page in pages("bash") if page != README], ids=name)
def test_commands(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with served(page, "bash", monkeypatch) as found:
        for line in "".join(found).splitlines():
            run(line)


def run(line: str) -> None:
    program, *words = shlex.split(line)
    assert program == "glossator", line
    with contextlib.ExitStack() as stack:
        if ">" in words:
            words, (file,) = words[: words.index(">")], words[words.index(">") + 1 :]
            stack.enter_context(contextlib.redirect_stdout(stack.enter_context(open(file, "w"))))
        assert main(words) == 0, line


def test_readme_in_a_shell() -> None:
    (code,) = blocks(README, "bash")
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = ["bash", "-euo", "pipefail", "-c", code]
    done = subprocess.run(command, env=os.environ | {"PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_readme_has_about_ten_lines_of_python_and_five_of_shell() -> None:
    (python,), (bash,) = blocks(README, "python"), blocks(README, "bash")
    assert len([line for line in python.splitlines() if line]) <= 10
    assert len(bash.splitlines()) == 5
