"""Data sets of texts: a file with a JSON object in each line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from glossator.cli import request
from glossator.errors import InputError

if TYPE_CHECKING:
    from glossator.run import Item

FIELDS = ("prompt", "pair", "continuation", "contrast", "rationale")
"""What a line may have."""


def read_items(file: Path) -> list[Item]:
    """The texts of a data set, one JSON object in each line that is not blank.

    Raises:
        InputError: the file cannot be read, or a line is not such an object.
    """
    from glossator.run import Item

    lines = request.read_text(file, "data set").splitlines()
    items = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            given = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"line {number} of '{file}' is no JSON: {error}") from None
        unknown = set(given) - set(FIELDS) if isinstance(given, dict) else {"no object"}
        if unknown or not isinstance(given.get("prompt"), str):
            raise InputError(
                f"line {number} of '{file}' has to be an object with prompt and, if there are "
                f"such, {', '.join(FIELDS[1:])}; got {', '.join(sorted(unknown)) or 'no prompt'}"
            )
        asked = {name: given[name] for name in FIELDS[1:4] if given.get(name) is not None}
        rationale = given.get("rationale")
        spans = [tuple(each) if isinstance(each, list) else each for each in rationale or []]
        items.append(Item(given["prompt"], asked, None if rationale is None else spans))
    if not items:
        raise InputError(f"the data set '{file}' is empty: give a JSON object in each line")
    return items
