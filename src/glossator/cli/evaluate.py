"""`glossator evaluate`: metrics of several methods' explanations, on one text or on a data set."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options, output, request
from glossator.cli.data_set import read_items
from glossator.cli.evaluate_view import print_evaluation, record
from glossator.cli.model_options import takes_model
from glossator.cli.progress import reporting
from glossator.cli.suite import (
    Data,
    Items,
    Kept,
    Rows,
    Suites,
    evaluate_suites,
    refuse_without_suite,
)
from glossator.errors import InputError

if TYPE_CHECKING:
    from glossator.run import Evaluation

NAMED = ("methods", "metrics")

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


@takes_model()
def evaluate(
    context: typer.Context,
    prompt: Text = None,
    suite: Suites = None,
    items: Items = 5,
    rows: Rows = 200,
    data: Data = None,
    kept: Kept = None,
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
    as_json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Measure how good the explanations of several methods are.

    Each number stands beside its control: the same scores, shuffled over the words.
    Methods are tested against each other on the same texts, corrected for the number of tests.
    A data set is a file of JSON lines with prompt, and where there are such continuation,
    contrast, pair and rationale (the marked words, in order).
    With --suite, all methods and removals are ranked on texts whose decisive words are known.
    """
    if suite:
        evaluate_suites(context)
        return
    refuse_without_suite(context)
    found = _evaluated(context)
    if as_json:
        output.print_json(record(found))
    else:
        print_evaluation(found)


def _evaluated(context: typer.Context) -> Evaluation:
    """All methods and metrics that were asked for."""
    given = context.params
    named = {each: request.listed(given[each]) for each in NAMED}
    _check(**named)
    asked = request.question(context) | named
    if (given["prompt"] or "").endswith(".jsonl"):
        asked["prompt"] = read_items(Path(given["prompt"]))
    asked |= {name: given[name] for name in ("controls", "test")}
    asked["options"] = named_options(given["option"])
    with reporting(given["quiet"]) as progress:
        import glossator

        return glossator.evaluate(model=request.load(context), progress=progress, **asked)


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
