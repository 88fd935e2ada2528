"""Everything a user can name has its place in the documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import glossator.attribution
import glossator.evaluation  # noqa: F401  registers the metrics
from glossator import errors
from glossator.game.readout import READOUTS
from glossator.game.removal import REMOVALS
from glossator.registry import METHODS, METRICS

DOCS = Path(__file__).parents[2] / "docs"
SECTIONS = ("Formula", "How to read it", "Cost", "Parameters", "When to use it", "Source")


def headings(page: Path) -> list[str]:
    return re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("name", list(METHODS))
def test_method_has_a_page(name: str) -> None:
    page = DOCS / "methods" / f"{name}.md"
    assert page.exists(), f"write docs/methods/{name}.md (CONTRIBUTING.md says how)"
    title, *sections = headings(page)
    assert title == f"`{name}`"
    assert [section for section in SECTIONS if section not in sections] == []
    text, method = page.read_text(encoding="utf-8"), METHODS.get(name)
    assert f"`{method.rows}`" in text, "the page states the cost as the registry does"
    missing = [each for each in method.parameters if f"`{each}`" not in text]
    assert not missing, f"parameters without a word in the page: {missing}"
    assert f"({name}.md)" in (DOCS / "methods" / "index.md").read_text(encoding="utf-8")
    assert f"| `{name}` |" in (DOCS / "which-method.md").read_text(encoding="utf-8")


def test_no_page_without_a_method() -> None:
    pages = {page.stem for page in (DOCS / "methods").glob("*.md")} - {"index"}
    assert pages == set(METHODS)


OF_METRICS = (*SECTIONS, "Control", "Degenerate input")


@pytest.mark.parametrize("name", list(METRICS))
def test_metric_has_a_page(name: str) -> None:
    page = DOCS / "metrics" / f"{name}.md"
    assert page.exists(), f"write docs/metrics/{name}.md: copy the page of one that resembles it"
    title, *sections = headings(page)
    assert title == f"`{name}`"
    assert [section for section in OF_METRICS if section not in sections] == []
    text, metric = page.read_text(encoding="utf-8"), METRICS.get(name)
    assert f"`{metric.rows}`" in text, "the page states the cost as the registry does"
    missing = [each for each in metric.parameters if f"`{each}`" not in text]
    assert not missing, f"parameters without a word in the page: {missing}"
    index = (DOCS / "metrics" / "index.md").read_text(encoding="utf-8")
    assert re.search(rf"\({name}\.md\) \|.*\| {metric.direction} \|", index)


def test_no_metrics_page_without_a_metric() -> None:
    pages = {page.stem for page in (DOCS / "metrics").glob("*.md")} - {"index"}
    assert pages == set(METRICS)


@pytest.mark.parametrize(("registry", "page"), [(REMOVALS, "removals"), (READOUTS, "readouts")])
def test_removals_and_readouts_have_sections(registry: object, page: str) -> None:
    titles = headings(DOCS / f"{page}.md")
    assert [name for name in registry if f"`{name}`" not in titles] == []  # type: ignore[attr-defined]


def test_errors_are_explained() -> None:
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    assert [name for name in errors.__all__ if name not in text] == []
