"""Cost against prompt length N and continuation length T, on the small shape.

A run that its predecessors say would take longer than `PATIENCE` is not made: its token positions
are known by formula, and its time is the last measured time per position times those. Such points
are marked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from transformers import PreTrainedModel

from benchmarks.jobs import OURS, side
from benchmarks.meter import interleave
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
    """One point for each function, tool and length; shortest texts first, tools in turn."""
    grid, fixed = (QUICK, QUICK_FIXED) if quick else (GRID, FIXED)
    model = build_model(SHAPES["small"])
    points = []
    for function, wanted in FUNCTIONS.items():
        chosen = [tool for tool in wanted if tool in tools]
        for axis, values in grid.items():
            pace = dict.fromkeys(chosen, 0.0)
            for value in values:
                sizes = fixed | {axis: value}
                tell(f"small: {function}, {sizes}")
                found = _points(function, sizes["N"], sizes["T"], pace, model, tell)
                pace = {point["tool"]: point["seconds"] / point["positions"] for point in found}
                points += [{"axis": axis, **point} for point in found]
    return points


def _points(
    function: str,
    prompt: int,
    continuation: int,
    pace: dict[str, float],
    model: PreTrainedModel,
    tell: Callable[[str], None],
) -> list[dict[str, Any]]:
    """One point for each tool; `pace` is its seconds per position on a shorter text."""
    case = build_case(SHAPES["small"], prompt, continuation, model)
    planned = {tool: positions(function, tool, prompt, continuation) for tool in pace}
    short = [tool for tool in pace if planned[tool] * pace[tool] <= PATIENCE]
    calls = {tool: side(tool)[function](case, Work()) for tool in short}
    timings = interleave(calls, model, most=3, budget=PATIENCE / 5, tell=tell)
    return [
        {
            "function": function,
            "tool": tool,
            "N": prompt,
            "T": continuation,
            "measured": tool in timings,
            "seconds": timings[tool].median if tool in timings else planned[tool] * pace[tool],
            "positions": timings[tool].count.token_positions if tool in timings else planned[tool],
        }
        for tool in pace
    ]
