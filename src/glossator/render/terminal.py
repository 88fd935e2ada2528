"""An explanation in a terminal: readable at 80 columns, without colour, and in a pipe.

The text comes first, then a map of all targets by all words when it fits, then the most
decisive words of each target: with bars for a few targets, on one line each for many.
"""

from __future__ import annotations

import io
import math

import numpy as np
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from glossator.render.reading import Reading, Source, visible
from glossator.types import Explanation

POSITIVE, NEGATIVE = "#c4620a", "#2f7fd0"  # orange and blue, legible on white and on black
FEW_TARGETS = 4  # up to so many targets get bars
SOURCES_ALONE, SOURCES_AMONG_FEW = 12, 5  # bars per target when there is one, when several
SETS = 5  # phrases or pairs below the bars
LABEL = 16  # columns given to a word
MAP_ROWS, MAP_LETTERS = 40, 8  # largest map; letters of a word above its column
SHADES = " ▁▂▃▄▅▆▇█"


def to_text(explanation: Explanation, width: int | None = None, color: bool | None = None) -> str:
    """The terminal view of an explanation as text.

    Args:
        explanation: what to show.
        width: columns; 80 when None.
        color: whether to use ANSI colours; False when None.

    Returns:
        Lines no wider than `width`.

    Example:
        >>> from glossator import explain
        >>> print(to_text(explain("Tom gave the kite to", max_new_tokens=1)))  # doctest: +SKIP
    """
    console = Console(
        file=io.StringIO(),
        width=width or 80,
        force_terminal=bool(color),
        color_system="truecolor" if color else None,
        no_color=not color,
        legacy_windows=False,
        highlight=False,
    )
    with console.capture() as capture:
        print_terminal(explanation, console)
    return "\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n"


def print_terminal(explanation: Explanation, console: Console | None = None) -> None:
    """Print the terminal view of an explanation.

    Args:
        explanation: what to show.
        console: where to; standard output when None, without colour in a pipe or when the
            variable NO_COLOR is set.
    """
    console = console or Console(highlight=False)
    reading = Reading(explanation)
    for block in (_text(reading), _map(reading, console.width), _targets(reading, console.width)):
        for shown in block:
            console.print(shown, soft_wrap=False)
        if block:
            console.print()
    for line in reading.legend():
        console.print(Text(line, style="dim"))


def _text(reading: Reading) -> list[Padding]:
    """Prompt and continuation, each under its name; coloured when there is one target."""
    explanation = reading.explanation
    shown = Text("\n".join(visible(line) for line in explanation.text.split("\n")))
    if len(explanation.targets) == 1:
        for source in reading.sources(0):
            unit = explanation.units[source.unit]
            if reading.level(0, source.unit):
                shown.stylize(_style(source.score), unit.start, unit.end)
    parts: list[Text] = [Text("prompt", style="dim"), shown[: len(explanation.prompt)]]
    if explanation.continuation:
        written = shown[len(explanation.prompt) :]
        written.stylize("bold")
        parts += [
            Text("generated", style="dim"),
            written[len(written) - len(written.plain.lstrip()) :],
        ]
    return [Padding(part, (0, 0, 0, 2 * (i % 2))) for i, part in enumerate(parts)]


def _map(reading: Reading, width: int) -> list[Text]:
    """Targets by words, a sign and a bar in each cell; nothing when it does not fit."""
    targets, columns = reading.explanation.targets, reading.columns
    labels = [_fit(reading.label(target), LABEL) for target in targets]
    indent = max((cell_len(label.rstrip()) for label in labels), default=0) + 2
    if not 1 < len(targets) <= MAP_ROWS or not columns or indent + 2 * len(columns) > width:
        return []
    words = [reading.label(reading.explanation.units[unit]) for unit in columns]
    lines = [Text(" " * indent + row, style="dim") for row in _upright(words)]
    for t, label in enumerate(labels):
        line = Text(set_cell_size(label, indent), style="bold")
        for unit in columns:
            line.append(_cell(reading, t, unit))
        lines.append(line)
    return lines


def _upright(words: list[str]) -> list[str]:
    """Words written downwards, the last letters on the last line, two columns each."""
    letters = [list(word[:MAP_LETTERS]) for word in words]
    height = max(len(word) for word in letters)
    rows = [[" "] * (height - len(word)) + word for word in letters]
    return ["".join(set_cell_size(c, 2) for c in row).rstrip() for row in zip(*rows, strict=True)]


def _cell(reading: Reading, target: int, unit: int) -> Text:
    score = reading.scores[target, unit]
    if not math.isfinite(score):
        return Text("  ")
    level = reading.level(target, unit)
    if level == 0:
        return Text(" ·", style="dim")
    sign = "+" if score > 0 else "−"
    return Text(sign + SHADES[level], style=_style(score))


def _targets(reading: Reading, width: int) -> list[Text]:
    count = len(reading.explanation.targets)
    if count > FEW_TARGETS:
        return _lines(reading, width)
    top = SOURCES_ALONE if count == 1 else SOURCES_AMONG_FEW
    blocks = [_bars(reading, t, width, top) for t in range(count)]
    return [line for i, block in enumerate(blocks) for line in ([Text()] if i else []) + block]


def _heading(reading: Reading, target: int) -> Text:
    one = reading.explanation.targets[target]
    empty = float(reading.explanation.empty[target])
    line = Text(reading.label(one), style="bold")
    line.append(f"  {reading.value(one)}", style="not bold")
    if math.isfinite(empty):
        line.append(
            f"  (with no {reading.noun}: {empty:.2f})".replace("-", "−"), style="dim not bold"
        )
    return line


def _bars(reading: Reading, target: int, width: int, top: int) -> list[Text]:
    """A target and its most decisive words with signed bars on a shared axis."""
    sources = reading.sources(target)
    lines = [_heading(reading, target)]
    lines[0].truncate(width, overflow="ellipsis")
    verdict = reading.verdict(target)
    lines += [Text(f"{reading.mark(target)} {verdict}")] if verdict else []
    shown = sources[:top]
    number = max((len(reading.signed(s.score)) for s in shown), default=0)
    spread = max((len(reading.half_text(s.half)) for s in shown), default=0)
    before = 4 + LABEL + 2 + number + 1 + spread + 1
    axis = _Axis(reading, max(10, width - before))
    for source in shown:
        line = Text(f"{source.rank:>3}{'=' if source.tied else ' '} ", style="dim")
        name = _fit(reading.names[source.unit], LABEL)
        line.append(name, style="dim" if source.uncertain else "not dim")
        line.append("~" if source.uncertain else " ")
        line.append(f"{reading.signed(source.score):>{number}}", style=_style(source.score))
        line.append(f" {reading.half_text(source.half):<{spread}} ")
        line.append(axis.bar(source))
        lines.append(line)
    lines += [Text(line, style="dim") for line in _rest(reading, sources[top:])]
    return lines + _sets(reading, target, width)


def _sets(reading: Reading, target: int, width: int) -> list[Text]:
    """The strongest phrases or pairs of a target."""
    groups, sets = reading.explanation.groups, reading.sets(target)[:SETS]
    if groups is None or not sets:
        return []
    number = max(len(reading.signed(each.score)) for each in sets)
    lines = [Text(f"     {groups.kind}", style="dim")]
    for each in sets:
        line = Text(f"     {reading.signed(each.score):>{number}}", style=_style(each.score))
        line.append(
            f" {reading.half_text(each.half)}".rstrip() + f"  {each.label}", style="default"
        )
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return lines


def _rest(reading: Reading, rest: list[Source]) -> list[str]:
    if not rest:
        return []
    noun = reading.noun + ("s" if len(rest) > 1 else "")
    return [
        f"     … and {len(rest)} more {noun}, at most {abs(rest[0].score):.{reading.decimals}f}"
    ]


class _Axis:
    """Room for bars: negative ones to the left of the axis, positive ones to the right.

    A bar is solid up to the near end of its interval, dashed up to the far end.
    """

    def __init__(self, reading: Reading, cells: int) -> None:
        # An interval may be wider than all scores; it is cut off rather than shrink the bars.
        half = np.minimum(np.nan_to_num(reading.half), reading.scale / 2)
        low = max(0.0, -np.nanmin(reading.scores - half, initial=0.0))
        high = max(0.0, np.nanmax(reading.scores + half, initial=0.0))
        span = max(low + high, reading.scale)
        self.left = round((cells - 1) * low / span)
        self.right = cells - 1 - self.left
        self.step = span / (cells - 1)

    def bar(self, source: Source) -> Text:
        """The bar of one score, as wide as the axis."""
        half = source.half if math.isfinite(source.half) else 0.0
        low, high = source.score - half, source.score + half
        cells = []
        for i in range(-self.left, self.right):
            at = (i + 0.5) * self.step
            inside = 0 < at < source.score or source.score < at < 0
            if inside and not low < at < high:
                cells.append("█")
            elif inside:
                cells.append("▓")
            else:
                cells.append("░" if low < at < high else " ")
        cells.insert(self.left, "│")
        return Text("".join(cells).rstrip(), style=_style(source.score))


def _lines(reading: Reading, width: int) -> list[Text]:
    """Each target on one line: its value and as many decisive words as fit."""
    targets = reading.explanation.targets
    values = [reading.value(target) for target in targets]
    label = min(LABEL, max(cell_len(reading.label(target)) for target in targets))
    lines = []
    for t, target in enumerate(targets):
        mark = reading.mark(t)
        line = Text(f"{mark} " if mark else "")
        line.append(_fit(reading.label(target), label), style="bold")
        line.append(f"  {values[t]:<{max(map(len, values))}}", style="not bold dim")
        _append_sources(line, reading, t, width)
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return lines


def _append_sources(line: Text, reading: Reading, target: int, width: int) -> None:
    sources = [s for s in reading.sources(target) if reading.level(target, s.unit)]
    if not sources:
        together = ", ".join(reading.decisive(target))
        said = f"no word alone; together {together}" if together else "nothing beyond noise"
        line.append(f"  {said}", style="not bold dim")
    for place, source in enumerate(sources):
        entry = Text(f"  {_fit(reading.names[source.unit], LABEL).rstrip()} ", style="not bold")
        entry.append(reading.signed(source.score), style=_style(source.score))
        more = f"  … {len(sources) - place} more"
        last = place == len(sources) - 1
        if place and line.cell_len + entry.cell_len + (0 if last else len(more)) > width:
            line.append(more, style="not bold dim")
            break
        line.append(entry)


def _fit(text: str, width: int) -> str:
    """Text in exactly so many columns, cut with an ellipsis."""
    if cell_len(text) > width:
        text = set_cell_size(text, width - 1).rstrip() + "…"
    return set_cell_size(text, width)


def _style(score: float) -> str:
    return POSITIVE if score > 0 else NEGATIVE
