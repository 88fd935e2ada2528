"""`glossator methods` says of each method what it measures, costs, and where it comes from."""

from __future__ import annotations

import json

import pytest

import glossator.attribution  # noqa: F401  registers the methods
from glossator.cli import main
from glossator.registry import METHODS


def test_list_names_every_method_with_cost_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods"]) == 0
    printed = capsys.readouterr().out
    assert list(METHODS)
    assert [name for name in METHODS if name not in printed] == []
    words = printed.split()
    for name in METHODS:
        # Lines are wrapped to the width of the terminal: compare words.
        assert set(METHODS.get(name).paper.split()) <= set(words)


def test_one_in_full_has_its_parameters_and_documentation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["methods", "integrated_gradients"]) == 0
    printed = capsys.readouterr().out
    method = METHODS.get("integrated_gradients")
    assert method.measures in printed
    assert all(f"{name}=" in printed for name in method.parameters)


def test_json_has_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["methods", "--json"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [record["name"] for record in records] == list(METHODS)
    assert all(record["measures"] and record["paper"] for record in records)
