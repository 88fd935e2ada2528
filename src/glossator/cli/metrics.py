"""`glossator metrics`: what each metric measures, which way is better, where it comes from."""

from __future__ import annotations

import inspect
import json
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options

if TYPE_CHECKING:
    from glossator.registry import Metric


def metrics(
    name: Annotated[
        str | None, typer.Argument(help="Show one metric in full.", show_default=False)
    ] = None,
    as_json: options.Json = False,
) -> None:
    """List the metrics of explanations: what each measures, its range, its source."""
    import glossator.evaluation  # noqa: F401  registers the metrics
    from glossator.registry import METRICS

    chosen = [METRICS.get(name)] if name else [METRICS.get(known) for known in METRICS]
    if as_json:
        print(json.dumps([_record(metric) for metric in chosen], ensure_ascii=False, indent=1))
    elif name:
        _print_one(chosen[0])
    else:
        _print_all(chosen)


def _record(metric: Metric) -> dict[str, Any]:
    """An end of the range that is infinite is null."""
    return {
        "name": metric.name,
        "measures": metric.measures,
        "needs": metric.needs,
        "direction": metric.direction,
        "range": [None if math.isinf(end) else end for end in metric.range],
        "null": metric.null,
        "rows": metric.rows,
        "paper": metric.paper,
        "parameters": {name: each.default for name, each in metric.parameters.items()},
    }


def _better(metric: Metric) -> str:
    low, high = (f"{end:g}".replace("inf", "∞") for end in metric.range)
    return f"{metric.direction} is better; between {low} and {high}"


def _print_all(metrics: list[Metric]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 1, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for metric in metrics:
        says = Text.assemble(
            metric.measures, "\n", (f"{_better(metric)}\nrows: {metric.rows}", "dim")
        )
        table.add_row(Text(metric.name, style="bold"), says)
    console = Console()
    console.print(table)
    last = "n = number of players (words). One in full: glossator metrics NAME"
    console.print(last, style="dim", highlight=False)


def _print_one(metric: Metric) -> None:
    from rich.console import Console

    print_ = Console(highlight=False, markup=False, soft_wrap=True).print
    print_(metric.name, style="bold")
    print_(f"measures    {metric.measures}")
    print_(f"reading     {_better(metric)}")
    print_(f"control     {metric.null}")
    print_(f"cost        forward rows: {metric.rows}")
    print_(f"source      {metric.paper}")
    given = [f"{name}={each.default}" for name, each in metric.parameters.items()]
    print_(f"parameters  {', '.join(given) or 'none'}")
    print_(f"\n{inspect.getdoc(metric.run)}")
