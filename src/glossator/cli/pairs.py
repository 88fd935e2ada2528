"""`glossator pairs`: how prediction and explanation move when a text is perturbed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options, output, request
from glossator.cli.model_options import takes_model
from glossator.cli.pairs_view import pairs_record, print_pairs
from glossator.cli.progress import reporting
from glossator.errors import InputError

if TYPE_CHECKING:
    from glossator.text.perturb import Pair

PERTURBED = "The pairs"

Perturb = Annotated[
    list[str] | None,
    typer.Option(
        "--perturb",
        metavar="NAME",
        help="number, gender, negation, move, near:R, far:R, replace:OLD=NEW or reformulate. "
        "Repeatable.",
        rich_help_panel=PERTURBED,
    ),
]
PairsFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Pairs that people have written: JSON on each line, with original, perturbed and "
        "kind, and, where it is known, expectation, expected and places.",
        rich_help_panel=PERTURBED,
    ),
]
Expect = Annotated[
    str | None,
    typer.Option(
        metavar="WHAT",
        help="What the prediction should do: same, changes or changes:TEXT; as the perturbation "
        "declares when left out.",
        rich_help_panel=PERTURBED,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(metavar="N", min=1, help="N pairs at most, drawn.", rich_help_panel=PERTURBED),
]
Layer = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        help="Where near and far measure: 0 in the input embeddings, N after block N.",
        rich_help_panel=PERTURBED,
    ),
]
RewriterName = Annotated[
    str | None,
    typer.Option(
        "--rewriter",
        metavar="NAME",
        help="The model that reformulates: a folder, or a name on the hub; the explained model "
        "when left out.",
        rich_help_panel=PERTURBED,
    ),
]
RewriterTemplate = Annotated[
    str | None,
    typer.Option(
        metavar="TEXT",
        help="What it is asked, with {text} in it.",
        rich_help_panel=PERTURBED,
    ),
]
RandomChanges = Annotated[
    int,
    typer.Option(
        metavar="N",
        min=0,
        help="Hold the effect on the prediction against N random changes of a word.",
        rich_help_panel=PERTURBED,
    ),
]
Top = Annotated[
    int,
    typer.Option(
        metavar="N", min=1, help="Words that count as the top ones.", rich_help_panel=PERTURBED
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
Out = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE", help="Write the result to FILE.json.", rich_help_panel=options.OUTPUT
    ),
]


@takes_model()
def pairs(
    context: typer.Context,
    prompt: options.Prompt = None,
    prompt_file: options.PromptFile = None,
    perturb: Perturb = None,
    pairs_file: PairsFile = None,
    expect: Expect = None,
    limit: Limit = None,
    layer: Layer = 0,
    rewriter: RewriterName = None,
    rewriter_template: RewriterTemplate = None,
    random_changes: RandomChanges = 40,
    top: Top = 3,
    continuation: options.Continuation = None,
    max_new_tokens: options.MaxNewTokens = 1,
    seed: options.Seed = 0,
    method: Method = "leave_one_out",
    option: options.MethodOptions = None,
    samples: options.Samples = None,
    precision: options.Precision = None,
    removal: options.Removal = None,
    references: options.References = None,
    units: options.Units = "words",
    readout: options.Readout = "logprob",
    as_json: options.Json = False,
    out: Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Perturb a text, and compare prediction and explanation before and after.

    Tells the direct effect, with the prediction held, from the one through the prediction.
    """
    files = out or []
    output.check(files, (".json",))
    request.refuse_contradictions(context)
    asked = _asked(context)
    chosen = request.method(method, option)
    with reporting(quiet) as progress:
        from glossator.run import pairs as run

        found = run(model=request.load(context), progress=progress, **asked, **chosen)
    for file in files:
        output.write_record(pairs_record(found), file)
    if as_json:
        output.print_json(pairs_record(found))
    else:
        print_pairs(found)


def _asked(context: typer.Context) -> dict[str, Any]:
    """The keyword arguments of `glossator.pairs`."""
    given = context.params
    names = (
        "expect limit layer rewriter random_changes top continuation seed samples precision "
        "removal readout batch_rows max_memory max_new_tokens"
    )
    asked = {name: given[name] for name in names.split()}
    if given["rewriter_template"] is not None:
        asked["rewriter_template"] = given["rewriter_template"]
    asked["references"] = request.read_references(given["references"])
    asked["units"] = request.units_named(given["units"])
    prompted = given["prompt"] is not None or given["prompt_file"] is not None
    if prompted and given["pairs_file"] is not None and not given["perturb"]:
        raise InputError("a prompt needs --perturb; the pairs of a file have their own texts")
    asked["perturb"] = _perturbations(given["perturb"] or [], given["pairs_file"])
    if given["perturb"]:
        asked["prompt"] = request.read_prompt(given["prompt"], given["prompt_file"])
    return asked


def _perturbations(named: list[str], file: Path | None) -> list[str | Pair]:
    """What to do to the text; misspelt names do not wait for a model to load."""
    from glossator.text.perturb import PERTURBATIONS, parse_pairs

    for name in named:
        PERTURBATIONS.get(name.partition(":")[0])
    if not named and file is None:
        known = ", ".join(PERTURBATIONS)
        raise InputError(f"name a perturbation with --perturb ({known}), or give --pairs-file")
    if file is None:
        return list(named)
    return [*named, *parse_pairs(request.read_text(file, "pairs"))]
