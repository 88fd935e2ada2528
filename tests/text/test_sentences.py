"""Sentence boundaries, a case for each rule of UAX #29 (section 5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glossator.text.sentences import sentences


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One.\r\nTwo\u2029Three", ["One.", "Two", "Three"]),  # SB3, SB4
        ("A dog\u0301.\u0301 It barks.", ["A dog\u0301.\u0301", "It barks."]),  # SB5
        ("Pi is 3.14", ["Pi is 3.14"]),  # SB6
        ("The U.S.A. He left.", ["The U.S.A.", "He left."]),  # SB7
        ("He came at 3 p.m. on foot.", ["He came at 3 p.m. on foot."]),  # SB8
        ("etc.) (the rest.", ["etc.) (the rest."]),  # SB8
        ("Wait... what?! Yes!", ["Wait... what?!", "Yes!"]),  # SB8, SB8a
        ("Oh?, she said.", ["Oh?, she said."]),  # SB8a
        ("“Go.” He went.", ["“Go.”", "He went."]),  # SB9
        ("One.   Two", ["One.", "Two"]),  # SB10, SB11
        ("我来了。他走了！", ["我来了。", "他走了！"]),
        ("क्या हाल है? ठीक है।", ["क्या हाल है?", "ठीक है।"]),
        ("هل أنت هنا؟ نعم.", ["هل أنت هنا؟", "نعم."]),
        ("no end", ["no end"]),
        (" \n ", []),
        ("", []),
    ],
)
def test_rules(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


@given(st.text(alphabet=st.sampled_from("aB1.?,) \n。\u0301”")))
def test_sentences_hold_everything_but_white_space(text: str) -> None:
    spans = sentences(text)
    outside = [i for i in range(len(text)) if not any(a <= i < b for a, b in spans)]
    assert all(text[i].isspace() for i in outside)
    assert all(b <= c for (_, b), (c, _) in zip(spans, spans[1:], strict=False))
    assert all(text[a:b].strip() == text[a:b] != "" for a, b in spans)
