"""`glossator cite`: which passage made the model say this sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options, output, request
from glossator.cli.model_options import takes_model
from glossator.cli.progress import reporting
from glossator.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from glossator.render.reading import Reading, Source
    from glossator.run import Citation

Question = Annotated[
    str, typer.Argument(help="What the model is asked about the documents.", show_default=False)
]
Documents = Annotated[
    list[Path] | None,
    typer.Option(
        "--document",
        metavar="FILE",
        help="A passage, named after its file. Repeatable.",
        rich_help_panel=options.TEXT,
    ),
]
DocumentsFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="All passages as JSON: a list of texts, or an object of texts by name.",
        rich_help_panel=options.TEXT,
    ),
]
Template = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="The prompt, with {documents} and {question} in it; the one, a blank line and the "
        "other when left out.",
        rich_help_panel=options.TEXT,
    ),
]
Separator = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="What stands between two passages; a blank line when left out.",
        rich_help_panel=options.TEXT,
    ),
]
Method = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="sparse_linear (ContextCite), leave_one_out, or another that needs values only.",
        rich_help_panel=options.SCORES,
    ),
]
Removal = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="How an absent passage is represented.",
        rich_help_panel=options.SCORES,
    ),
]

PASSAGES = 5  # shown for each sentence


@takes_model(but=("kind", "batch_rows", "max_memory"))
def cite(
    context: typer.Context,
    question: Question,
    document: Documents = None,
    documents_file: DocumentsFile = None,
    template: Template = None,
    separator: Separator = None,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = 64,
    seed: options.Seed = 0,
    method: Method = "sparse_linear",
    option: options.MethodOptions = None,
    samples: options.Samples = None,
    removal: Removal = "delete",
    as_json: options.Json = False,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Score each passage of a retrieval prompt for each sentence of the answer.

    Positive means that the passage made the sentence more likely.
    """
    files = out or []
    output.check(files)
    request.refuse_contradictions(context)
    passages = _passages(document or [], documents_file)
    chosen = request.method(method, option)
    names = "template separator continuation max_new_tokens seed samples removal".split()
    asked = {name: given for name in names if (given := context.params[name]) is not None}
    with reporting(quiet) as progress:
        from glossator.run import cite as run

        loaded = request.load(context)
        found = run(question, passages, loaded, progress=progress, **asked, **chosen)
    for file in files:
        output.write(found.explanation, file)
    if as_json:
        output.print_json(_record(found))
    else:
        _print(found)


def _passages(files: list[Path], listed: Path | None) -> dict[str, str]:
    """Passages by name."""
    if bool(files) == (listed is not None):
        raise InputError("name the passages with --document FILE (repeated) or --documents-file")
    if listed is not None:
        return _listed(listed)
    found: dict[str, str] = {}
    for file in files:
        name = file.name if file.name not in found else str(file)
        found[name] = request.read_text(file, "document")
    return found


def _listed(file: Path) -> dict[str, str]:
    try:
        found: Any = json.loads(request.read_text(file, "documents"))
    except json.JSONDecodeError as error:
        raise InputError(f"'{file}' is no JSON: {error}") from None
    if isinstance(found, list):
        found = {f"document {i}": text for i, text in enumerate(found, 1)}
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise InputError(f"'{file}' has to hold a list of texts, or an object of texts by name")
    return found


def _record(found: Citation) -> dict[str, Any]:
    """The JSON of a citation: each sentence with its passages."""
    from glossator.render.reading import Reading
    from glossator.store import to_json

    why, reading = found.explanation, Reading(found.explanation)
    names = dict(zip(found.units, found.names, strict=True))
    sentences = []
    for index, target in enumerate(why.targets):
        passages = [
            {
                "name": names[each.unit],
                "score": each.score,
                "half_width": each.half if reading.sampled else None,
                "certain": not each.uncertain,
            }
            for each in _by_score(reading, index)
        ]
        span = {"text": target.text, "start": target.start, "end": target.end}
        sentences.append(span | {"value": target.value, "passages": passages})
    return {
        "schema": "glossator.citation/1",
        "measure": why.provenance.measure,
        "sentences": sentences,
        "explanation": to_json(why),
    }


def _by_score(reading: Reading, target: int) -> list[Source]:
    """The passages of a sentence, those that speak most for it first."""
    return sorted(reading.sources(target), key=lambda each: -each.score)


def _print(found: Citation) -> None:
    from rich.console import Console

    from glossator.render.reading import Reading, visible

    console = Console(highlight=False)
    reading = Reading(found.explanation)
    names = dict(zip(found.units, found.names, strict=True))
    for index, target in enumerate(found.explanation.targets):
        console.print(visible(target.text), style="bold", markup=False)
        for each in _by_score(reading, index)[:PASSAGES]:
            score = f"{reading.signed(each.score)}{reading.half_text(each.half)}"
            mark = "~" if each.uncertain else " "
            text = visible(reading.explanation.units[each.unit].text)
            line = f"{mark} {score:>14}  {names[each.unit]}: {text}"
            console.print(line, markup=False, soft_wrap=False, overflow="ellipsis", no_wrap=True)
        console.print()
    _print_legend(console, reading)


def _print_legend(console: Console, reading: Reading) -> None:
    for line in reading.legend():
        console.print(line, style="dim", markup=False)
