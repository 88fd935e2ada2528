"""Imports point one way, so that a room can be read without the rooms above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src" / "glossator"

# A room imports itself and rooms of a lower rank. cli, web -> run -> trust ->
# evaluation -> attribution -> game -> model, text -> types -> errors; render and store see
# results only.
RANK = {
    "errors": 0,
    "registry": 1,
    "types": 1,
    "miniature": 2,
    "render": 2,
    "store": 2,
    "text": 2,
    "model": 3,
    "game": 4,
    "ground_truth": 4,
    "attribution": 5,
    "evaluation": 6,
    "trust": 7,
    "run": 8,
    "cli": 9,
    "web": 9,
}
RESULTS_ONLY = {"errors", "registry", "types"}

# An Explanation saves, prints and shows itself: notebooks expect methods. Within functions only.
LAZY_UPWARDS = {("types", "store"), ("types", "render")}


def room(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def module_of(path: Path) -> str:
    parts = path.relative_to(SRC.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported(tree: ast.Module) -> Iterator[tuple[str, bool, int]]:
    """Names of the package that a module imports, whether inside a function, and the line."""
    lazy = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: imports are absolute"
            module = node.module or ""
            names = [module]
            if module == "glossator":
                names = [f"glossator.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "glossator":
                yield name, id(node) in lazy, node.lineno


def wrong(importer: str, target: str, lazy: bool) -> bool:
    if target == importer or target not in RANK:  # itself, or a name of the package's own
        return False
    if lazy and (importer, target) in LAZY_UPWARDS:
        return False
    if importer in {"render", "store"}:
        return target not in RESULTS_ONLY
    return RANK[target] >= RANK[importer]


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=module_of)
def test_imports_point_down(path: Path) -> None:
    importer = room(module_of(path))
    if importer in {"", "__main__"}:  # the package's front door opens every room
        return
    assert importer in RANK, f"a new room '{importer}': give it a rank here and a line in README"
    offenders = [
        f"line {line}: {importer} imports {name}"
        for name, lazy, line in imported(ast.parse(path.read_text()))
        if wrong(importer, room(name), lazy)
    ]
    assert not offenders


def test_the_rule_refuses_an_import_upwards() -> None:
    assert wrong("game", "attribution", lazy=True)
    assert wrong("render", "game", lazy=False)
    assert wrong("types", "store", lazy=False)
    assert not wrong("types", "store", lazy=True)
    assert not wrong("cli", "run", lazy=False)
