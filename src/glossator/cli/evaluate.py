"""`glossator evaluate`: metrics of several methods' explanations, on one text or on a data set."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options, output, remote, request
from glossator.cli.data_set import read_items
from glossator.cli.progress import reporting
from glossator.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from glossator.registry import Metric
    from glossator.run import Cell, Evaluation, PairedTest
    from glossator.types import Estimate

Text = Annotated[
    str | None,
    typer.Argument(
        help="The text to explain; or FILE.jsonl, a data set with a text in each line; - reads a "
        "text from standard input.",
        show_default=False,
    ),
]
Methods = Annotated[
    str,
    typer.Option(
        metavar="A,B,C",
        help="Methods to measure; `glossator methods` lists them.",
        rich_help_panel=options.SCORES,
    ),
]
Metrics = Annotated[
    str,
    typer.Option(
        metavar="A,B,C",
        help="What is measured; `glossator metrics` lists it.",
        rich_help_panel=options.SCORES,
    ),
]
NamedOptions = Annotated[
    list[str] | None,
    typer.Option(
        "--option",
        metavar="NAME.PARAMETER=VALUE",
        help="A parameter of a metric or a method, such as aopc.most=5. Repeatable.",
        rich_help_panel=options.SCORES,
    ),
]
Controls = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        help="Shuffle the scores N times for the control.",
        rich_help_panel=options.SCORES,
    ),
]
PairedBy = Annotated[
    str,
    typer.Option(
        "--test",
        metavar="NAME",
        help="How methods are tested against each other: permutation or wilcoxon.",
        rich_help_panel=options.SCORES,
    ),
]


def evaluate(
    context: typer.Context,
    prompt: Text = None,
    prompt_file: options.PromptFile = None,
    pair: options.Pair = None,
    chat: options.Chat = False,
    continuation: options.Continuation = None,
    language: options.Language = None,
    max_new_tokens: options.MaxNewTokens = 16,
    sample: options.Sample = False,
    temperature: options.Temperature = 1.0,
    seed: options.Seed = 0,
    methods: Methods = "leave_one_out,shapley,input_x_gradient",
    metrics: Metrics = "comprehensiveness,sufficiency,infidelity",
    option: NamedOptions = None,
    controls: Controls = 8,
    test: PairedBy = "permutation",
    samples: options.Samples = None,
    precision: options.Precision = None,
    removal: options.Removal = None,
    references: options.References = None,
    units: options.Units = "words",
    units_file: options.UnitsFile = None,
    target_units: options.TargetUnits = "words",
    players: options.Players = "all",
    classes: options.Classes = None,
    readout: options.Readout = "logprob",
    contrast: options.Contrast = None,
    model: options.Model = None,
    kind: options.Kind = None,
    endpoint: remote.Endpoint = None,
    similarity: remote.Similarity = None,
    regenerations: remote.Regenerations = 8,
    max_calls: remote.MaxCalls = None,
    responses: remote.Responses = remote.RESPONSES,
    key_variable: remote.KeyVariable = remote.KEY_VARIABLE,
    revision: options.Revision = None,
    trust_remote_code: options.TrustRemoteCode = False,
    allow_pickle: options.AllowPickle = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    batch_rows: options.BatchRows = None,
    max_memory: options.MaxMemory = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure how good the explanations of several methods are.

    Each number stands beside its control: the same scores, shuffled over the words.
    Methods are tested against each other on the same texts, corrected for the number of tests.
    A data set is a file of JSON lines with prompt, and where there are such continuation,
    contrast, pair and rationale (the marked words, in order).
    """
    asked = request.question(context)
    named = [[name.strip() for name in names.split(",")] for names in (methods, metrics)]
    _check(*named)
    if prompt is not None and prompt.endswith(".jsonl"):
        asked["prompt"] = read_items(Path(prompt))
    with reporting(quiet) as progress:
        import glossator

        found = glossator.evaluate(
            model=request.load(context),
            methods=named[0],
            metrics=named[1],
            options=named_options(option),
            controls=controls,
            test=test,
            progress=progress,
            **asked,
        )
    if as_json:
        output.print_json(_record(found))
    else:
        _print(found)


def _check(methods: list[str], metrics: list[str]) -> None:
    """Refuse misspelt names before a model is loaded."""
    import glossator.attribution
    import glossator.evaluation  # noqa: F401  registers the metrics
    from glossator.registry import METHODS, METRICS

    for registry, names in ((METHODS, methods), (METRICS, metrics)):
        for name in names:
            registry.get(name)


def named_options(pairs: list[str] | None) -> dict[str, dict[str, Any]]:
    """Parameters by the name of their metric or method, from NAME.PARAMETER=VALUE.

    Raises:
        InputError: no `=` or no `.` in one of them.

    Example:
        >>> named_options(["aopc.most=5", "dffot.threshold=-0.7"])
        {'aopc': {'most': 5}, 'dffot': {'threshold': -0.7}}
    """
    found: dict[str, dict[str, Any]] = {}
    for key, value in request.parameters(pairs).items():
        name, dot, parameter = key.partition(".")
        if not dot:
            raise InputError(f"got --option {key}={value}: write --option NAME.{key}={value}")
        found.setdefault(name, {})[parameter] = value
    return found


def _record(found: Evaluation) -> dict[str, Any]:
    """The JSON of an evaluation; what is not defined, or has no bound, is null."""
    return {
        "schema": "glossator.evaluation/1",
        "over": found.over,
        "cells": [_cell(cell) for cell in found.cells],
        "tests": [_test(test) for test in found.tests],
        "cost": {
            name: {"rows": rows, "seconds": round(found.seconds[name], 3)}
            for name, rows in found.rows.items()
        },
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "method": cell.method,
        "metric": cell.metric,
        "value": _estimate(cell.value),
        "control": _estimate(cell.null),
        "difference": _estimate(cell.difference),
        "each": [_number(value) for value in cell.each.tolist()],
        "undefined": cell.undefined,
        "targets": cell.targets,
        "rows": cell.rows,
    }


def _test(test: PairedTest) -> dict[str, Any]:
    return {
        "metric": test.metric,
        "first": test.first,
        "second": test.second,
        "difference": _estimate(test.difference),
        "items": test.items,
        "p": test.p,
        "adjusted": test.adjusted,
    }


def _estimate(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    names = ("value", "low", "high", "level")
    return {name: _number(getattr(estimate, name)) for name in names}


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None


def _print(found: Evaluation) -> None:
    from rich.console import Console

    import glossator.evaluation  # noqa: F401  registers the metrics
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
    count = len(found.cells[0].each)
    console.print(
        f"\nMean [95% interval] over {count} {found.over}. Control: the same scores, shuffled "
        "over the words. Where 0 lies within the interval of the difference, the scores are not "
        "shown to tell more than shuffled ones.",
        style="dim",
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
    return str(estimate).replace("inf", "∞")


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
