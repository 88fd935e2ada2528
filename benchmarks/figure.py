"""The figure of cost against N and T."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COLOURS = {"glossator": "#0b6e4f", "captum": "#b5541c", "inseq": "#4056a1"}
MARKS = {"glossator": "o", "captum": "s", "inseq": "^"}
TITLES = {"leave_one_out": "Leave-one-out", "input_x_gradient": "Input x gradient"}
MEASURES = {"seconds": "time (s)", "positions": "forward token positions"}
AXES = {"N": "prompt tokens N", "T": "generated tokens T"}


def draw(points: list[dict[str, Any]], path: Path) -> None:
    """Two functions by two axes, time above positions; hollow marks were predicted, not run."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    # Text stays text, and the same numbers give the same file.
    with plt.rc_context({"svg.fonttype": "none", "svg.hashsalt": "speed", "font.size": 9}):
        figure, grid = plt.subplots(2, 4, figsize=(13, 6), layout="constrained", sharex="col")
        columns = [(function, axis) for function in TITLES for axis in AXES]
        for column, (function, axis) in enumerate(columns):
            for row, measure in enumerate(MEASURES):
                chosen = [p for p in points if p["function"] == function and p["axis"] == axis]
                _panel(grid[row, column], chosen, axis, measure)
            grid[0, column].set_title(f"{TITLES[function]} by {axis}")
            grid[1, column].set_xlabel(AXES[axis])
        for row, label in enumerate(MEASURES.values()):
            grid[row, 0].set_ylabel(label)
        grid[0, 0].legend(frameon=False)
        figure.savefig(path, metadata={"Date": None})
        plt.close(figure)


def _panel(axes: Any, points: list[dict[str, Any]], axis: str, measure: str) -> None:
    for tool, colour in COLOURS.items():
        line = [point for point in points if point["tool"] == tool]
        if not line:
            continue
        x, y = [point[axis] for point in line], [point[measure] for point in line]
        faces = [colour if point["measured"] else "white" for point in line]
        axes.plot(x, y, color=colour, linewidth=1.2, label=tool, zorder=1)
        axes.scatter(x, y, c=faces, edgecolors=colour, marker=MARKS[tool], zorder=2)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xticks(sorted({point[axis] for point in points}))
    axes.get_xaxis().set_major_formatter("{x:.0f}")
    axes.grid(True, which="major", linewidth=0.3)
