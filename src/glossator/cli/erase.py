"""`glossator erase`: which dimensions of a layer matter to what the model says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options, output, request
from glossator.cli.model_options import BEHIND, takes_model
from glossator.cli.progress import reporting

if TYPE_CHECKING:
    from glossator.run import Erasure

Layer = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Erase in the output of this layer, counted from 0, below 0 from the end; in the "
        "input embeddings when left out.",
        rich_help_panel=options.SCORES,
    ),
]
Top = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=1,
        help="Show the N dimensions of largest effect.",
        rich_help_panel=options.OUTPUT,
    ),
]


@takes_model(but=(*BEHIND, "kind", "allow_pickle", "batch_rows"))
def erase(
    context: typer.Context,
    prompt: options.Prompt = None,
    prompt_file: options.PromptFile = None,
    chat: options.Chat = False,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = 16,
    sample: options.Sample = False,
    temperature: options.Temperature = 1.0,
    seed: options.Seed = 0,
    layer: Layer = None,
    target_units: options.TargetUnits = "words",
    readout: options.Readout = "logprob",
    as_json: options.Json = False,
    top: Top = 10,
    quiet: options.Quiet = False,
) -> None:
    """Set one dimension of a layer to 0 at a time and measure what the readout loses.

    Positive means that the dimension made the generated word more likely.
    """
    asked = request.question(context)
    with reporting(quiet) as progress:
        from glossator.run.erase import erase as measure

        found = measure(model=request.load(context), layer=layer, progress=progress, **asked)
    if as_json:
        output.print_json(_record(found))
    else:
        _print(found, top)


def _record(found: Erasure) -> dict[str, Any]:
    """The JSON of an erasure."""
    from dataclasses import asdict

    from glossator.store.record import plain

    record = {
        "schema": "glossator.erasure/1",
        "text": found.text,
        "targets": [asdict(target) for target in found.targets],
        "layer": found.layer,
        "dimensions": found.dimensions,
        "drop": found.drop.tolist(),
        "importance": found.importance.tolist(),
        "caveat": found.caveat,
        "provenance": found.provenance,
    }
    return {key: plain(value, 9, key) for key, value in record.items()}


def _print(found: Erasure, top: int) -> None:
    from rich.console import Console

    from glossator.render.reading import signed, visible

    console = Console(highlight=False)
    where = "the input embeddings" if found.layer is None else f"the output of layer {found.layer}"
    console.print(visible(found.text.strip()), style="bold", markup=False)
    for target, drop in zip(found.targets, found.drop, strict=True):
        order = drop.abs().argsort(descending=True)[:top].tolist()
        # Two significant digits of the largest.
        decimals = 1 - math.floor(math.log10(max(float(drop.abs().max()), 1e-9)))
        words = [
            f"{found.dimensions[each]} {signed(float(drop[each]), max(2, decimals))}"
            for each in order
        ]
        value = signed(target.value, 2).removeprefix("+")
        console.print(f"\n{visible(target.text)}  {value}", style="bold", markup=False)
        console.print("  " + "   ".join(words), markup=False)
        size = drop.square()
        share = float(size[order].sum() / size.sum().clamp_min(1e-300))
        console.print(f"  these have {share:.0%} of the sum of squares", style="dim")
    console.print(
        f"\nDimensions of {where}, and what the readout ({found.provenance['measure']}) loses "
        f"without each: + it raises the readout, − it lowers it.\nMind: {found.caveat}.",
        style="dim",
        markup=False,
    )
