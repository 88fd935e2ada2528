"""`glossator methods`: what each method measures, what it costs, where it comes from."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options

if TYPE_CHECKING:
    from glossator.registry import Method


def methods(
    name: Annotated[
        str | None, typer.Argument(help="Show one method in full.", show_default=False)
    ] = None,
    as_json: options.Json = False,
) -> None:
    """List the attribution methods: what each measures, its cost, its source."""
    import glossator.attribution  # noqa: F401  registers the methods
    from glossator.registry import METHODS

    chosen = [METHODS.get(name)] if name else [METHODS.get(known) for known in METHODS]
    if as_json:
        print(json.dumps([_record(method) for method in chosen], ensure_ascii=False, indent=1))
    elif name:
        _print_one(chosen[0])
    else:
        _print_all(chosen)


def _record(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "measures": method.measures,
        "needs": method.needs,
        "rows": method.rows,
        "sampled": method.sampled,
        "paper": method.paper,
        "parameters": {name: each.default for name, each in method.parameters.items()},
    }


def _cost(method: Method) -> str:
    errors = "estimated, with standard errors" if method.sampled else "exact"
    return f"forward rows: {method.rows}; {errors}"


def _print_all(methods: list[Method]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 1, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for method in methods:
        says = Text.assemble(method.measures, "\n", (f"{_cost(method)}\n{method.paper}", "dim"))
        table.add_row(Text(method.name, style="bold"), says)
    console = Console()
    console.print(table)
    last = "n = number of players (words that may be absent). One in full: glossator methods NAME"
    console.print(last, style="dim", highlight=False)


def _print_one(method: Method) -> None:
    from rich.console import Console

    print_ = Console(highlight=False, markup=False, soft_wrap=True).print
    print_(method.name, style="bold")
    print_(f"measures    {method.measures}")
    print_(f"cost        {_cost(method)}")
    print_(f"source      {method.paper}")
    given = [f"{name}={each.default}" for name, each in method.parameters.items()]
    print_(f"parameters  {', '.join(given) or 'none'}")
    print_(f"\n{inspect.getdoc(method.run)}")
