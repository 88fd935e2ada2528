"""A file is an idea and a function a step: neither grows beyond what can be read at once."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("src", "tests", "benchmarks", "docs", "recipes")
FILES = sorted(
    path for folder in ROOMS for path in (ROOT / folder).rglob("*.py") if "_build" not in path.parts
)
FILE_LINES, FUNCTION_LINES = 500, 60
# A module is named after what it holds; these names hold anything.
FORBIDDEN = {"utils", "util", "common", "helpers", "helper", "base", "misc"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def lines(node: ast.stmt) -> int:
    """Lines from `def` to the end, without the docstring: documentation costs nothing."""
    assert node.end_lineno is not None
    total = node.end_lineno - node.lineno + 1
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
        total -= lines(node.body[0])
    return total


@pytest.mark.parametrize("path", FILES, ids=name)
def test_size_and_name(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert path.stem not in FORBIDDEN
    assert path.parent.name not in FORBIDDEN
    assert len(source.splitlines()) <= FILE_LINES
    functions = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert not {each.name: lines(each) for each in functions if lines(each) > FUNCTION_LINES}


def test_the_rooms_are_found() -> None:
    assert any(name(path) == "src/glossator/types.py" for path in FILES)


def test_lines_are_counted_without_the_docstring() -> None:
    function = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n').body[0]
    assert lines(function) == 2
