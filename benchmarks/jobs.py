"""The comparisons: which functions of which tools answer the same question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module

from benchmarks.models import Case
from benchmarks.work import Run, Work

SIDES = {
    "glossator": "benchmarks.ours",
    "captum": "benchmarks.captum_side",
    "inseq": "benchmarks.inseq_side",
    "shap": "benchmarks.shap_side",
    "lxt": "benchmarks.lxt_side",
}
OURS = "glossator"
LEAN = "glossator, lean"
ALL = "glossator, generated tokens play too"
SMALL = ("small",)


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a comparison.

    Attributes:
        label: what the table calls it. tool: whose function it is.
        function: its name in the tool's `RUNS`.
        asked: by shape, how many times faster we must be ({} where nothing was promised).
        definition: our function that computes the same numbers; "" where both draw at random
            or the tool defines something else.
        unsigned: whether the tool loses the sign.
        shapes: where it is run; the slowest that nothing was promised about, at the small one only.
    """

    label: str
    tool: str
    function: str
    asked: dict[str, float] = field(default_factory=dict)
    definition: str = ""
    unsigned: bool = False
    shapes: tuple[str, ...] = ("small", "gpt2")


@dataclass(frozen=True, slots=True)
class Job:
    """One question that several tools answer; the first entry is ours."""

    name: str
    title: str
    entries: tuple[Entry, ...]


JOBS = (
    Job(
        "leave_one_out",
        "Leave-one-out, all targets",
        (
            Entry(OURS, OURS, "leave_one_out"),
            Entry(LEAN, OURS, "leave_one_out_lean"),
            Entry(
                "captum", "captum", "leave_one_out", {"small": 3.0, "gpt2": 2.3}, "leave_one_out"
            ),
            Entry(
                "inseq",
                "inseq",
                "leave_one_out",
                {"small": 50.0, "gpt2": 40.0},
                "leave_one_out_probability",
                unsigned=True,
            ),
            Entry(
                "inseq, 16 rows a pass",
                "inseq",
                "leave_one_out_batched",
                {},
                "leave_one_out_probability",
                unsigned=True,
                shapes=SMALL,
            ),
        ),
    ),
    Job(
        "shapley",
        "Shapley, {permutations} permutations",
        (
            Entry(OURS, OURS, "shapley_prompt"),
            Entry(LEAN, OURS, "shapley_lean"),
            Entry(ALL, OURS, "shapley"),
            Entry("captum", "captum", "shapley", {"small": 3.0, "gpt2": 3.0}),
            Entry("shap Permutation, lean", "shap", "shapley"),
        ),
    ),
    Job(
        "kernel_shap",
        "Kernel SHAP and Partition, {coalitions} coalitions",
        (
            Entry(OURS, OURS, "kernel_shap_prompt"),
            Entry(LEAN, OURS, "kernel_shap_lean"),
            Entry(ALL, OURS, "kernel_shap"),
            Entry("captum", "captum", "kernel_shap", {"small": 2.8, "gpt2": 1.9}),
            Entry("shap Partition", "shap", "partition_text", {"small": 2.0, "gpt2": 2.0}),
            Entry("shap Partition, lean", "shap", "partition"),
        ),
    ),
    Job(
        "lime",
        "LIME: {coalitions} samples for all targets; inseq {lime_samples} for each",
        (
            Entry(OURS, OURS, "lime", shapes=SMALL),
            Entry("inseq", "inseq", "lime", shapes=SMALL),
        ),
    ),
    Job(
        "input_x_gradient",
        "Input x gradient, all targets",
        (
            Entry(OURS, OURS, "input_x_gradient"),
            Entry(
                "captum",
                "captum",
                "input_x_gradient",
                {"small": 3.0, "gpt2": 3.0},
                "input_x_gradient",
            ),
            Entry(
                "inseq",
                "inseq",
                "input_x_gradient",
                {"small": 3.0, "gpt2": 3.0},
                "input_x_gradient_probability",
            ),
        ),
    ),
    Job(
        "integrated_gradients",
        "Integrated gradients, {steps} steps",
        (
            Entry(OURS, OURS, "integrated_gradients"),
            Entry(
                "captum",
                "captum",
                "integrated_gradients",
                {"small": 2.4, "gpt2": 2.4},
                "integrated_gradients_prompt",
            ),
            Entry(
                "inseq",
                "inseq",
                "integrated_gradients",
                {"small": 2.4, "gpt2": 2.4},
                "integrated_gradients_probability",
            ),
        ),
    ),
)


def side(tool: str) -> dict[str, Callable[[Case, Work], Run]]:
    """A tool's functions by name.

    Raises:
        ImportError: the tool is not installed.
    """
    runs: dict[str, Callable[[Case, Work], Run]] = import_module(SIDES[tool]).RUNS
    return runs
