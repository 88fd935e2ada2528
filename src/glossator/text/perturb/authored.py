"""Pairs that people have written: one JSON object on each line."""

from __future__ import annotations

import json
from typing import Any

from glossator.errors import InputError
from glossator.text.alignment import Place
from glossator.text.perturb.pair import Pair, expectation_named

KNOWN = ("original", "perturbed", "kind", "expectation", "expected", "places")


def parse_pairs(lines: str) -> list[Pair]:
    r"""Pairs from the text of a JSONL file.

    Each line has `original`, `perturbed` and `kind`, and may have `expectation` ("same" or
    "changes"), `expected` (the prediction that should follow) and `places`
    ([[start, end, start, end], ...], characters of both texts). What else it has is kept in the
    pair's record.

    Raises:
        InputError: which line cannot be used, and why.

    Example:
        >>> line = '{"original": "A cup", "perturbed": "Two cups", "kind": "number", "author": "E"}'
        >>> (pair,) = parse_pairs(line + "\n")
        >>> pair.kind, pair.expectation, pair.record
        ('number', None, {'author': 'E'})
    """
    pairs = []
    for count, line in enumerate(lines.splitlines(), 1):
        if line.strip():
            try:
                pairs.append(_pair(json.loads(line)))
            except json.JSONDecodeError as error:
                raise InputError(f"line {count} is no JSON: {error}") from None
            except InputError as error:
                raise InputError(f"line {count}: {error}") from None
    if not pairs:
        raise InputError("the file of pairs is empty: write a JSON object on each line")
    return pairs


def _pair(entry: Any) -> Pair:
    needed = ("original", "perturbed", "kind")
    if not isinstance(entry, dict) or not all(isinstance(entry.get(key), str) for key in needed):
        raise InputError("a pair is an object with the texts 'original', 'perturbed' and 'kind'")
    expectation, expected = entry.get("expectation"), entry.get("expected")
    if expected is not None and not isinstance(expected, str):
        raise InputError(f"'expected' is {expected!r}: write the prediction as a text")
    places = entry.get("places") or []
    if not isinstance(places, list):
        raise InputError(f"'places' is {places!r}: write [[start, end, start, end], ...]")
    if expectation is None and expected is not None:
        expectation = "changes"
    return Pair(
        entry["original"],
        entry["perturbed"],
        entry["kind"],
        tuple(_place(place) for place in places),
        None if expectation is None else expectation_named(expectation),
        expected,
        {key: value for key, value in entry.items() if key not in KNOWN},
    )


def _place(numbers: Any) -> Place:
    if not isinstance(numbers, list) or [type(each) for each in numbers] != [int] * 4:
        raise InputError(f"got the place {numbers!r}: write [start, end, start, end]")
    a, b, c, d = numbers
    return (a, b), (c, d)
