"""captum: all targets of a row in one pass (`forward_in_tokens=False`), prompt tokens as players.

captum's default token-by-token loop is silently wrong with transformers 5: it is never used here.
Kernel SHAP explains the whole continuation only (captum offers no more), so its result has one
row. Each function prepares outside the clock and returns the call that is timed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from captum.attr import (
    FeatureAblation,
    KernelShap,
    LayerGradientXActivation,
    LayerIntegratedGradients,
    LLMAttribution,
    LLMGradientAttribution,
    ShapleyValues,
    ShapleyValueSampling,
    TextTokenInput,
)
from jaxtyping import Float
from torch import Tensor

from benchmarks.models import Case
from benchmarks.work import Answer, Run, Work


def _question(case: Case) -> TextTokenInput:
    skipped = case.prompt[case.fixed].tolist()
    question = TextTokenInput(
        case.prompt_text, case.tokenizer, baselines=case.baseline, skip_tokens=skipped
    )
    assert question.inp_tensor[0].tolist() == case.prompt.tolist(), "captum sees other ids"
    return question


def _among_all(case: Case, scores: Tensor) -> Float[Tensor, "targets prompt"]:
    """From the players to all tokens of the prompt, NaN at fixed ones."""
    spread = torch.full((len(scores), len(case.prompt)), math.nan)
    spread[:, ~case.fixed] = scores.float()
    return spread


def _perturbation(case: Case, method: Any, /, **options: Any) -> Run:
    tool = LLMAttribution(method, case.tokenizer, attr_target="log_prob")
    question = _question(case)

    def run() -> Answer:
        found = tool.attribute(
            question, target=case.continuation, forward_in_tokens=False, **options
        )
        scores = found.seq_attr[None] if found.token_attr is None else found.token_attr
        return Answer(_among_all(case, scores))

    return run


def _gradient(case: Case, method: type[Any], /, **options: Any) -> Run:
    layer = method(case.model, case.model.get_input_embeddings())
    tool = LLMGradientAttribution(layer, case.tokenizer)
    question = _question(case)

    def run() -> Answer:
        scores = tool.attribute(question, target=case.continuation, **options).token_attr
        return Answer(_among_all(case, scores))

    return run


def leave_one_out(case: Case, work: Work) -> Run:
    """log p(all) - log p(all but one), [targets prompt]."""
    return _perturbation(case, FeatureAblation(case.model))


def shapley(case: Case, work: Work) -> Run:
    """Mean marginal gain of log p over random permutations, [targets prompt]."""
    return _perturbation(case, ShapleyValueSampling(case.model), n_samples=work.permutations)


def exact_shapley(case: Case, work: Work) -> Run:
    """The same over all permutations, for half a dozen players at most, [targets prompt]."""
    return _perturbation(case, ShapleyValues(case.model))


def kernel_shap(case: Case, work: Work) -> Run:
    """Kernel SHAP of the continuation's log p, [1 prompt]."""
    return _perturbation(case, KernelShap(case.model), n_samples=work.coalitions)


def input_x_gradient(case: Case, work: Work) -> Run:
    """Embedding times gradient of log p, summed over the width, [targets prompt]."""
    return _gradient(case, LayerGradientXActivation)


def integrated_gradients(case: Case, work: Work) -> Run:
    """Integrated gradients of log p; only the prompt moves from the baseline, [targets prompt]."""
    return _gradient(case, LayerIntegratedGradients, n_steps=work.steps)


RUNS: dict[str, Callable[[Case, Work], Run]] = {
    "leave_one_out": leave_one_out,
    "shapley": shapley,
    "exact_shapley": exact_shapley,
    "kernel_shap": kernel_shap,
    "input_x_gradient": input_x_gradient,
    "integrated_gradients": integrated_gradients,
}
