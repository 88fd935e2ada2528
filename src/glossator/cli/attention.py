"""`glossator attention`: what each attention head reads to say a word."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from glossator.cli import options, output, request
from glossator.cli.model_options import BEHIND, takes_model
from glossator.cli.progress import reporting

VIEW = "The view"

Of = Annotated[
    str | None,
    typer.Option(
        metavar="WORD",
        help="A generated word, or its number counted from 1; the first when left out.",
        rich_help_panel=VIEW,
    ),
]
Layer = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Only this layer, counted from 0; below 0 from the end.",
        rich_help_panel=VIEW,
    ),
]
Head = Annotated[
    int | None,
    typer.Option(metavar="N", help="Only this head, counted likewise.", rich_help_panel=VIEW),
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Write the view to FILE.json or FILE.html. Repeatable.",
        rich_help_panel=options.OUTPUT,
    ),
]


@takes_model(but=(*BEHIND, "kind", "allow_pickle", "batch_rows"))
def attention(
    context: typer.Context,
    prompt: options.Prompt = None,
    prompt_file: options.PromptFile = None,
    chat: options.Chat = False,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = 16,
    sample: options.Sample = False,
    temperature: options.Temperature = 1.0,
    seed: options.Seed = 0,
    target: Of = None,
    layer: Layer = None,
    head: Head = None,
    units: options.Units = "words",
    target_units: options.TargetUnits = "words",
    as_json: options.Json = False,
    out: Files = None,
    quiet: options.Quiet = False,
) -> None:
    """Look at attention: which word each head of each layer reads to say a generated word.

    Shares of attention are no effects: `glossator explain` measures those.
    """
    files = out or []
    output.check(files, (".json", ".html"))
    asked = request.question(context)
    with reporting(quiet):
        from glossator.run.attention_view import attention_view

        seen = attention_view(model=request.load(context), **asked)
    from glossator import render, store

    for file in files:
        if file.suffix == ".json":
            seen.save(file)
        else:
            store.write_atomically(file, render.attention_html(seen, target=target).encode())
    if as_json:
        output.print_json(store.attention_json(seen))
    else:
        render.print_attention(seen, target=target, layer=layer, head=head)
    if not quiet:
        for file in files:
            print(f"wrote {file}", file=sys.stderr)
