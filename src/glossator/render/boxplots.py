"""Scores of each word over many runs as boxplots, in the order of the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from glossator.render.figure import COLUMNS, GRID, INK, MINUS, PLUS, drawn, literal, short
from glossator.render.reading import numbered, visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray


def boxplots(
    words: Sequence[str],
    scores: Sequence[Float[Array, "runs words"]],
    *,
    titles: Sequence[str],
    measure: str,
    kind: str,
) -> bytes:
    """A box for each word: median, quartiles, whiskers to 1.5 interquartile ranges, outliers.

    Boxes are coloured by the sign of the median (as in Bogaert and Standaert 2024, who draw the
    relevances of each word over models trained with other seeds).

    Args:
        words: in the order of the text.
        scores: a table for each panel; NaN where a run has no score.
        titles: one for each panel.
        measure: unit of the scores.
        kind: "svg", "png" or "pdf".

    Returns:
        The file's content; the same numbers give the same bytes.

    Raises:
        InputError: another kind.
    """
    names = numbered([visible(word) or "∅" for word in words])
    pages = [range(i, min(i + COLUMNS, len(words))) for i in range(0, len(words), COLUMNS)]

    def draw(figure: Figure) -> None:
        panels = [(*panel, page) for panel in zip(scores, titles, strict=True) for page in pages]
        widest = max(len(page) for page in pages)
        figure.set_size_inches(0.3 * max(widest, 12) + 1.4, 2.6 * len(panels) + 0.3)
        grid = figure.subplots(len(panels), 1, squeeze=False)[:, 0]
        for axes, (table, title, page) in zip(grid, panels, strict=True):
            _panel(axes, table[:, list(page)], [names[word] for word in page])
            axes.set_title(literal(visible(title)), fontsize=10, loc="left")
            axes.set_ylabel(f"score ({measure})", fontsize=8)

    return drawn(kind, draw)


def _panel(axes: Axes, table: Float[Array, "runs words"], names: Sequence[str]) -> None:
    columns = [column[np.isfinite(column)] for column in table.T]
    boxes = axes.boxplot(
        columns,
        widths=0.6,
        patch_artist=True,
        medianprops={"color": INK},
        flierprops={"marker": ".", "markersize": 3},
    )
    for box, column in zip(boxes["boxes"], columns, strict=True):
        positive = len(column) > 0 and float(np.median(column)) > 0
        box.set(facecolor=PLUS if positive else MINUS, alpha=0.6, linewidth=0.6)
    axes.axhline(0, color=INK, linewidth=0.6)
    labels = [literal(short(name)) for name in names]
    axes.set_xticks(range(1, len(names) + 1), labels, rotation=60, ha="right", fontsize=7.5)
    axes.tick_params(axis="y", labelsize=7)
    axes.grid(axis="y", color=GRID, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
