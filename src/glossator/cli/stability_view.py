"""What `glossator stability` shows: tables for people, a record for programs."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from glossator.run import Repetition
    from glossator.trust import Stability, VarianceTable
    from glossator.types import Estimate

RELIABILITY = 0.9
BAR = 24  # columns of a word's bar

LEGEND = (
    "Signal: variance over words of their true means. Noise: variance of a word over runs. "
    "Intervals: 95%. Reliability: expected correlation of the mean of so many runs with that of "
    "as many others. Bars: mean of a word, and ± its standard deviation over runs."
)


def record(found: Repetition) -> dict[str, Any]:
    """The JSON of a repetition; what is not a number, or endless, is null."""
    from glossator.store.record import plain

    first = found.first
    whole = {
        "schema": "glossator.stability/1",
        "text": first.text,
        "measure": first.provenance.measure,
        "runs": math.prod(len(levels) for levels in found.levels),
        "forward_rows": found.forward_rows,
        "sources": [
            {"name": name, "levels": list(levels)}
            for name, levels in zip(found.sources, found.levels, strict=True)
        ],
        "words": [{"text": u.text, "start": u.start, "end": u.end} for u in found.words],
        "targets": [_target(found, number) for number in range(len(found.targets))],
        "first_run": asdict(first.provenance),
    }
    return {key: plain(value, 9, key) for key, value in whole.items()}


def _target(found: Repetition, number: int) -> dict[str, Any]:
    one, table = found.stability(number), found.table(number)
    numbers = table if len(found.sources) > 1 else one
    return {
        "text": found.targets[number],
        "signal": asdict(numbers.signal),
        "noise": asdict(numbers.noise),
        "snr": asdict(numbers.snr),
        "expected_correlation": asdict(numbers.expected_correlation),
        "runs_needed": asdict(numbers.runs_needed(RELIABILITY)) | {"reliability": RELIABILITY},
        "p_value": one.p_value if numbers is one else None,
        "dropped": one.dropped,
        "mean": one.mean.tolist(),
        "spread": one.spread.tolist(),
        "stderr": one.stderr.tolist(),
        "variance_table": {
            "noise": asdict(table.noise),
            "components": [asdict(component) for component in table.components],
        },
        "scores": found.values[..., number, :].tolist(),
    }


def print_stability(found: Repetition) -> None:
    """Print the view of a repetition on standard output."""
    from rich.console import Console

    from glossator.render.reading import visible

    console = Console(highlight=False, markup=False, emoji=False)
    console.print(visible(found.first.text.strip()), style="bold")
    sources = [
        f"{name} ({len(levels)}: {_shortened(levels)})"
        for name, levels in zip(found.sources, found.levels, strict=True)
    ]
    runs = math.prod(len(levels) for levels in found.levels)
    provenance = found.first.provenance
    console.print(f"{runs} runs: {' x '.join(sources)}")
    about = f"method {provenance.method} · removal {provenance.removal} · {provenance.measure}"
    console.print(f"{about} · {found.forward_rows:,} forward rows\n", style="dim")
    for number, target in enumerate(found.targets):
        one, table = found.stability(number), found.table(number)
        several = len(found.sources) > 1
        console.print(visible(target), style="bold")
        console.print(_numbers(table if several else one))
        _print_remarks(console, one, table)
        if several:
            console.print(_components(table))
        console.print(_words(found, one))
    console.print(LEGEND, style="dim")


def _shortened(levels: tuple[str, ...]) -> str:
    shown = [level if len(level) <= 24 else level[:23] + "…" for level in levels[:4]]
    return ", ".join(shown) + (", …" if len(levels) > 4 else "")


def _numbers(one: Stability | VarianceTable) -> Table:
    from rich.table import Table

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    rows = [
        ("signal", _with_ends(one.signal)),
        ("noise", _with_ends(one.noise)),
        ("signal-to-noise ratio", _with_ends(one.snr)),
        ("expected correlation of two runs", _with_ends(one.expected_correlation)),
        (f"runs for a reliability of {RELIABILITY}", _counted(one.runs_needed(RELIABILITY))),
    ]
    p_value = getattr(one, "p_value", None)
    if p_value is not None:
        rows.append(("p, words permuted", f"{p_value:.3g}"))
    for row in rows:
        table.add_row(*row)
    return table


def _print_remarks(console: Console, one: Stability, table: VarianceTable) -> None:
    remarks = []
    alike = sum(each.alike.value for each in table.components)
    if table.signal.value < 0:
        remarks.append("The signal is below 0: the words' means differ less than noise makes them.")
    if alike > 0.1 * table.noise.value:
        remarks.append(f"{alike / table.noise.value:.0%} of the noise moves all words alike.")
    if one.dropped:
        remarks.append(f"{one.dropped} word(s) without a score in some run are left out.")
    for remark in remarks:
        console.print(remark, style="dim")


def _components(found: VarianceTable) -> Table:
    """A line for each source and combination of sources."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 3, 0, 0))
    table.add_column("noise by source")
    for title in ("share", "variance", "all words alike", "word by word"):
        table.add_column(title, justify="right")
    for each in found.components:
        name = " x ".join(each.sources)
        if len(each.sources) == len(found.sources):
            name += " + rest"
        table.add_row(
            name,
            f"{each.share:.0%}".replace("-", "−"),
            _with_ends(each.variance),
            _number(each.alike.value),
            _number(each.by_word.value),
        )
    if any(each.variance.value < 0 for each in found.components):
        table.caption = "A variance below 0 is an estimate too small to be told from 0."
    return table


def _words(found: Repetition, one: Stability) -> Table:
    """A line for each word: mean, spread over runs, and both as a bar."""
    from rich.table import Table

    from glossator.render.reading import numbered, signed, visible

    names = numbered([visible(unit.text) or "∅" for unit in found.words])
    largest = max((abs(m) + s for m, s in zip(one.mean, one.spread, strict=True) if m == m))
    decimals = min(4, max(0, 2 - math.floor(math.log10(max(largest, 1e-9)))))
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("word")
    table.add_column("mean", justify="right")
    table.add_column("± std", justify="right")
    table.add_column("")
    for name, mean, spread in zip(names, one.mean, one.spread, strict=True):
        if mean != mean:
            table.add_row(name, "–", "–", "")
            continue
        bar = _bar(float(mean), float(spread), largest)
        table.add_row(name, signed(float(mean), decimals), f"{spread:.{decimals}f}", bar)
    return table


def _bar(mean: float, spread: float, largest: float) -> str:
    """Mean as a point, one standard deviation to each side as a line, 0 as an axis."""
    middle = BAR // 2

    def column(value: float) -> int:
        return middle + round(middle * value / max(largest, 1e-300))

    cells = [" "] * (BAR + 1)
    for place in range(column(mean - spread), column(mean + spread) + 1):
        cells[place] = "─"
    if cells[middle] == " ":
        cells[middle] = "│"
    cells[column(mean)] = "●"
    return "".join(cells).rstrip()


def _with_ends(estimate: Estimate) -> str:
    return f"{_number(estimate.value)} [{_number(estimate.low)}, {_number(estimate.high)}]"


def _counted(needed: Estimate) -> str:
    """Numbers of runs, rounded up."""
    ends = [
        "∞" if math.isinf(value) else f"{max(1, math.ceil(value)):,}"
        for value in (needed.value, needed.low, needed.high)
    ]
    return f"{ends[0]} [{ends[1]}, {ends[2]}]"


def _number(value: float) -> str:
    return "∞" if math.isinf(value) else f"{value:.3g}".replace("-", "−")
