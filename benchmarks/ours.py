"""Our side: what `explain` does, from token ids, with one token id standing for a removed token.

Encoding, units and the memo table are made anew for each timed call. The loaded model is kept, as
a user keeps it; the test that decides between trie and batches belongs to its first call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from benchmarks.models import Case
from benchmarks.work import Answer, Run, Work
from glossator.attribution.value_zeroing import moved
from glossator.game import READOUTS, Budget, Counts
from glossator.model import LanguageModel
from glossator.run import Inquiry
from glossator.text import ask, continue_ids, encode_ids


def _explanation(
    case: Case,
    method: str,
    /,
    *,
    readout: str = "logprob",
    players: str = "all",
    targets: str = "tokens",
    lean: bool = False,
    **options: Any,
) -> Run:
    model = LanguageModel(case.model, case.tokenizer, "causal", case.shape.name)

    def run() -> Answer:
        inquiry = _inquiry(case, model, readout, players, targets, lean)
        found = inquiry.run(method, f"token:{case.baseline}", options)
        cost = found.cost
        return Answer(
            found.scores,
            cost.forward_rows,
            cost.token_positions,
            found.stderr,
            found.dof,
            cost.backward_rows,
        )

    return run


def _inquiry(
    case: Case,
    model: LanguageModel,
    readout: str = "logprob",
    players: str = "all",
    targets: str = "tokens",
    lean: bool = False,
) -> Inquiry:
    prompt = encode_ids(case.tokenizer, case.prompt.tolist())
    text = continue_ids(case.tokenizer, prompt, case.continuation.tolist())
    question = ask(text, kind="tokens", target_kind=targets, players=players)
    assert question.ids == tuple(case.ids.tolist()), "we see other ids"
    return Inquiry(
        model,
        question,
        text.prompt,
        text.continuation,
        READOUTS.get(readout),
        "tokens",
        targets,
        {"mode": "given"},
        Budget(case.shape.lean if lean else None),
    )


def _method(method: str, **fixed: Any) -> Callable[[Case, Work], Run]:
    """A method with options that do not depend on the budget."""
    return lambda case, work: _explanation(case, method, **fixed)


def _sampled(method: str, budget: str, **fixed: Any) -> Callable[[Case, Work], Run]:
    """A method whose `samples` are a budget of the work."""
    return lambda case, work: _explanation(case, method, samples=getattr(work, budget), **fixed)


def _integrated(**fixed: Any) -> Callable[[Case, Work], Run]:
    return lambda case, work: _explanation(case, "integrated_gradients", steps=work.steps, **fixed)


def _owen(case: Case, work: Work) -> Run:
    """On the tree that shap's side uses: its leaves are tokens, and fixed ones are no players."""
    level: list[Any] = list(range(len(case.prompt)))
    while len(level) > 1:
        level = [
            level[at : at + 2] if at + 1 < len(level) else level[at]
            for at in range(0, len(level), 2)
        ]
    number = (~case.fixed).cumsum(0) - 1

    def players(tree: Any) -> Any:
        if isinstance(tree, int):
            return None if case.fixed[tree] else int(number[tree])
        parts = [part for part in map(players, tree) if part is not None]
        return parts if len(parts) > 1 else next(iter(parts), None)

    tree = players(level[0])
    return _explanation(case, "owen", players="prompt", tree=tree, rows=work.coalitions)


def _discretized(strategy: str) -> Callable[[Case, Work], Run]:
    fixed = {"readout": "probability", "rule": "left", "strategy": strategy}
    name = "discretized_integrated_gradients"
    return lambda case, work: _explanation(case, name, steps=work.path, **fixed)


def _value_zeroing(case: Case, work: Work) -> Run:
    """Shares of all layers but the last, one below the other: [layers x targets, tokens]."""
    model = LanguageModel(case.model, case.tokenizer, "causal", case.shape.name)

    def run() -> Answer:
        trace = _inquiry(case, model).trace(Counts())
        maps = [moved(*trace.without_value(layer)) for layer in range(trace.layers - 1)]
        asking = slice(-len(case.continuation) - 1, -1)
        return Answer(torch.cat([each[asking, :-1] for each in maps]))

    return run


def _reagent(case: Case, work: Work) -> Run:
    """Runs of a number of probes that is fixed: no share of the probability is enough to end."""
    how = {"samples": work.runs, "steps": work.probes, "enough": 1e9, "readout": "probability"}
    return _explanation(case, "reagent", **how)


RUNS: dict[str, Callable[[Case, Work], Run]] = {
    "leave_one_out": _method("leave_one_out"),
    "leave_one_out_lean": _method("leave_one_out", lean=True),
    "leave_one_out_probability": _method("leave_one_out", readout="probability"),
    "shapley": _sampled("shapley", "permutations"),
    "shapley_lean": _sampled("shapley", "permutations", players="prompt", lean=True),
    "shapley_prompt": _sampled("shapley", "permutations", players="prompt"),
    "exact_shapley": _method("exact_shapley", players="prompt"),
    "exact_shapley_sequence": _method("exact_shapley", targets="sequence"),
    "kernel_shap": _sampled("kernel_shap", "coalitions"),
    "kernel_shap_lean": _sampled("kernel_shap", "coalitions", players="prompt", lean=True),
    "kernel_shap_prompt": _sampled("kernel_shap", "coalitions", players="prompt"),
    "owen": _owen,
    "lime": _sampled("lime", "coalitions"),
    "input_x_gradient": _method("input_x_gradient"),
    "input_x_gradient_probability": _method("input_x_gradient", readout="probability"),
    "integrated_gradients": _integrated(),
    "integrated_gradients_prompt": _integrated(players="prompt"),
    "integrated_gradients_probability": _integrated(readout="probability"),
    "sequential_integrated_gradients_probability": _method(
        "sequential_integrated_gradients", readout="probability", steps=40
    ),
    "discretized_greedy_probability": _discretized("greedy"),
    "discretized_maxcount_probability": _discretized("maxcount"),
    "value_zeroing_layers": _value_zeroing,
    "reagent_probability": _reagent,
    "lrp_logit": _method("lrp", readout="logit"),
}
