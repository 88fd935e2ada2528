"""Words in many languages, with and without ICU's dictionaries."""

from __future__ import annotations

import sys

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.text.hard_strings import FAMILY, FRANCE, SPACED, UNSPACED

from glossator.text.words import join_one_word, word_segmenter, words


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in words(text)]


@pytest.fixture()
def without_icu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icu", None)


@pytest.mark.parametrize("language", SPACED)
def test_languages_with_spaces(language: str) -> None:
    text, expected = SPACED[language]
    assert pieces(text) == expected


@pytest.mark.parametrize("language", SPACED)
def test_languages_with_spaces_need_no_dictionary(language: str, without_icu: None) -> None:
    text, expected = SPACED[language]
    assert pieces(text) == expected


@pytest.mark.parametrize("language", UNSPACED)
def test_languages_without_spaces_by_dictionary(language: str) -> None:
    icu = pytest.importorskip("icu", reason="PyICU is not installed (extra `icu`)")
    text, expected, _ = UNSPACED[language]
    assert pieces(text) == expected
    assert word_segmenter().endswith(f" + ICU {icu.ICU_VERSION} dictionaries")


@pytest.mark.parametrize("language", UNSPACED)
def test_languages_without_spaces_and_without_dictionary(language: str, without_icu: None) -> None:
    text, _, expected = UNSPACED[language]
    assert pieces(text) == expected
    assert "ICU" not in word_segmenter()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # One line a rule of UAX #29, table 3.
        ("a\r\nb\n\rc", ["a", "b", "c"]),
        (f"{FAMILY}{FAMILY}", [FAMILY, FAMILY]),  # WB3c
        ("a\u0308\u200db", ["a\u0308\u200db"]),  # WB4
        ("can't can't.", ["can't", "can't", "."]),  # WB6, WB7
        ("א' א'א", ["א'", "א'א"]),  # WB7a
        ('א"א א"', ['א"א', "א", '"']),  # WB7b, WB7c
        ("3a a3 1.2 1,2, 1:2", ["3a", "a3", "1.2", "1,2", ",", "1", ":", "2"]),  # WB8 to WB12
        ("カナabc", ["カナ", "abc"]),  # WB13
        ("_a_1_カ_", ["_a_1_カ_"]),  # WB13a, WB13b
        (FRANCE + FRANCE[0] + "x", [FRANCE, FRANCE[0], "x"]),  # WB15, WB16
        ("\u0300a", ["\u0300", "a"]),  # a mark without a base
    ],
)
def test_rules(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@given(st.text(alphabet=st.sampled_from("aß'3.,_\"א 我กカ\u0301\u200d\u200b\n❤🇫👩é")))
@example("")
@example(" \u0301 ")
def test_words_hold_everything_but_white_space(text: str) -> None:
    spans = words(text)
    inside = {i for start, end in spans for i in range(start, end)}
    assert len(inside) == sum(end - start for start, end in spans)
    assert list(spans) == sorted(spans)
    assert all(start < end for start, end in spans)
    visible = {i for i, character in enumerate(text) if character not in " \n\u200b\u200d"}
    assert visible <= inside


def test_a_seam_in_a_word_is_seen() -> None:
    assert join_one_word("vor", "gestern")
    assert join_one_word("3", "4")
    assert not join_one_word("vor", " gestern")
    assert not join_one_word("vor ", "gestern")
    assert not join_one_word("我", "爱")  # each ideograph can be a word
    assert not join_one_word("(", ")")
    assert not join_one_word("", "a")
