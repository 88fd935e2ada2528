"""`glossator explain`: which words made the model say each word."""

from __future__ import annotations

from typing import Annotated

import typer

from glossator.cli import distribution as distributions
from glossator.cli import options, output, request
from glossator.cli.model_options import takes_model
from glossator.cli.progress import reporting

Method = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="Attribution method; `glossator methods` lists them.",
        rich_help_panel=options.SCORES,
    ),
]


@takes_model()
def explain(
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
    method: Method = "leave_one_out",
    option: options.MethodOptions = None,
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
    distribution: distributions.Wanted = None,
    trust: options.Trust = None,
    no_trust: options.NoTrust = False,
    as_json: options.Json = False,
    out: options.Out = None,
    quiet: options.Quiet = False,
) -> None:
    """Explain what a model generates after a prompt, or a continuation you give.

    Each word of the text gets a signed score for each generated word.
    Positive means that it made the generated word more likely.
    Sampled methods add 95% intervals.
    A verdict says whether the scores explain the word: ✓ they do, ✗ they do not, ? unsure.
    """
    files, chosen = out or [], request.method(method, option)
    if distribution is not None:
        distributions.deliver(context, distribution, chosen)
        return
    output.check(files)
    asked = request.question(context)
    chosen |= request.trust(trust, no_trust)
    with reporting(quiet) as progress:
        import glossator

        found = glossator.explain(model=request.load(context), progress=progress, **asked, **chosen)
    output.deliver(found, files, as_json=as_json, quiet=quiet)
