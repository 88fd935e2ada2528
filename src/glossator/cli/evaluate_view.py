"""What `glossator evaluate` shows: a table for each metric, a record for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

    from glossator.registry import Metric
    from glossator.run import Cell, Evaluation
    from glossator.types import Estimate


def record(found: Evaluation) -> dict[str, Any]:
    """The JSON of an evaluation; what is not defined, or has no bound, is null."""
    from glossator.store.record import plain

    whole = {
        "schema": "glossator.evaluation/1",
        "over": found.over,
        "cells": [_cell(cell) for cell in found.cells],
        "tests": [asdict(test) for test in found.tests],
        "cost": {
            name: {"rows": rows, "seconds": round(found.seconds[name], 3)}
            for name, rows in found.rows.items()
        },
    }
    return {key: plain(value, 9, key) for key, value in whole.items()}


def _cell(cell: Cell) -> dict[str, Any]:
    estimates = {"value": cell.value, "control": cell.null, "difference": cell.difference}
    return {
        "method": cell.method,
        "metric": cell.metric,
        **{name: None if each is None else asdict(each) for name, each in estimates.items()},
        "each": cell.each.tolist(),
        "undefined": cell.undefined,
        "targets": cell.targets,
        "rows": cell.rows,
    }


def print_evaluation(found: Evaluation) -> None:
    """Print the tables of an evaluation on standard output."""
    from rich.console import Console

    from glossator.registry import METRICS

    console = Console(highlight=False)
    for name in dict.fromkeys(cell.metric for cell in found.cells):
        metric = METRICS.get(name)
        console.print(f"\n{name}", style="bold", end="  ")
        console.print(f"{metric.direction} is better", style="dim")
        console.print(_table(found, metric))
        for line in _differences(found, name):
            console.print(line, markup=False)
    console.print(f"\nCost: {_costs(found)}.")
    console.print(f"\n{_legend(found)}", style="dim")


def _legend(found: Evaluation) -> str:
    count = len(found.cells[0].each)
    control = "Control: the same scores, shuffled over the words."
    if count == 1:
        return f"Of one {found.over[:-1]} there is no interval. {control}"
    return (
        f"Mean [95% interval] over {count} {found.over}. {control} Where 0 lies within the "
        "interval of the difference, the scores are not shown to tell more than shuffled ones."
    )


def _table(found: Evaluation, metric: Metric) -> Table:
    """A line for each method, in the order of how good it is."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("method", no_wrap=True)
    for title in ("value", "control", "difference", ""):
        table.add_column(title, justify="right")
    cells = [cell for cell in found.cells if cell.metric == metric.name]
    sign = -1 if metric.direction == "higher" else 1
    cells.sort(key=lambda c: math.inf if c.value is None else sign * c.value.value)
    for cell in cells:
        numbers = [
            _interval(cell.value),
            "–" if cell.null is None else f"{cell.null.value:.3g}",
            _interval(cell.difference),
        ]
        undefined = f"{cell.undefined} of {cell.targets} undefined" if cell.undefined else ""
        table.add_row(cell.method, *numbers, undefined)
    return table


def _costs(found: Evaluation) -> str:
    """What the explanations of each method cost."""
    return "; ".join(
        f"{name} {rows:,} forward rows, {found.seconds[name]:.1f} s"
        for name, rows in found.rows.items()
    )


def _interval(estimate: Estimate | None) -> str:
    if estimate is None:
        return "–"
    return str(estimate) if math.isfinite(estimate.low) else f"{estimate.value:.3g}"


def _differences(found: Evaluation, metric: str) -> list[str]:
    """Which pairs of methods differ, after correction."""
    tests = [test for test in found.tests if test.metric == metric]
    told = [
        f"  {test.first} and {test.second} differ by {test.difference} (p {test.adjusted:.2g}, "
        f"{test.items} {found.over})"
        for test in tests
        if test.adjusted <= 0.05
    ]
    return told or (["  No two methods are shown to differ."] if tests else [])
