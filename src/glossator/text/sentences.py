"""Sentences of a text in any script: UAX #29 sentence boundaries.

The rules SB3 to SB11 written as one regular expression over Unicode's Sentence_Break property.
uniseg has them too, but needs 4 s for 40,000 characters.

Source: Unicode Standard Annex #29, "Unicode Text Segmentation", section 5.
"""

from __future__ import annotations

from itertools import pairwise

import regex

from glossator.text.words import Span

# SB5: combining and format characters (EX, FO) belong to the character before them.
_END = regex.compile(
    r"""
      \r\n | [\p{SB=SE}\r\n]                                        # SB3, SB4: end of paragraph
    | (?: \p{SB=ST}                                                 # ! ? 。
        | (?: (?<= [\p{SB=UP}\p{SB=LO}] [\p{SB=EX}\p{SB=FO}]* )
              \p{SB=AT} [\p{SB=EX}\p{SB=FO}]*+ (?! \p{SB=UP} )       # SB7: U.S.
            | (?<! [\p{SB=UP}\p{SB=LO}] [\p{SB=EX}\p{SB=FO}]* )
              \p{SB=AT} [\p{SB=EX}\p{SB=FO}]*+ )
          (?! \p{SB=NU} )                                           # SB6: 3.14
          (?! (?:\p{SB=CL}[\p{SB=EX}\p{SB=FO}]*+)*+ (?:\p{SB=SP}[\p{SB=EX}\p{SB=FO}]*+)*+
              [^\p{SB=LE}\p{SB=UP}\p{SB=LO}\p{SB=SE}\r\n\p{SB=ST}\p{SB=AT}]*+ \p{SB=LO} )  # SB8
      )
      [\p{SB=EX}\p{SB=FO}]*+
      (?: \p{SB=CL}[\p{SB=EX}\p{SB=FO}]*+ )*+                       # SB9: closing marks
      (?: \p{SB=SP}[\p{SB=EX}\p{SB=FO}]*+ )*+                       # SB10: spaces
      (?! [\p{SB=SC}\p{SB=ST}\p{SB=AT}] )                           # SB8a: ", " and "!!"
      (?: \r\n | [\p{SB=SE}\r\n] )?                                 # SB11
    """,
    regex.VERBOSE | regex.VERSION1,
)


def sentences(text: str) -> tuple[Span, ...]:
    """Character spans of the sentences of a text, without the white space around them.

    Args:
        text: any string.

    Returns:
        (start, end) of each, in order, not overlapping.

    Example:
        >>> text = "It costs 3.14 dollars. Really? Yes."
        >>> [text[start:end] for start, end in sentences(text)]
        ['It costs 3.14 dollars.', 'Really?', 'Yes.']
    """
    cuts = sorted({0, *(found.end() for found in _END.finditer(text)), len(text)})
    spans = ((start, text[start:end]) for start, end in pairwise(cuts))
    return tuple(
        (start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))
        for start, piece in spans
        if not piece.isspace()
    )
