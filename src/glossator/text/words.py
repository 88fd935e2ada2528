r"""Words of a text in any script: UAX #29 word boundaries, with ICU's dictionaries where it helps.

The rules WB3 to WB16 are one regular expression over Unicode's Word_Break property. It passes
all 1,944 cases of Unicode 17's WordBreakTest and cuts 40,000 characters in 0.06 s. `regex`'s own
`(?w)\b` fails 268 of them (it glues a flag's letter or a combining mark at the start of a text
to what follows); uniseg fails 2 and needs 1.1 s.

UAX #29 has no rule for scripts written without spaces, so it cuts Chinese into ideographs. When
PyICU can be imported (extra `icu`), its dictionaries join those pieces to words; all other text
is cut alike with and without it.

Source: Unicode Standard Annex #29, "Unicode Text Segmentation", section 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise
from types import ModuleType

import regex

Span = tuple[int, int]

_E = r"[\p{WB=Extend}\p{WB=FO}\p{WB=ZWJ}]*+"  # WB4: they belong to the character before them
_LETTER = r"[\p{WB=LE}\p{WB=HL}]"
_ALPHANUMERIC = rf"""
    (?: \p{{WB=HL}} {_E} \p{{WB=DQ}} {_E} (?=\p{{WB=HL}})                               # WB7b, c
      | {_LETTER} {_E} (?: [\p{{WB=ML}}\p{{WB=MB}}\p{{WB=SQ}}] {_E} (?={_LETTER}) )?    # WB5-7, 9
      | \p{{WB=NU}} {_E} (?: [\p{{WB=MN}}\p{{WB=MB}}\p{{WB=SQ}}] {_E} (?=\p{{WB=NU}}) )?  # WB8-12
    )++"""
_RUN = rf"(?: {_ALPHANUMERIC} | (?: \p{{WB=KA}} {_E} )++ )"  # WB13
_JOINERS = rf"(?: \p{{WB=EX}} {_E} )"
_SEGMENT = regex.compile(
    rf"""
    \r\n | [\r\n\p{{WB=NL}}]                                                           # WB3-3b
  | (?: \p{{WB=WSegSpace}}++ {_E}                                                      # WB3d
      | (?: {_JOINERS}*+ {_RUN} (?: {_JOINERS}++ {_RUN} )*+ {_JOINERS}*+ | {_JOINERS}++ )  # WB13a-b
        (?: (?<=\p{{WB=HL}} [\p{{WB=Extend}}\p{{WB=FO}}\p{{WB=ZWJ}}]*) \p{{WB=SQ}} {_E} )?  # WB7a
      | \p{{WB=RI}} {_E} (?: \p{{WB=RI}} {_E} )?                                       # WB15, 16
      | . {_E}                                                                         # WB999
    ) (?: (?<=\u200d) \p{{Extended_Pictographic}} {_E} )*+                             # WB3c
    """,
    regex.VERBOSE | regex.VERSION1 | regex.DOTALL,
)
_INVISIBLE = regex.compile(r"[\s\p{Cc}\p{Cf}]*")
_UNSPACED = regex.compile(
    r"[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Thai}\p{scx=Lao}\p{scx=Khmer}\p{scx=Myanmar}]"
)
_WORD_CHARACTERS = regex.compile(r"\w\w")


def words(text: str) -> tuple[Span, ...]:
    """Character spans of the words and punctuation marks of a text; white space is in none.

    Args:
        text: any string.

    Returns:
        (start, end) of each, in order, not overlapping.

    Example:
        >>> text = "Don't pay 3.14, U.S. friends!"
        >>> [text[start:end] for start, end in words(text)]
        ["Don't", 'pay', '3.14', ',', 'U.S', '.', 'friends', '!']
    """
    found = (segment.span() for segment in _SEGMENT.finditer(text))
    spans = [span for span in found if not _INVISIBLE.fullmatch(text, *span)]
    return tuple(_joined_by_dictionary(text, spans))


def word_segmenter() -> str:
    """Which rules cut words here and now, for the record of where a result comes from.

    Example:
        >>> word_segmenter().startswith("UAX #29 (regex ")
        True
    """
    icu = _icu()
    dictionaries = f" + ICU {icu.ICU_VERSION} dictionaries" if icu else ""
    return f"UAX #29 (regex {regex.__version__}){dictionaries}"


def join_one_word(before: str, after: str) -> bool:
    """Whether the last character of one text and the first of the next belong to one word.

    Example:
        >>> join_one_word("a dog", "ged rival"), join_one_word("a dog", " barks")
        (True, False)
    """
    seam = before[-1:] + after[:1]
    return bool(_WORD_CHARACTERS.fullmatch(seam) and _SEGMENT.fullmatch(seam))


def _icu() -> ModuleType | None:
    try:
        import icu
    except ImportError:
        return None
    found: ModuleType = icu
    return found


def _joined_by_dictionary(text: str, spans: list[Span]) -> Iterator[Span]:
    """Cut every run of unspaced script anew, by dictionary; keep the other spans."""
    icu = _icu() if _UNSPACED.search(text) else None
    if icu is None:
        yield from spans
        return
    breaker = icu.BreakIterator.createWordInstance(icu.Locale.getRoot())
    for (unspaced, _), group in groupby(_numbered_runs(text, spans), key=lambda item: item[0]):
        run = [span for _, span in group]
        if not unspaced:
            yield from run
            continue
        start, end = run[0][0], run[-1][1]
        breaker.setText(text[start:end])
        cuts = [start, *(start + cut for cut in _code_points(text[start:end], list(breaker)))]
        yield from (cut for cut in pairwise(cuts) if not _INVISIBLE.fullmatch(text, *cut))


def _numbered_runs(text: str, spans: list[Span]) -> Iterator[tuple[tuple[bool, int], Span]]:
    """Each span with (is it of an unspaced script, number of its run); runs have no gaps."""
    run, previous_end = 0, 0
    for start, end in spans:
        run += start != previous_end
        previous_end = end
        yield (bool(_UNSPACED.match(text, start)), run), (start, end)


def _code_points(text: str, cuts: list[int]) -> list[int]:
    """ICU counts UTF-16 units, Python code points: the same places counted Python's way."""
    if text.isascii() or max(text) <= "\uffff":
        return cuts
    units = text.encode("utf-16-le")
    return [len(units[: 2 * cut].decode("utf-16-le")) for cut in cuts]
