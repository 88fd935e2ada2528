"""`glossator stability`: what of an explanation is the same in every run, and what is noise."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options, output, request
from glossator.cli.model_options import BEHIND, takes_model
from glossator.cli.progress import reporting
from glossator.cli.stability_view import print_stability, record
from glossator.errors import InputError

if TYPE_CHECKING:
    from glossator.run import Repetition

RUNS = "The runs"
COUNTED = ("sampling", "estimator", "tokenisation", "dropout")
"""Sources whose levels are seeds."""

Others = Annotated[
    list[str] | None,
    typer.Argument(metavar="[MODEL]...", help="Further models after --models.", show_default=False),
]
Models = Annotated[
    list[str] | None,
    typer.Option(
        metavar="A,B,C",
        help="Models of one training, such as with other seeds: the source training. Their names "
        "may also follow one another: --models A B C, after the prompt.",
        rich_help_panel=RUNS,
    ),
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        metavar="NAME",
        help="What varies by seed: sampling, estimator, tokenisation or dropout. Repeatable, or "
        "with commas; all levels of all sources are combined.",
        rich_help_panel=RUNS,
    ),
]
Seeds = Annotated[
    int,
    typer.Option(
        metavar="N", min=2, help="Levels of each source that has seeds.", rich_help_panel=RUNS
    ),
]
Removals = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C",
        help="Ways to represent an absent word: the source removal.",
        rich_help_panel=RUNS,
    ),
]
Paraphrases = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Paraphrases of the prompt, one on each line: the source paraphrase. Only words that "
        "all of them have are compared.",
        rich_help_panel=RUNS,
    ),
]
Precisions = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,C",
        help="Precisions of the weights (float32, bfloat16, float16): the source precision.",
        rich_help_panel=RUNS,
    ),
]
Temperature = Annotated[
    float,
    typer.Option(
        "--temperature",
        metavar="T",
        help="Of continuations that the source sampling draws.",
        rich_help_panel=options.TEXT,
    ),
]
TargetUnits = Annotated[
    str,
    typer.Option(
        metavar="KIND",
        help="What is explained: the whole sequence, words, tokens or sentences.",
        rich_help_panel=options.SCORES,
    ),
]
Method = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Attribution method; `glossator methods` lists them.",
        rich_help_panel=options.SCORES,
    ),
]
Files = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="Write the numbers to FILE.json, or boxplots of each word to FILE.svg, .png or .pdf. "
        "Repeatable.",
        rich_help_panel=options.OUTPUT,
    ),
]


@takes_model(but=(*BEHIND, "allow_pickle", "batch_rows"))
def stability(
    context: typer.Context,
    prompt: options.Prompt = None,
    others: Others = None,
    prompt_file: options.PromptFile = None,
    models: Models = None,
    sources: Sources = None,
    seeds: Seeds = 5,
    removals: Removals = None,
    paraphrases: Paraphrases = None,
    precisions: Precisions = None,
    chat: options.Chat = False,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = 16,
    sampling_temperature: Temperature = 1.0,
    seed: options.Seed = 0,
    method: Method = "leave_one_out",
    option: options.MethodOptions = None,
    samples: options.Samples = None,
    removal: options.Removal = None,
    units: options.Units = "words",
    target_units: TargetUnits = "sequence",
    classes: options.Classes = None,
    readout: options.Readout = "logprob",
    contrast: options.Contrast = None,
    as_json: options.Json = False,
    out: Files = None,
    quiet: options.Quiet = False,
) -> None:
    """Explain a text again and again and split what differs by its source.

    Signal is what the words' scores have in common over all runs.
    Noise is what differs from run to run.
    """
    files = out or []
    output.check(files, (".json", *output.FIGURES))
    found = _repeated(context)
    for file in files:
        _write(found, file)
    if as_json:
        output.print_json(record(found))
    else:
        print_stability(found)


def _repeated(context: typer.Context) -> Repetition:
    """All runs."""
    given = context.params
    names = _models(context, given["models"])
    levels = _sources(context, names)
    asked = request.question(context)
    asked |= request.method(given["method"], given["option"])
    with reporting(given["quiet"]) as progress:
        from glossator.run import repeat

        loaded = None
        if names:
            levels = {"training": [_load(context, name) for name in names]} | levels
        else:
            loaded = request.load(context)
        temperature = given["sampling_temperature"]
        return repeat(
            model=loaded, sources=levels, temperature=temperature, progress=progress, **asked
        )


def _models(context: typer.Context, given: list[str] | None) -> list[str]:
    """Models named by --models, with commas, repeated, or one after the other."""
    texts = [text for text in [context.params["prompt"], *(context.params["others"] or [])] if text]
    if context.params["prompt_file"] is None:
        first, texts = texts[:1], texts[1:]
        context.params["prompt"] = first[0] if first else None
    elif given:
        context.params["prompt"] = None
    if not given:
        if texts and context.params["prompt_file"] is None:
            raise InputError(f"got '{texts[0]}' after the prompt: put the whole prompt in quotes")
        return []
    names = [name for text in [*given, *texts] for name in request.listed(text)]
    if len(names) < 2:
        raise InputError(f"got {len(names)} model(s): --models needs at least 2 to compare")
    if context.params["model"] is not None:
        raise InputError("--model and --models exclude each other: give one of them")
    return names


def _sources(context: typer.Context, models: list[str]) -> dict[str, Any]:
    """Sources and their levels, but the models."""
    from glossator.errors import UnknownName
    from glossator.run.sources import SOURCES, read_paraphrases

    given = context.params
    found: dict[str, Any] = {}
    lists = {"removal": given["removals"], "precision": given["precisions"]}
    found |= {name: request.listed(levels) for name, levels in lists.items() if levels is not None}
    if given["paraphrases"] is not None:
        found["paraphrase"] = read_paraphrases(given["paraphrases"])
    listed = {"training": "--models", "removal": "--removals"}
    listed |= {"precision": "--precisions", "paraphrase": "--paraphrases"}
    for name in (name for text in given["sources"] or [] for name in request.listed(text)):
        if name not in SOURCES:
            raise UnknownName("source", name, SOURCES)
        if name in COUNTED:
            found[name] = given["seeds"]
        elif name not in found and not (name == "training" and models):
            raise InputError(f"the source {name} needs its levels: give {listed[name]}")
    if not found and not models:
        raise InputError(
            f"name what varies: --models A B C, --removals, --precisions, --paraphrases, or "
            f"--source with one of {', '.join(COUNTED)}"
        )
    return found


def _load(context: typer.Context, name: str) -> Any:
    context.params["model"] = name
    return request.load(context)


def _write(found: Repetition, file: Path) -> None:
    from glossator import store
    from glossator.render import boxplots
    from glossator.store.files import dump

    if file.suffix == ".json":
        content = dump(record(found)).encode()
    else:
        content = boxplots(
            [unit.text for unit in found.words],
            [found.relevances(target) for target in range(len(found.targets))],
            titles=list(found.targets),
            measure=found.first.provenance.measure,
            kind=file.suffix[1:],
        )
    store.write_atomically(file, content)
