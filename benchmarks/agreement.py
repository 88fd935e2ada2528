"""The same numbers by other tools: ours against captum, inseq, shap and lxt, as a table.

    python -m benchmarks.agreement --out docs/benchmarks

Where both compute one quantity, the largest difference must stay below a bound. Where one draws
at random, its differences from the exact values must look like its own standard error.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from benchmarks.compare import Agreement, agree
from benchmarks.jobs import OURS, side
from benchmarks.machine import made_by
from benchmarks.models import SHAPES, Case, build_case, bundled_case
from benchmarks.work import Answer, Work
from glossator.types import interval_factor

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"
SHORT = "Tom gave the kite to"
WORK = Work(steps=256)
"""So many steps that integrated gradients have converged: each tool has a quadrature of its own."""

TRIALS = 12


@dataclass(frozen=True, slots=True)
class Check:
    """One quantity that another tool computes too.

    Attributes:
        what: the table's words. tool, function: who else computes it. ours: our function.
        bound: the largest difference allowed; as a share of the largest score if `relative`.
        unsigned: whether the tool loses the sign. short: needs a text of a few tokens.
        moves_all: also perturbs tokens that the tokenizer adds, which we hold fixed: compared
            only where there are none.
        only: class of the models that it can be compared on; "" for all.
    """

    what: str
    tool: str
    function: str
    ours: str
    bound: float
    relative: bool = False
    unsigned: bool = False
    short: bool = False
    moves_all: bool = False
    only: str = ""

    def applies(self, case: Case) -> bool:
        """Whether the two can be compared on a case."""
        named = not self.only or type(case.model).__name__ == self.only
        return named and not (self.moves_all and bool(case.fixed.any()))


CHECKS = (
    Check("FeatureAblation", "captum", "leave_one_out", "leave_one_out", 1e-4),
    Check("Input x gradient", "captum", "input_x_gradient", "input_x_gradient", 1e-4, True),
    Check(
        "Integrated gradients, prompt moves",
        "captum",
        "integrated_gradients",
        "integrated_gradients_prompt",
        1e-3,
        True,
    ),
    Check(
        "ShapleyValues (all orders)", "captum", "exact_shapley", "exact_shapley", 1e-4, short=True
    ),
    Check("ExactExplainer", "shap", "exact", "exact_shapley", 1e-4, short=True),
    Check("PartitionExplainer, the same tree", "shap", "partition", "owen", 1e-4),
    Check(
        "Occlusion: size of the change of probability",
        "inseq",
        "leave_one_out",
        "leave_one_out_probability",
        1e-4,
        relative=True,
        unsigned=True,
    ),
    Check(
        "Input x gradient of the probability",
        "inseq",
        "input_x_gradient",
        "input_x_gradient_probability",
        1e-4,
        True,
    ),
    Check(
        "Integrated gradients of the probability, all tokens move",
        "inseq",
        "integrated_gradients",
        "integrated_gradients_probability",
        1e-3,
        relative=True,
        moves_all=True,
    ),
    Check(
        "Sequential integrated gradients of the probability",
        "inseq",
        "sequential_integrated_gradients",
        "sequential_integrated_gradients_probability",
        1e-3,
        relative=True,
    ),
    Check(
        "Discretized integrated gradients of the probability, greedy, all tokens move",
        "inseq",
        "discretized_greedy",
        "discretized_greedy_probability",
        1e-3,
        relative=True,
        moves_all=True,
    ),
    Check(
        "Discretized integrated gradients of the probability, maxcount, all tokens move",
        "inseq",
        "discretized_maxcount",
        "discretized_maxcount_probability",
        1e-3,
        relative=True,
        moves_all=True,
    ),
    Check(
        "Value zeroing: shares of each layer but the last",
        "inseq",
        "value_zeroing",
        "value_zeroing_layers",
        1e-3,
    ),
    Check("ReAGent: shares after the same probes", "inseq", "reagent", "reagent_probability", 1e-3),
    Check("AttnLRP of the logit", "lxt", "lrp", "lrp_logit", 1e-4, True, only="LlamaForCausalLM"),
)

SAMPLED = (
    ("captum", "shapley"),
    ("shap", "shapley"),
    (OURS, "shapley_prompt"),
)
"""Estimators of the Shapley values of the prompt's tokens, the continuation held fixed."""


def measure(check: Check, case: Case, work: Work = WORK) -> Agreement:
    """Ours beside theirs on one case."""
    theirs = side(check.tool)[check.function](case, work)().scores
    ours = side(OURS)[check.ours](case, work)().scores
    return agree(ours.abs() if check.unsigned else ours, theirs)


def in_double(check: Check, case: Case) -> Agreement:
    """The same in float64: what is left of a difference when nothing is rounded.

    The gradient of a probability near 1 is a small difference of large numbers.
    """
    case.model.double()
    try:
        return measure(check, case)
    finally:
        case.model.float()


def holds(check: Check, found: Agreement) -> bool:
    """Whether the difference is within the check's bound."""
    return (found.relative if check.relative else found.largest) <= check.bound


@dataclass(frozen=True, slots=True)
class Spread:
    """An estimator beside the exact values.

    Attributes:
        scores: how many. worst: the largest difference. covered: share of exact values inside
            the 95% interval. stderr: the median standard error.
    """

    scores: int
    worst: float
    covered: float
    stderr: float


def estimated(tool: str, function: str, case: Case, exact: Tensor, work: Work = WORK) -> Spread:
    """How far an estimator is from the exact values, in its own standard errors.

    Ours reports them. The other tools do not: they are run `TRIALS` times with other seeds.
    """
    answer = (
        side(OURS)[function](case, replace(work, permutations=4 * TRIALS))()
        if tool == OURS
        else _repeated(tool, function, case, work)
    )
    assert answer.stderr is not None
    columns = min(exact.shape[1], answer.scores.shape[1])
    error = (answer.scores[:, :columns] - exact[:, :columns]).double()
    stderr = answer.stderr[:, :columns].double()
    # A token that changes nothing has neither error nor spread: 0 of 0 is covered.
    defined = error.isfinite() & stderr.isfinite()
    error, stderr = error[defined], stderr[defined]
    inside = error.abs() <= interval_factor(0.95, answer.dof) * stderr + 1e-5
    return Spread(
        int(defined.sum()),
        float(error.abs().max()),
        float(inside.double().mean()),
        float(stderr.median()),
    )


def _repeated(tool: str, function: str, case: Case, work: Work) -> Answer:
    run = side(tool)[function](case, replace(work, permutations=4))
    found: list[Float[Tensor, "targets prompt"]] = []
    with torch.random.fork_rng():
        for trial in range(TRIALS):
            torch.manual_seed(trial)
            np.random.seed(trial)  # shap draws from the global generator
            found.append(run().scores.double())
    trials = torch.stack(found)
    stderr = trials.std(0) / TRIALS**0.5
    return Answer(trials.mean(0), stderr=stderr, dof=TRIALS - 1)


def cases() -> Iterator[tuple[Case, Case]]:
    """Each model with an ordinary text and a short one."""
    yield bundled_case(PROMPT, 8), bundled_case(SHORT, 3)
    model = build_case(SHAPES["small"], 16, 8)
    yield model, build_case(SHAPES["small"], 5, 3, model.model)


def page() -> tuple[str, bool]:
    """The page, and whether every bound was kept."""
    rows, spreads, kept = [], [], True
    for usual, short in cases():
        for check in CHECKS:
            if not check.applies(usual):
                continue
            try:
                case = short if check.short else usual
                found = measure(check, case)
                exact = found if holds(check, found) else in_double(check, case)
            except ImportError as error:
                rows.append(_absent(usual.shape.name, check, error))
                continue
            kept &= holds(check, exact)
            rows.append(_row(usual.shape.name, check, found, exact))
        exact = side(OURS)["exact_shapley"](short, WORK)().scores
        for tool, function in SAMPLED:
            spread = estimated(tool, function, short, exact)
            spreads.append(
                f"| {usual.shape.name} | {tool} | {spread.scores} | {spread.worst:.4f} | "
                f"{spread.stderr:.4f} | {spread.covered:.0%} |"
            )
    return "\n".join(
        [
            "# Agreement with captum, inseq, shap and lxt\n",
            made_by("make bench"),
            "Same model, ids and baseline token for each pair.\n",
            "| model | quantity | tool | scores | largest score | largest difference | bound | r | "
            "kept |",
            "|---|---|---|---:|---:|---:|---:|---:|---|",
            *rows,
            "\nBounds marked (rel.) are shares of the largest score. Integrated gradients: "
            f"{WORK.steps} steps, by adaptive Simpson here and Gauss-Legendre there; inseq also "
            "moves the token its tokenizer puts first, so it is compared where there is none. "
            f"Discretized ones: {WORK.path} points and gradients at the beginning of each step "
            "(`rule=left`) for both. Value zeroing: inseq reads the last layer after the final "
            "norm, so that layer is not compared; that it takes distances below 1e-5 for 0 is "
            "switched off. ReAGent: "
            f"the rule by which {WORK.probes} probes change importances, on probes that we draw; "
            "inseq's own replacements need a tagger that it downloads. AttnLRP: on models with RMS "
            "norms; of a norm that also subtracts the mean and adds a bias, lxt lets relevance "
            "pass through the mean and leave with the bias, and we hand it on as it is.\n",
            "## Sampled Shapley values beside exact ones\n",
            f"The same game for all: the prompt's tokens, {4 * TRIALS} permutations. captum and "
            f"shap report no standard errors: theirs come from {TRIALS} runs with other seeds.\n",
            "| model | tool | scores | largest error | median standard error | in 95% interval |",
            "|---|---|---:|---:|---:|---:|",
            *spreads,
            "",
        ]
    ), kept


def _row(model: str, check: Check, found: Agreement, exact: Agreement) -> str:
    bound = f"{check.bound:.0e}" + (" (rel.)" if check.relative else "")
    mark = "✓" if holds(check, exact) else "✗"
    if exact is not found:
        mark += f" in float64: {exact.largest:.1e}"
    return (
        f"| {model} | {check.what} | {check.tool} | {found.scores} | {found.scale:.3g} | "
        f"{found.largest:.1e} | {bound} | {found.correlation:.6f} | {mark} |"
    )


def _absent(model: str, check: Check, error: ImportError) -> str:
    why = " ".join(str(error).split())
    return f"| {model} | {check.what} | {check.tool} | – | – | – | – | – | not run: {why} |"


def run(out: Path) -> int:
    """Write agreement.md; 1 where a bound is broken, else 0."""
    warnings.simplefilter("ignore")
    text, kept = page()
    out.mkdir(parents=True, exist_ok=True)
    (out / "agreement.md").write_text(text)
    print(text)
    return 0 if kept else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks"))
    sys.exit(run(parser.parse_args().out))
