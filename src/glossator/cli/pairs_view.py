"""Pairs of texts as JSON, and for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from glossator.evaluation.coherency import Coherency
    from glossator.evaluation.likeness import Likeness
    from glossator.evaluation.score_comparison import ScoreComparison
    from glossator.run import PairResult, PairStudy
    from glossator.run.predictions import View
    from glossator.types import Estimate

LEGEND = (
    "Likeness of two explanations, and in brackets its mean where scores are dealt to the words "
    "at random; * p ≤ 0.05, – not defined (too few words, or all alike). direct: the original's "
    "prediction is held; through: each text's own prediction is explained."
)


def pairs_record(found: PairStudy) -> dict[str, Any]:
    """The JSON of a study of pairs."""
    from glossator.store.record import DIGITS, plain

    record = {
        "schema": "glossator.pairs/1",
        "method": found.method,
        "pairs": [_pair_record(result) for result in found.results],
        "coherency": [asdict(line) for line in found.coherency],
    }
    plainly: dict[str, Any] = plain(record, DIGITS, "pairs")
    return plainly


def _pair_record(result: PairResult) -> dict[str, Any]:
    from glossator.store import to_json

    pair = result.pair
    views = {"original": result.original, "direct": result.direct, "through": result.through}
    return {
        "original": pair.original,
        "perturbed": pair.perturbed,
        "kind": pair.kind,
        "places": [[*ours, *theirs] for ours, theirs in pair.places],
        "expectation": pair.expectation,
        "expected": pair.expected,
        "record": dict(pair.record),
        "changed": result.changed,
        "as_expected": result.as_expected,
        "effect": result.effect,
        "effect_size": None if result.effect_size is None else asdict(result.effect_size),
        "alignment": _alignment_record(result),
        "comparison": {name: asdict(each) for name, each in result.comparison.items()},
        "explanations": {
            name: None
            if view is None
            else {
                "said": view.said,
                "target": view.target,
                "explanation": to_json(view.explanation),
            }
            for name, view in views.items()
        },
    }


def _alignment_record(result: PairResult) -> dict[str, Any]:
    """Indices of units in the explanations of the original and of the perturbed text."""
    ours, theirs = result.original.places, result.direct.places
    found = result.alignment

    def block(one: tuple[int, ...], other: tuple[int, ...]) -> list[list[int]]:
        return [[ours[i] for i in one], [theirs[j] for j in other]]

    return {
        "rest": [[ours[i], theirs[j]] for i, j in found.rest],
        "part": [block(*each) for each in found.part],
        "alone": block(*found.alone),
    }


def print_pairs(found: PairStudy) -> None:
    """Print each pair with its effects, then the coherency of the method."""
    from rich.console import Console

    console = Console(highlight=False)
    for number, result in enumerate(found.results, 1):
        _print_pair(console, number, result)
    if found.coherency:
        console.print(f"Coherency of {found.method}", style="bold", markup=False)
        console.print(_coherency(found), markup=False)
        console.print(
            "0 to 1: likeness where the prediction should stay the same, 1 less it where it should "
            "change, mean over pairs with its 95% interval; in brackets what random scores get.",
            style="dim",
            markup=False,
        )
    console.print(LEGEND, style="dim", markup=False)


def _print_pair(console: Console, number: int, result: PairResult) -> None:
    from glossator.render.reading import visible

    pair = result.pair
    expected: str = pair.expectation or "not declared"
    if pair.expected:
        expected += f" to {visible(pair.expected.strip())}"
    met = {True: " (as expected)", False: " (not as expected)", None: ""}[result.as_expected]
    console.print(
        f"{number}  {pair.kind}; prediction expected: {expected}{met}", style="bold", markup=False
    )
    console.print(f"  {visible(pair.original)} → {_said(result.original)}", markup=False)
    own = result.direct if result.through is None else result.through
    console.print(f"  {visible(pair.perturbed)} → {_said(own)}", markup=False)
    for line in _effects(result):
        console.print(f"  {line}", markup=False)
    console.print(_likeness(result), markup=False)
    console.print()


def _said(view: View) -> str:
    from glossator.render.reading import visible

    return visible(view.said.strip())


def _effects(result: PairResult) -> list[str]:
    """What happened to the held prediction, and what the perturbed part and the rest do."""
    from glossator.render.reading import percent, signed

    measure = result.original.explanation.provenance.measure
    line = f"'{_said(result.original)}' held: {signed(result.effect, 2)} {measure}"
    if result.effect_size is not None:
        size = result.effect_size
        interval = f"{percent(size.low)} to {percent(size.high)}"
        line += f", more than {percent(size.value)} of random changes of a word ({interval})"
    lines = [line]
    for name, found in result.comparison.items():
        part = found.part
        shares = [
            "–" if share is None else percent(share)
            for share in (part.share_before, part.share_after)
        ]
        moved = f"{signed(part.before, 2)} → {signed(part.after, 2)}"
        lines.append(
            f"{name}: perturbed part {moved} (share {shares[0]} → {shares[1]}){_rest(found)}"
        )
    return lines


def _rest(found: ScoreComparison) -> str:
    if found.mean_change is None or found.mean_size is None:
        return ""
    alone = sum(found.alone)
    unpaired = f", {alone} word(s) without a partner" if alone else ""
    return f"; rest moves by {found.mean_change:.2f} a word, of {found.mean_size:.2f}{unpaired}"


def _likeness(result: PairResult) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("  likeness", no_wrap=True)
    columns = []
    for name, found in result.comparison.items():
        for region, values in (("rest", found.rest), ("all words", found.aligned)):
            table.add_column(f"{name},\n{region}", justify="right", no_wrap=True)
            columns.append(values)
    for measure in columns[0]:
        table.add_row(f"  {measure}", *(_cell(values[measure]) for values in columns))
    return table


def _cell(likeness: Likeness | None) -> str:
    if likeness is None:
        return "–"
    star = "*" if likeness.p_value <= 0.05 else " "
    return f"{_plain(likeness.value)} ({_plain(likeness.chance.value)}){star}"


def _plain(number: float) -> str:
    from glossator.render.reading import signed

    return signed(number, 2).removeprefix("+")


def _coherency(found: PairStudy) -> Table:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    effects = list(dict.fromkeys(line.effect for line in found.coherency))
    for effect in effects:
        table.add_column(effect, justify="right", no_wrap=True)
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for line in found.coherency:
        rows.setdefault((line.kind, line.measure), {})[line.effect] = _coherent(line.coherency)
    for kind in dict.fromkeys(line.kind for line in found.coherency):
        table.add_row(kind)
        for (of, measure), cells in rows.items():
            if of == kind:
                table.add_row(f"  {measure}", *(cells.get(effect, "–") for effect in effects))
    return table


def _coherent(each: Coherency | None) -> str:
    """Score, interval and chance; and of how many pairs, where some could not be scored."""
    if each is None:
        return "–"
    some = f" {each.pairs} of {each.pairs + each.undefined}" if each.undefined else ""
    return f"{_interval(each.score)} ({each.chance:.2f}){some}"


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]"
