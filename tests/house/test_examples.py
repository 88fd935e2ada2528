"""The examples of README, CONTRIBUTING and docs run as they are written.

Blocks marked `python` and `bash` are run, one process per page and language, in a scratch folder.
Blocks marked `console` are for reading: they clone, install, or need the network.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FUTURE = "from __future__ import annotations\n"  # allowed at the very beginning only
FUTURE = "from __future__ import annotations\n"  # allowed at the very beginning only
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str, str]]:
    found: dict[tuple[str, str], str] = {}
    for page in PAGES:
        for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
            key = (str(page.relative_to(ROOT)), language)
            found[key] = found.get(key, "") + code.replace(FUTURE, "")
    return [(page, language, code) for (page, language), code in found.items()]


@pytest.mark.parametrize(
    ("page", "language", "code"), examples(), ids=lambda value: value if len(value) < 60 else "code"
)
def test_examples_run(page: str, language: str, code: str, tmp_path: Path) -> None:
    binaries = str(Path(sys.executable).parent)
    path = os.pathsep.join([binaries, os.environ["PATH"]])
    if language == "python":
        command = [sys.executable, "-c", FUTURE + code]
    else:
        command = ["bash", "-euo", "pipefail", "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]


def test_readme_has_examples_of_both_kinds() -> None:
    kinds = {(page, language) for page, language, _ in examples()}
    assert {("README.md", "python"), ("README.md", "bash")} <= kinds
