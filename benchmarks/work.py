"""How much each tool is asked to do, and what a tool's side of the comparison looks like."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Answer:
    """What a timed call returns.

    Attributes:
        scores: [targets players], positive = the player raises the target; NaN where undefined.
        rows: rows the tool says it asked for; None: as counted in the model.
        positions: token positions it says it computed, padding not counted.
        stderr: standard errors, same shape; dof: their degrees of freedom (None: normal).
        backward_rows: rows a gradient was pulled back to, where the tool says so (several
            pull-backs in one pass cannot be counted in the model).
    """

    scores: Tensor
    rows: int | None = None
    positions: int | None = None
    stderr: Tensor | None = None
    dof: int | None = None
    backward_rows: int | None = None


Run = Callable[[], Answer]
"""The call that is timed; what it needs was prepared before."""


@dataclass(frozen=True, slots=True)
class Work:
    """Budgets, equal for all tools.

    Attributes:
        permutations: of sampled Shapley (we draw two pairs at least).
        coalitions: of Kernel SHAP and of shap's Partition (we need more than one pair for each
            player), and our LIME's.
        steps: of integrated gradients. path: points of a path of discretized ones.
        runs, probes: of ReAGent, probes in each run.
        lime_samples: rows of inseq's LIME, for each target anew.
        last_targets: only the last so many targets (inseq alone can; the longest rows); None:
            all of them.
    """

    permutations: int = 4
    coalitions: int = 256
    steps: int = 20
    path: int = 30
    runs: int = 2
    probes: int = 16
    lime_samples: int = 50
    last_targets: int | None = None
