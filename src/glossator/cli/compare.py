"""`glossator compare`: several methods on one game, and how far they agree."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options, output, request
from glossator.cli.model_options import takes_model
from glossator.cli.progress import reporting

if TYPE_CHECKING:
    from rich.table import Table

    from glossator.run import Comparison
    from glossator.types import Explanation

Methods = Annotated[
    str,
    typer.Option(
        metavar="A,B,C",
        help="Two or more methods; `glossator methods` lists them.",
        rich_help_panel=options.SCORES,
    ),
]


@takes_model()
def compare(
    context: typer.Context,
    prompt: options.Prompt = None,
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
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Explain one generation by several methods and measure how far they agree.

    The methods share one table of model answers.
    Together they cost less than one by one.
    """
    asked = request.question(context)
    names = request.listed(methods)
    for name in names:
        request.method(name, None)
    with reporting(quiet) as progress:
        import glossator

        found = glossator.compare(
            model=request.load(context), methods=names, progress=progress, **asked
        )
    if as_json:
        output.print_json(_record(found))
    else:
        _print(found)


def _record(found: Comparison) -> dict[str, Any]:
    """The JSON of a comparison; an agreement that is undefined (ties only) is null."""
    from glossator.store import to_json

    def matrix(agreement: Any) -> list[list[float | None]]:
        return [[None if v != v else round(v, 6) for v in row] for row in agreement.tolist()]

    return {
        "schema": "glossator.comparison/1",
        "methods": [each.provenance.method for each in found.explanations],
        "rank_agreement": matrix(found.rank_agreement),
        "top": found.top,
        "top_agreement": matrix(found.top_agreement),
        "explanations": [to_json(each) for each in found.explanations],
    }


LEGEND = (
    "Averages over the targets. Rank correlation (Spearman): +1 same order of words, "
    "0 unrelated, −1 opposite order, – too few words to say."
)


def _print(found: Comparison) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    first = found.explanations[0]
    console.print(first.text.strip(), style="bold", markup=False)
    for index, target in enumerate(first.targets):
        console.print(f"\n{target.text}", style="bold", markup=False)
        for each in found.explanations:
            name = f"  {each.provenance.method:<22}"
            console.print(name + _strongest(each, index, found.top), markup=False)
    console.print()
    console.print(_agreement(found))
    console.print(LEGEND, style="dim")


def _agreement(found: Comparison) -> Table:
    """A line for each pair of methods."""
    from rich.table import Table

    from glossator.render.reading import signed

    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("agreement")
    table.add_column("rank correlation", justify="right")
    table.add_column(f"top {found.top} in common", justify="right")
    names = [each.provenance.method for each in found.explanations]
    for i, j in combinations(range(len(names)), 2):
        rank, top = float(found.rank_agreement[i, j]), float(found.top_agreement[i, j])
        share = "–" if math.isnan(top) else f"{top:.0%}"
        table.add_row(f"{names[i]}, {names[j]}", signed(rank, 2), share)
    return table


def _strongest(explanation: Explanation, target: int, top: int) -> str:
    """The units of largest score, with signs and intervals."""
    from glossator.render.reading import Reading

    reading = Reading(explanation)
    return "  ".join(
        f"{reading.names[each.unit]} {reading.signed(each.score)}{reading.half_text(each.half)}"
        for each in reading.sources(target)[:top]
    )
