"""Cost against prompt length N and continuation length T, on the small shape.

A run that its predecessors say would take longer than `PATIENCE` is not made: its token positions
are known by formula, and its time is the last measured time per position times those. Such points
are marked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.jobs import OURS, side
from benchmarks.meter import Timing
from benchmarks.models import SHAPES, build_case, build_model
from benchmarks.work import Work

GRID = {"N": (16, 32, 64, 128, 256), "T": (4, 8, 16, 32, 64)}
QUICK = {"N": (8, 16), "T": (2, 4)}
FIXED = {"N": 64, "T": 16}
QUICK_FIXED = {"N": 16, "T": 4}
PATIENCE = 30.0
"""Seconds that a run may take."""

FUNCTIONS = {
    "leave_one_out": (OURS, "captum", "inseq"),
    "input_x_gradient": (OURS, "captum", "inseq"),
}


def positions(function: str, tool: str, prompt: int, continuation: int) -> int:
    """Token positions of the forward passes that a tool plans for a text, by formula."""
    lengths = range(prompt, prompt + continuation)
    row = prompt + continuation - 1
    if function == "input_x_gradient":
        return row if tool == OURS else sum(lengths)
    return {
        OURS: row + row * (row + 1) // 2,
        "captum": (prompt + 1) * (row + 1),
        "inseq": sum(length * (length + 1) for length in lengths),
    }[tool]


def grow(tools: list[str], *, quick: bool, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """One point for each function, tool and length; shortest texts first."""
    grid, fixed = (QUICK, QUICK_FIXED) if quick else (GRID, FIXED)
    shape = SHAPES["small"]
    model = build_model(shape)
    points = []
    for function, wanted in FUNCTIONS.items():
        for tool in wanted:
            if tool not in tools:
                continue
            side(tool)[function](build_case(shape, 8, 2, model), Work())()
            for axis, values in grid.items():
                pace = 0.0
                for value in values:
                    sizes = fixed | {axis: value}
                    point = _point(function, tool, sizes["N"], sizes["T"], pace, model)
                    pace = point["seconds"] / point["token_positions"]
                    points.append({"axis": axis, **point})
                    tell(f"  {function} {tool} {sizes}: {point['seconds']:.3f} s")
    return points


def _point(
    function: str, tool: str, prompt: int, continuation: int, pace: float, model: Any
) -> dict[str, Any]:
    planned = positions(function, tool, prompt, continuation)
    point: dict[str, Any] = {
        "function": function,
        "tool": tool,
        "N": prompt,
        "T": continuation,
        "planned_positions": planned,
        "measured": planned * pace <= PATIENCE,
    }
    if not point["measured"]:
        return point | {"seconds": planned * pace, "token_positions": planned}
    case = build_case(SHAPES["small"], prompt, continuation, model)
    call = side(tool)[function](case, Work())
    timing = Timing()
    while len(timing.seconds) < 3 and sum(timing.seconds) < PATIENCE / 5:
        timing.run(call, model)
    return point | {
        "seconds": timing.median,
        "token_positions": timing.count.token_positions,
        "others_share": timing.others,
    }
