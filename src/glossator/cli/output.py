"""What a command leaves behind: a view or JSON on standard output, and files."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from glossator.errors import InputError

if TYPE_CHECKING:
    from glossator.types import Explanation

FIGURES = (".svg", ".png", ".pdf")
ENDINGS = (".json", ".html", *FIGURES)


def check(files: Sequence[Path], endings: Sequence[str] = ENDINGS) -> None:
    """Refuse files that could not be written, before the model runs.

    Raises:
        InputError: an ending that is none of those known, or no folder to write to.
    """
    for file in files:
        if file.suffix not in endings:
            raise InputError(f"cannot write '{file}': use a name that ends in {', '.join(endings)}")
        folder = file.parent
        if not folder.is_dir():
            raise InputError(f"no folder '{folder}' for '{file.name}': type mkdir -p '{folder}'")
        if file.is_dir() or not os.access(folder, os.W_OK):
            raise InputError(f"'{file}' cannot be written: give --out another place")


def deliver(explanation: Explanation, files: Sequence[Path], *, as_json: bool, quiet: bool) -> None:
    """Write the files, then print the explanation: as JSON, or as a view for people.

    Raises:
        StoreError: a file cannot be written.
    """
    for file in files:
        write(explanation, file)
    if as_json:
        from glossator.store import to_json

        print_json(to_json(explanation))
    else:
        from glossator.render import print_terminal

        print_terminal(explanation)
    if not quiet:
        for file in files:
            print(f"wrote {file}", file=sys.stderr)


def write(explanation: Explanation, file: Path) -> None:
    """Write an explanation in the format that the file's ending names.

    Raises:
        StoreError: the file cannot be written.
    """
    from glossator import render, store

    if file.suffix == ".json":
        store.save(explanation, file)
    elif file.suffix == ".html":
        store.write_atomically(file, render.to_html(explanation).encode())
    else:
        store.write_atomically(file, render.to_figure(explanation, file.suffix[1:]))


def write_record(record: dict[str, Any], file: Path) -> None:
    """Write a record as JSON.

    Raises:
        StoreError: the file cannot be written.
    """
    from glossator.store import write_atomically
    from glossator.store.files import dump

    write_atomically(file, dump(record).encode())


def print_json(record: dict[str, Any]) -> None:
    """Print a record on standard output, as it would stand in a file."""
    from glossator.store.files import dump

    print(dump(record), end="", flush=True)
