"""The command line: one file per command, and one place where its errors become one line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from glossator import __version__
from glossator.cli import remote
from glossator.cli.attention import attention
from glossator.cli.cite import cite
from glossator.cli.compare import compare
from glossator.cli.erase import erase
from glossator.cli.evaluate import evaluate
from glossator.cli.explain import explain
from glossator.cli.methods import methods
from glossator.cli.metrics import metrics
from glossator.cli.pairs import pairs
from glossator.cli.show import show
from glossator.cli.stability import stability
from glossator.errors import GlossatorError

if TYPE_CHECKING:
    from glossator.model import RemoteModel

INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C ended

app = typer.Typer(
    name="glossator",
    help="Explain what a language model generates, word by word, with error bars.",
    epilog='Try: glossator explain "Mia and Tom went to the park. Tom gave the kite to"',
    add_completion=False,
    pretty_exceptions_enable=False,  # a bug keeps its plain traceback
)
for command in (
    explain,
    compare,
    evaluate,
    pairs,
    cite,
    stability,
    attention,
    erase,
    methods,
    metrics,
    show,
):
    app.command()(command)


def _print_version(wanted: bool) -> bool:
    if wanted:
        print(f"glossator {__version__}")
        raise typer.Exit
    return wanted


@app.callback()
def _root(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Takes options that stand before a command."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: the words after `glossator`; those of the process when None.

    Returns:
        The exit status: 0, 2 for an error the user can mend (one line on stderr says which),
        130 when interrupted. Any other exception is a bug and keeps its traceback.

    Example:
        >>> main(["explain", ""])
        2
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    asked: list[RemoteModel] = []  # the command adds the one that it asks
    try:
        status = app(words or ["--help"], prog_name="glossator", standalone_mode=False, obj=asked)
    except GlossatorError as error:
        return _fail(str(error))
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "glossator"
        return _fail(f"{error.format_message()} (see {command} --help)")
    if status == INTERRUPTED:
        print(f"glossator: interrupted; {remote.kept(asked)}", file=sys.stderr)
    return int(status or 0)


def _fail(message: str) -> int:
    print(f"glossator: {' '.join(message.split())}", file=sys.stderr)
    return 2
