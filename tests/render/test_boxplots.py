"""Boxplots: right kind of file, the same bytes twice, every word named."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.errors import InputError
from glossator.render import boxplots

RUNS = np.random.default_rng(0).normal(size=(12, 5)) + [2, 0, -2, 0, 1]
WORDS = ["Tom", "gave", "Tom", "$5", "kite"]


def drawn(kind: str = "svg", words: int = 5, panels: int = 1) -> bytes:
    names, table = (WORDS * 30)[:words], np.tile(RUNS, (1, 30))[:, :words]
    titles = ["Mia"] * panels
    return boxplots(names, [table] * panels, titles=titles, measure="nats", kind=kind)


@pytest.mark.parametrize(
    ("kind", "begin"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_the_same_numbers_give_the_same_bytes(kind: str, begin: bytes) -> None:
    assert drawn(kind).startswith(begin)
    assert drawn(kind) == drawn(kind)


def test_words_and_unit_are_text_in_the_drawing() -> None:
    text = drawn().decode()
    assert ">Tom₁" in text and ">Tom₂" in text and "$5" in text and "score (nats)" in text


def test_long_texts_and_several_targets_are_continued_below() -> None:
    heights = [drawn(words=w, panels=p).split(b'height="')[1].split(b"pt")[0]
               for w, p in ((5, 1), (120, 1), (5, 3))]  # fmt: skip
    assert float(heights[0]) < min(float(heights[1]), float(heights[2]))


def test_a_word_without_scores_has_no_box() -> None:
    table = RUNS.copy()
    table[:, 1] = np.nan
    assert boxplots(WORDS, [table], titles=["Mia"], measure="nats", kind="svg")


def test_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="svg, png, pdf"):
        drawn("bmp")
