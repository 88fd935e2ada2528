"""Explanations as figures: bars with intervals for a few targets, a heat map for many."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from glossator.errors import InputError
from glossator.render.reading import Reading, Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from glossator.types import Explanation

FORMATS = ("svg", "png", "pdf")
FEW_TARGETS = 3  # up to so many are drawn as bars
BARS = 15  # words of one target
COLUMNS = 48  # words in one row of heat maps; longer texts are continued below
PLUS, MINUS, INK, GRID = "#d9730d", "#2f6fd0", "#1b1b1a", "#d9d9d4"


def to_figure(explanation: Explanation, kind: str) -> bytes:
    """An explanation as a picture; the same explanation gives the same bytes.

    Args:
        explanation: what to draw.
        kind: "svg", "png" or "pdf".

    Returns:
        The file's content.

    Raises:
        InputError: another kind.
    """
    reading = Reading(explanation)
    few = len(explanation.targets) <= FEW_TARGETS
    return drawn(kind, lambda figure: (_bars if few else _map)(figure, reading))


def drawn(kind: str, draw: Callable[[Figure], None]) -> bytes:
    """What a function draws, as the content of a file; the same drawing gives the same bytes.

    Args:
        kind: "svg", "png" or "pdf".
        draw: fills an empty figure.

    Raises:
        InputError: another kind.
    """
    if kind not in FORMATS:
        raise InputError(f"cannot draw '{kind}': use one of {', '.join(FORMATS)}")
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # Fixed identifiers and no date, so that a figure under version control changes only with
    # its numbers; text stays text, to be searched and read aloud.
    settings: Any = {"svg.hashsalt": "glossator", "svg.fonttype": "none", "pdf.fonttype": 42}
    metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    with matplotlib.rc_context(settings):
        figure = Figure(layout="constrained", facecolor="white")
        FigureCanvasAgg(figure)
        draw(figure)
        out = io.BytesIO()
        figure.savefig(out, format=kind, dpi=200, metadata=metadata)
    return out.getvalue()


def save_figure(explanation: Explanation, path: str | Path) -> Path:
    """Draw an explanation into a file that ends in .svg, .png or .pdf.

    Raises:
        InputError: another ending.
        OSError: the file cannot be written.
    """
    path = Path(path)
    path.write_bytes(to_figure(explanation, path.suffix.removeprefix(".")))
    return path


def _bars(figure: Figure, reading: Reading) -> None:
    """Signed bars with 95% intervals, a panel a target, on one scale."""
    targets = reading.explanation.targets
    shown = [reading.sources(t)[:BARS] for t in range(len(targets))]
    rows = max((len(sources) for sources in shown), default=1)
    figure.set_size_inches(4.2 * len(targets) + 0.6, 0.27 * max(rows, 3) + 1.6)
    for t, sources in enumerate(shown):
        axes = figure.add_subplot(1, len(targets), t + 1)
        _draw_bars(axes, reading, sources)
        target = targets[t]
        axes.set_title(f"{reading.label(target)}\n{reading.value(target)}", fontsize=10, loc="left")
    _caption(figure, reading)


def _draw_bars(axes: Axes, reading: Reading, sources: list[Source]) -> None:
    scores = np.array([source.score for source in sources])
    half = np.nan_to_num([source.half for source in sources])
    place = np.arange(len(sources))
    colors = [PLUS if score > 0 else MINUS for score in scores]
    alpha = [0.45 if source.uncertain else 1.0 for source in sources]
    for y, score, color, strength in zip(place, scores, colors, alpha, strict=True):
        axes.barh(y, score, color=color, alpha=strength, height=0.7)
    if half.any():
        axes.errorbar(scores, place, xerr=half, fmt="none", ecolor=INK, elinewidth=1, capsize=2)
    names = [reading.names[s.unit] + (" ~" if s.uncertain else "") for s in sources]
    axes.set_yticks(place, [literal(name) for name in names], fontsize=9)
    axes.invert_yaxis()
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_xlim(*_limits(reading))
    axes.set_xlabel(f"score ({reading.unit})", fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.grid(axis="x", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _limits(reading: Reading) -> tuple[float, float]:
    # An interval may be wider than all scores; it is cut off rather than shrink the bars.
    half = np.minimum(np.nan_to_num(reading.half), reading.scale / 2)
    low = float(np.nanmin(reading.scores - half, initial=0.0))
    high = float(np.nanmax(reading.scores + half, initial=0.0))
    room = 0.04 * max(high - low, reading.scale)
    return low - room, high + room


def _map(figure: Figure, reading: Reading) -> None:
    """Targets by words, coloured by signed score; long texts are continued in further maps."""
    from matplotlib.colors import LinearSegmentedColormap

    columns = reading.columns
    pages = [columns[i : i + COLUMNS] for i in range(0, len(columns), COLUMNS)] or [[]]
    targets = reading.explanation.targets
    widest = max(len(page) for page in pages)
    longest = max((len(reading.names[u]) for u in columns), default=1)
    tall = 0.24 * len(targets) + 0.07 * min(longest, 16) + 0.5
    figure.set_size_inches(0.24 * max(widest, 12) + 2.6, tall * len(pages) + 0.7)
    palette = LinearSegmentedColormap.from_list("signed", [MINUS, "#f7f7f5", PLUS], bad="white")
    grid = figure.subplots(len(pages), 1, squeeze=False)[:, 0]
    for axes, page in zip(grid, pages, strict=True):
        table = np.full((len(targets), widest), np.nan)
        table[:, : len(page)] = np.where(
            reading.uncertain & np.isfinite(reading.scores), 0.0, reading.scores
        )[:, page]
        image = axes.imshow(
            table, cmap=palette, vmin=-reading.scale, vmax=reading.scale, aspect="auto"
        )
        names = [literal(short(reading.names[u])) for u in page]
        axes.set_xticks(range(len(page)), names, rotation=60, ha="right", fontsize=7.5)
        labels = [literal(short(reading.label(target))) for target in targets]
        axes.set_yticks(range(len(targets)), labels, fontsize=8)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=list(grid), fraction=0.025, pad=0.01)
    bar.set_label(f"score ({reading.unit})", fontsize=8)
    bar.ax.tick_params(labelsize=7)
    bar.outline.set_visible(False)
    _caption(figure, reading)


def _caption(figure: Figure, reading: Reading) -> None:
    meaning = f"+ raises the {reading.raised}, − lowers it"
    if reading.shares:
        meaning = "Shares: no sign, no effect"
    meaning += f". {' · '.join(reading.facts())}"
    if reading.sampled:
        meaning += ". Left blank or marked ~: the 95% interval contains 0"
    if reading.caveat:
        meaning += f". {reading.caveat}"
    width = int(figure.get_size_inches()[0] * 17)
    figure.supxlabel(literal("\n".join(textwrap.wrap(meaning, width))), fontsize=7, color="#5c5c58")


def short(text: str) -> str:
    """A label of 16 characters at most."""
    return text if len(text) <= 16 else text[:15] + "…"


def literal(text: str) -> str:
    """Text that matplotlib does not take for a formula."""
    return text.replace("$", r"\$")
