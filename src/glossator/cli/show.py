"""`glossator show`: look at a stored explanation, or turn it into another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from glossator.cli import options, output


def show(
    file: Annotated[Path, typer.Argument(help="An explanation in JSON.", show_default=False)],
    as_json: options.Json = False,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Show a stored explanation, or write it as a page or a figure. No model is needed."""
    files = out or []
    output.check(files)
    from glossator.store import load

    output.deliver(load(file), files, as_json=as_json, quiet=quiet)
