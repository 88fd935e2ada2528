"""The page as text: self-contained, safe, complete. What it does in a browser is in tests/e2e."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.render import specimens
from tests.render.test_terminal import MADE

from glossator.render import to_html


class Elements(HTMLParser):
    """Every element with its attributes, and the text of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inline: list[str] = []
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        self._inside = tag

    def handle_endtag(self, tag):
        self._inside = ""

    def handle_data(self, data):
        if self._inside in ("script", "style"):
            self.inline.append(data)


def data_of(page: str) -> dict:
    match = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)
    assert match
    return json.loads(match[1])


@pytest.mark.parametrize("name", MADE)
def test_nothing_is_loaded_and_nothing_of_the_text_becomes_markup(name):
    page = Elements(to_html(MADE[name]()))
    tags = {tag for tag, _ in page.found}
    known = {"html", "head", "meta", "title", "style", "body", "glossator-explanation"}
    assert tags <= known | {"script", "table", "tr", "th", "td"}
    assert not any({"src", "href", "onerror"} & set(attributes) for _, attributes in page.found)


def test_the_policy_allows_exactly_the_code_and_style_in_the_page():
    page = Elements(to_html(specimens.kite()))
    policy = next(a["content"] for _, a in page.found if "http-equiv" in a)
    digests = {
        "sha256-" + base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
        for code in page.inline
    }
    allowed = set(re.findall(r"'(sha256-[^']+)'", policy))
    assert allowed <= digests and len(allowed) == 2
    assert "default-src 'none'" in policy and "unsafe" not in policy


@pytest.mark.parametrize("name", MADE)
def test_the_data_are_the_scores(name):
    explanation = MADE[name]()
    data = data_of(to_html(explanation))
    packed = np.frombuffer(base64.b64decode(data["scores"]), "<f4")
    expected = explanation.scores.numpy().astype("<f4").ravel()
    assert np.array_equal(packed, expected, equal_nan=True)
    assert (data["half"] is None) == (explanation.stderr is None)
    assert data["text"] == explanation.text


def test_a_notebook_gets_an_element_and_no_page():
    cell = to_html(specimens.kite(), standalone=False)
    assert cell.startswith("<glossator-explanation>") and "<html" not in cell
    assert specimens.kite()._repr_html_() == cell


def test_without_scripts_there_is_a_table():
    page = to_html(specimens.kite())
    assert re.search(r"<table>.*Mia\w* \+3", page, re.S)


def test_a_verdict_is_on_the_page_with_and_without_scripts():
    page = to_html(specimens.trusted())
    assert page.count("is explained by 2 words: Tom, kite.") == 2  # data and table
    assert "Trust: 1 of 2 explained" in page
    assert '"verdict":null' in to_html(specimens.kite())


def test_a_caveat_is_on_the_page_with_and_without_scripts():
    explanation = specimens.single()
    notes = {"caveat": "attention is <no> effect", "unit": "share"}
    noted = dataclasses.replace(explanation.provenance, notes=notes)
    page = to_html(dataclasses.replace(explanation, provenance=noted))
    assert data_of(page)["legend"][-1] == "Mind: attention is <no> effect."
    assert data_of(page)["shares"] and data_of(page)["measure"] == "share"
    assert "<p>Mind: attention is &lt;no&gt; effect.</p>" in page
