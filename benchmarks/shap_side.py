"""shap: Partition and Permutation over the prompt's tokens.

shap's own way to a language model, `shap.models.TeacherForcing`, works on text, copies the logits
of the whole vocabulary to float64 and explains log odds. `partition` and `shapley` use it not:
they give shap a value function that reads log-probabilities of the targets only, which is kinder
to it. `partition_text` is what a user of shap gets. Each function prepares outside the clock.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import shap
import torch
from jaxtyping import Float, Int
from torch import Tensor

from benchmarks.models import Case
from benchmarks.work import Answer, Run, Work

ROWS_PER_PASS = 32


def value_function(case: Case) -> Callable[[npt.NDArray[np.int64]], npt.NDArray[np.float64]]:
    """Log-probabilities of all targets for prompts of equal length, [rows N] -> [rows T]."""
    targets = len(case.continuation)

    @torch.no_grad()
    def values(prompts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        rows = torch.as_tensor(prompts)
        parts = [rows[at : at + ROWS_PER_PASS] for at in range(0, len(rows), ROWS_PER_PASS)]
        found = [_log_probabilities(case, part) for part in parts]
        return torch.cat(found).double().numpy().reshape(-1, targets)

    return values


def _log_probabilities(
    case: Case, prompts: Int[Tensor, "rows prompt"]
) -> Float[Tensor, "rows targets"]:
    targets = len(case.continuation)
    forced = case.continuation[:-1].expand(len(prompts), -1)
    rows = torch.cat([prompts.long(), forced], dim=1)
    logits = case.model(rows, logits_to_keep=targets, use_cache=False).logits
    chosen = case.continuation.expand(len(prompts), -1)[..., None]
    log_probabilities: Tensor = logits.log_softmax(-1).gather(2, chosen)[..., 0]
    return log_probabilities


def balanced_tree(leaves: int) -> npt.NDArray[np.float64]:
    """Neighbours merged level by level, in scipy's linkage format.

    Example:
        >>> balanced_tree(3).tolist()
        [[0.0, 1.0, 2.0, 2.0], [3.0, 2.0, 3.0, 3.0]]
    """
    level = [(leaf, 1) for leaf in range(leaves)]
    merges: list[tuple[int, int, int, int]] = []
    while len(level) > 1:
        above = []
        for (left, n), (right, m) in zip(level[::2], level[1::2], strict=False):
            merges.append((left, right, n + m, n + m))
            above.append((leaves + len(merges) - 1, n + m))
        level = above + level[len(level) - len(level) % 2 :]
    return np.array(merges, dtype=np.float64)


def _background(case: Case) -> npt.NDArray[np.int64]:
    """What absent tokens become; a fixed token is its own, so it scores 0 and moves no other."""
    return torch.where(case.fixed, case.prompt, case.baseline).numpy()[None]


def _independent(case: Case) -> shap.maskers.Independent:
    # A masker with a tree would make shap draw orders of the tree only: Owen, not Shapley values.
    return shap.maskers.Independent(_background(case))


def _explain(case: Case, explainer: shap.Explainer, evaluations: int) -> Run:
    prompt = case.prompt.numpy()[None]

    def run() -> Answer:
        found = explainer(prompt, max_evals=evaluations, batch_size=ROWS_PER_PASS, silent=True)
        return Answer(torch.as_tensor(found.values[0]).T)

    return run


def partition(case: Case, work: Work) -> Run:
    """Owen values on a balanced tree, lean value function, [targets prompt], nats."""
    masker = shap.maskers.Partition(_background(case), clustering=balanced_tree(len(case.prompt)))
    explainer = shap.PartitionExplainer(value_function(case), masker)
    return _explain(case, explainer, work.coalitions)


def shapley(case: Case, work: Work) -> Run:
    """Permutations in antithetic pairs, lean value function, [targets prompt], nats."""
    explainer = shap.PermutationExplainer(value_function(case), _independent(case))
    evaluations = work.permutations // 2 * (2 * len(case.prompt) + 1)  # a pair at a time
    return _explain(case, explainer, evaluations)


def exact(case: Case, work: Work) -> Run:
    """Exact Shapley values, for prompts of a dozen tokens at most, [targets prompt], nats."""
    explainer = shap.ExactExplainer(value_function(case), _independent(case))
    return _explain(case, explainer, 2 ** len(case.prompt))


def partition_text(case: Case, work: Work) -> Run:
    """Partition through shap's own text model, [targets prompt], log odds."""
    model = shap.models.TeacherForcing(case.model, case.tokenizer, batch_size=ROWS_PER_PASS)
    masker = shap.maskers.Text(case.tokenizer, mask_token="<unk>", collapse_mask_token=False)
    explainer = shap.PartitionExplainer(model, masker)
    prompt, continuation = [case.prompt_text], [case.tokenizer.decode(case.continuation)]

    def run() -> Answer:
        found = explainer(
            prompt, continuation, max_evals=work.coalitions, batch_size=ROWS_PER_PASS, silent=True
        )
        return Answer(torch.as_tensor(found.values[0]).T)

    return run


RUNS: dict[str, Callable[[Case, Work], Run]] = {
    "partition": partition,
    "partition_text": partition_text,
    "shapley": shapley,
    "exact": exact,
}
