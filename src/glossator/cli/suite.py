"""`glossator evaluate --suite`: methods and removals on texts whose decisive words are known."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import output, request
from glossator.cli.progress import reporting
from glossator.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from glossator.run.leaderboard import Entry, Leaderboard
    from glossator.types import Estimate

WHOLE = "ground-truth"
PANEL = "Texts whose decisive words are known"

Suites = Annotated[
    list[str] | None,
    typer.Option(
        "--suite",
        metavar="NAME",
        help=f"Instead of a prompt: {WHOLE}, or some of its parts (programs, world, planted, "
        "reviews; sst, cad, cose with --data). Repeatable, or with commas.",
        rich_help_panel=PANEL,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of the texts that people marked.", rich_help_panel=PANEL
    ),
]
Rows = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        help="Rows that a method may ask for, each text.",
        rich_help_panel=PANEL,
    ),
]
Items = Annotated[
    int, typer.Option(metavar="N", min=1, help="Texts of each set.", rich_help_panel=PANEL)
]
Kept = Annotated[
    Path | None,
    typer.Option(
        "--record",
        metavar="FILE",
        help="Keep every measurement in FILE, so that the same command goes on where it was.",
        rich_help_panel=PANEL,
    ),
]

OF_SUITES = {"data": "--data", "rows": "--rows", "items": "--items", "kept": "--record"}
TAKEN = (
    *("suite", *OF_SUITES, "methods", "removal", "seed", "model", "kind", "revision"),
    *("trust_remote_code", "allow_pickle", "device", "dtype", "as_json", "quiet"),
)
"""Options that make sense with a suite."""


def refuse_without_suite(context: typer.Context) -> None:
    """Refuse options of suites where none is asked for.

    Raises:
        InputError: which.
    """
    for name, flag in OF_SUITES.items():
        if request.typed(context, name):
            raise InputError(f"{flag} belongs to a suite: type --suite {WHOLE} with it")


def evaluate_suites(context: typer.Context) -> None:
    """Measure methods on the suites that were asked for, and print the leaderboard.

    Raises:
        InputError: an option that a suite does not take, an unknown name, a suite without its data.
    """
    board = _board(context)
    if context.params["as_json"]:
        output.print_json(record(board))
    else:
        _print(board)


def _board(context: typer.Context) -> Leaderboard:
    given = context.params
    for name in given:
        if name not in TAKEN and request.typed(context, name):
            raise InputError(
                f"--suite has texts of its own, so it takes no {name.replace('_', '-')}: leave one "
                "of the two out"
            )
    methods = request.listed(given["methods"]) if request.typed(context, "methods") else None
    suites = [name for text in given["suite"] for name in request.listed(text)]
    with reporting(given["quiet"]) as progress:
        from glossator.run import ground_truth

        return ground_truth(
            None if given["model"] is None else request.load(context),
            methods=methods,
            removals=None if given["removal"] is None else request.listed(given["removal"]),
            suites=None if suites == [WHOLE] else suites,
            items=given["items"],
            rows=given["rows"],
            data=given["data"],
            seed=given["seed"],
            record=given["kept"],
            progress=progress,
        )


def record(board: Leaderboard) -> dict[str, Any]:
    """The JSON of a leaderboard."""
    from glossator.store.record import plain

    whole = {
        "schema": "glossator.leaderboard/1",
        "entries": [_entry(board, entry) for entry in board.entries],
        "chance": {"precision": board.chance[0], "rest": board.chance[1]},
        "sets": [
            {"suite": suite, "set": name, "right": right, "drawn": drawn}
            for (suite, name), (right, drawn) in board.right.items()
        ],
        "refused": dict(board.refused),
        "recommended": [
            {"rows": each.rows, "best": each.best.name, "as_good": [e.name for e in each.as_good]}
            for each in board.advice
        ],
    }
    return {key: plain(value, 9, key) for key, value in whole.items()}


def _entry(board: Leaderboard, entry: Entry) -> dict[str, Any]:
    estimates = ("precision", "first", "rest", "shapley")
    found: dict[str, Any] = {"method": entry.method, "removal": entry.removal}
    for name in estimates:
        estimate: Estimate | None = getattr(entry, name)
        found[name] = None if estimate is None else asdict(estimate)
    return found | {
        "p": board.p.get(entry.name),
        "rows": entry.rows,
        "by_suite": dict(entry.by_suite),
        "measured": entry.measured,
        "failed": entry.failed,
        "why": entry.why,
    }


def _print(board: Leaderboard) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    console.print(_table(board))
    console.print("\nWhat to take:")
    for each in board.advice:
        console.print(f"  {each}")
    for name, why in board.refused.items():
        console.print(f"No score of {name}: {why}", style="dim")
    right, drawn = (sum(counts) for counts in zip(*board.right.values(), strict=True))
    console.print(
        f"\nMeans [95% interval] over {right} texts of {len(board.right)} sets; {drawn - right} "
        "others were answered otherwise than they should be and are left out. Precision: of k "
        "words that decide, the share among the k highest scores. Rest: the share of the sizes of "
        "scores that other words have. p: that the precision differs from that of the first line "
        "(permutation test, Holm's correction).",
        style="dim",
    )


def _table(board: Leaderboard) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("method")
    table.add_column("removal")
    for title in ("precision", "p", "rest", "rows", "without"):
        table.add_column(title, justify="right")
    for entry in board.entries:
        p, texts = board.p.get(entry.name), entry.measured + entry.failed
        table.add_row(
            entry.method,
            entry.removal,
            f"{entry.precision.value:.2f} [{entry.precision.low:.2f}, {entry.precision.high:.2f}]",
            "" if p is None else f"{p:.2g}",
            f"{entry.rest.value:.2f}",
            f"{entry.rows:.0f}",
            f"{entry.failed} of {texts}" if entry.failed else "",
        )
    precision, rest = (f"{value:.2f}" for value in board.chance)
    table.add_row("random order", "", precision, "", rest, "0", "")
    return table
