"""`glossator explain --distribution`: what a model may say rather than what it happened to say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.cli import options, output, request
from glossator.cli.progress import reporting
from glossator.errors import InputError

if TYPE_CHECKING:
    from glossator.run import Distribution, SampledExplanation

Wanted = Annotated[
    str | None,
    typer.Option(
        "--distribution",
        metavar="WHAT:K",
        help="Explain a distribution: top:K the next token's, by its K likeliest tokens and the "
        "rest; samples:K that of whole continuations, by K drawn ones.",
        rich_help_panel=options.SCORES,
    ),
]

# What has no meaning for a distribution, by option of the command.
_NOT_FOR = {
    "top": "pair continuation max_new_tokens sample temperature target_units players classes "
    "readout contrast units_file trust no_trust",
    "samples": "pair continuation target_units players classes contrast trust no_trust",
}


def deliver(context: typer.Context, wanted: str, chosen: dict[str, Any]) -> None:
    """Explain a distribution and show it.

    Args:
        context: of the command. wanted: "top:K" or "samples:K".
        chosen: method and its options.

    Raises:
        InputError: another form, or an option that has no meaning here.
    """
    kind, number = parse(wanted)
    given = context.params
    files: list[Path] = given["out"] or []
    output.check(files, (".json",))
    for name in _NOT_FOR[kind].split():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            flag = "class" if name == "classes" else name.replace("_", "-")
            raise InputError(f"--distribution {kind} takes no --{flag}: leave it out")
    asked = request.question(context)
    with reporting(given["quiet"]) as progress:
        model = request.load(context)
        record, show = (_top if kind == "top" else _samples)(
            number, {"model": model, "progress": progress, **asked, **chosen}
        )
    for file in files:
        output.write_record(record(), file)
    if given["as_json"]:
        output.print_json(record())
    else:
        show()


def parse(wanted: str) -> tuple[str, int]:
    """Which distribution, and how much of it.

    Raises:
        InputError: another form.

    Example:
        >>> parse("top:5"), parse("samples:8")
        (('top', 5), ('samples', 8))
    """
    kind, _, number = wanted.partition(":")
    if kind not in _NOT_FOR or not number.isdigit():
        raise InputError(f"got --distribution {wanted}: write top:5, or samples:8")
    return kind, int(number)


def _top(number: int, asked: dict[str, Any]) -> Any:
    from glossator.run import explain_distribution

    names = (
        "prompt model units language seed method options removal samples precision references "
        "batch_rows max_memory progress"
    )
    known = {name: asked[name] for name in names.split() if name in asked}
    found = explain_distribution(top=number, **known)
    return lambda: distribution_record(found), lambda: _print_distribution(found)


def _samples(number: int, asked: dict[str, Any]) -> Any:
    from glossator.run import explain_samples

    names = (
        "prompt model units language seed method options removal references batch_rows "
        "max_memory progress max_new_tokens temperature readout"
    )
    known = {name: asked[name] for name in names.split() if name in asked}
    own = {name: asked[name] for name in ("samples", "precision") if asked[name] is not None}
    known["options"] = (known["options"] or {}) | own
    found = explain_samples(samples=number, **known)
    return lambda: samples_record(found), lambda: _print_samples(found)


def distribution_record(found: Distribution) -> dict[str, Any]:
    """The JSON of an explained distribution."""
    from glossator.store import to_json

    return {
        "schema": "glossator.distribution/1",
        "logprob": to_json(found.logprob),
        "probability": to_json(found.probability),
    }


def samples_record(found: SampledExplanation) -> dict[str, Any]:
    """The JSON of pooled explanations of sampled outputs."""
    from glossator.store import to_json
    from glossator.store.record import DIGITS, plain

    pooled = found.pooled
    columns = ("mean", "stderr", "between", "within", "p_value")
    words = [
        {"text": unit.text, "start": unit.start, "end": unit.end, "unit": found.places[i]}
        | {name: float(getattr(pooled, name)[i]) for name in columns}
        | {"verdict": pooled.verdict[i]}
        for i, unit in enumerate(found.units)
    ]
    record = {
        "schema": "glossator.samples/1",
        "prompt": found.prompt,
        "measure": found.measure,
        "per": found.per,
        "floor": found.floor,
        "outputs": pooled.outputs,
        "dof": pooled.dof,
        "counts": found.counts,
        "share_between": pooled.share_between,
        "words": words,
    }
    plainly: dict[str, Any] = plain(record, DIGITS, "samples")
    return plainly | {"explanations": [to_json(each) for each in found.explanations]}


def _print_distribution(found: Distribution) -> None:
    import math

    from rich.console import Console
    from rich.table import Table

    from glossator.render.reading import Reading, percent, visible

    console = Console(highlight=False)
    why, reading = found.probability, Reading(found.probability)
    console.print(visible(why.prompt.strip()), style="bold", markup=False)
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for target in why.targets:
        name = visible(target.text)
        table.add_column(f"{name}\n{percent(target.value)}", justify="right", no_wrap=True)
    for unit in reading.columns:
        scores = [float(row[unit]) for row in why.scores]
        cells = [
            "·" if reading.level(t, unit) == 0 else reading.signed(score)
            for t, score in enumerate(scores)
        ]
        table.add_row(reading.names[unit], *cells)
    console.print(table, markup=False)
    lines = ["Scores in probability: + the word makes the token likelier, − less likely; · little."]
    if math.isclose(float(why.scores.nansum(0).abs().max()), 0, abs_tol=1e-6):
        lines.append("A row adds up to 0: what a word gives to some tokens it takes from others.")
    cost = found.logprob.cost  # the probabilities are read off the same table
    lines.append(" · ".join(reading.facts()) + ".")
    lines.append(f"Cost: {cost.forward_rows:,} forward rows, {cost.seconds:.1f} s.")
    for line in [*lines, *([reading.caveat] if reading.caveat else [])]:
        console.print(line, style="dim", markup=False)


def _print_samples(found: SampledExplanation) -> None:
    from rich.console import Console
    from rich.table import Table

    from glossator.render.reading import numbered, percent, signed, visible
    from glossator.types import interval_factor

    console = Console(highlight=False)
    pooled = found.pooled
    console.print(visible(found.prompt.strip()), style="bold", markup=False)
    for each, count in zip(found.explanations, found.counts, strict=True):
        console.print(f"  {count} x {visible(each.continuation.strip())}", markup=False)
    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("word")
    for name in ("mean", "between outputs", "within"):
        table.add_column(name, justify="right")
    table.add_column("")
    factor = interval_factor(0.95, pooled.dof)
    for i, name in enumerate(numbered([visible(unit.text) for unit in found.units])):
        half = factor * float(pooled.stderr[i])
        spread = float(pooled.between[i].clamp_min(0).sqrt())
        mean = f"{signed(float(pooled.mean[i]), 2)} ±{half:.2f}"
        within = f"{float(pooled.within[i].sqrt()):.2f}"
        table.add_row(name, mean, f"{spread:.2f}", within, pooled.verdict[i])
    console.print(table, markup=False)
    share = pooled.share_between
    told = "none" if share is None else percent(share)
    per = f"{found.measure} per token" if found.per == "token" else found.measure
    lines = [
        f"Scores in {per}, mean of {pooled.outputs} outputs ({pooled.distinct} distinct) ± 95% "
        "interval; standard deviations between outputs and within one (the estimator's).",
        f"Of the variance that is not between words, {told} lies between outputs.",
        "stable: one direction whatever is said; on average: in the mean; varies: depends on what "
        "is said; nothing: too small to matter; unclear: hidden by the estimator's error.",
    ]
    for line in lines:
        console.print(line, style="dim", markup=False)
