"""The folder tree that README prints is the one on disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "glossator"


def tree() -> dict[str, str]:
    """Path and description of every line of the tree; two spaces are one level."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.split("## Where things are", 1)[1].split("```text\n", 1)[1].split("```", 1)[0]
    found, above = {}, ""
    for line in block.splitlines():
        name, _, description = line.strip().partition(" ")
        if not line.startswith(" "):
            above = name
        found[above + name if line.startswith(" ") else name] = description.strip()
    return found


def on_disk(folder: Path, endings: tuple[str, ...] = ("",)) -> set[str]:
    """What git knows, or would add, directly inside a folder; folders end in a slash."""
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."]
    listed = subprocess.run(git, cwd=folder, check=True, capture_output=True, text=True)
    names = set()
    for path in map(Path, listed.stdout.splitlines()):
        names.add(path.parts[0] + ("/" if len(path.parts) > 1 else ""))
    return {name for name in names if name.endswith(endings) and not name.startswith(".")}


def test_every_line_is_on_disk_and_says_something() -> None:
    assert tree()
    for name, description in tree().items():
        path = ROOT / name
        assert path.is_dir() if name.endswith("/") else path.is_file(), name
        assert description, name


def test_everything_at_the_top_and_in_the_package_has_a_line() -> None:
    listed = set(tree())
    top = on_disk(ROOT) - {"README.md", "src/"}
    assert top <= listed
    inside = {f"src/glossator/{name}" for name in on_disk(PACKAGE, ("/", ".py"))}
    assert inside <= listed
