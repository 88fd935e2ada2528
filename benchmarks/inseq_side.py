"""inseq: one target after the other, all preceding tokens as players, probabilities.

Occlusion is |p(all) - p(all but one)| (the sign is lost). Integrated gradients move all preceding
tokens from the baseline and explain the probability. Each function prepares outside the clock and
returns the call that is timed.
"""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Callable, Iterator
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import inseq
import torch
from inseq.attr.feat.ops import ValueZeroing
from inseq.attr.feat.ops.reagent_core import DeltaProbImportanceScoreEvaluator
from inseq.attr.feat.ops.reagent_core.token_replacer import TokenReplacer
from torch import Tensor

from benchmarks.models import Case
from benchmarks.work import Answer, Run, Work

logging.getLogger("inseq").setLevel(logging.ERROR)


def _attribution(case: Case, work: Work, method: str, **options: Any) -> Run:
    return _attributed(
        inseq.load_model(case.model, method, tokenizer=case.tokenizer), case, work, **options
    )


def _attributed(tool: Any, case: Case, work: Work, **options: Any) -> Run:
    length = len(case.ids)
    start = length - (work.last_targets or len(case.continuation))

    def run() -> Answer:
        found = tool.attribute(
            case.prompt_text,
            case.text,
            attr_pos_start=start,
            show_progress=False,
            pretty_progress=False,
            **options,
        ).sequence_attributions[0]
        assert [token.id for token in found.target] == case.ids.tolist(), "inseq sees other ids"
        return Answer(_lower_triangle(found.target_attributions, start))

    return run


def _lower_triangle(scores: Tensor, start: int) -> Tensor:
    """[targets tokens], NaN from the target on; inseq leaves other values there."""
    if scores.dim() == 3:
        scores = scores.sum(-1)
    by_target = scores.T.clone()
    for row, position in enumerate(range(start, scores.shape[0])):
        by_target[row, position:] = math.nan
    return by_target


def leave_one_out(case: Case, work: Work) -> Run:
    """|p - p without the token|, one row per pass (inseq's default), [targets tokens]."""
    return _attribution(case, work, "occlusion")


def leave_one_out_batched(case: Case, work: Work) -> Run:
    """The same with 16 rows per pass, an option that captum takes through inseq."""
    return _attribution(case, work, "occlusion", perturbations_per_eval=16)


def lime(case: Case, work: Work) -> Run:
    """LIME, its own samples for each target, [targets tokens]."""
    return _attribution(case, work, "lime", n_samples=work.lime_samples)


def input_x_gradient(case: Case, work: Work) -> Run:
    """Embedding times gradient of the probability, summed over the width, [targets tokens]."""
    return _attribution(case, work, "input_x_gradient")


def integrated_gradients(case: Case, work: Work) -> Run:
    """Integrated gradients of the probability; all tokens move, [targets tokens]."""
    return _attribution(case, work, "integrated_gradients", n_steps=work.steps)


def sequential_integrated_gradients(case: Case, work: Work) -> Run:
    """Integrated gradients of the probability, one token moving at a time, [targets tokens]."""
    return _attribution(case, work, "sequential_integrated_gradients", n_steps=work.steps)


def _discretized(strategy: str) -> Callable[[Case, Work], Run]:
    def prepare(case: Case, work: Work) -> Run:
        # It keeps neighbours on disk by the model's name, and these models have none.
        with TemporaryDirectory() as folder:
            name = "discretized_integrated_gradients"
            tool = inseq.load_model(case.model, name, tokenizer=case.tokenizer, cache_dir=folder)
        # The strategy is called `method`, as is the name of the whole in the call around it.
        inner = tool.attribution_method.method
        inner.attribute = partial(inner.attribute, method=strategy)
        return _attributed(tool, case, work, n_steps=work.path)

    return prepare


def value_zeroing(case: Case, work: Work) -> Run:
    """Shares of all layers but the last, whose output it reads after the final norm.

    One layer below the other: [layers x targets, tokens], the last token left out.
    """
    name = type(case.model).__name__
    attention = {"GPT2LMHeadModel": "attn", "LlamaForCausalLM": "self_attn"}[name]
    # As transformers 5 calls them.
    names = {"self_attention_module": attention, "value_vector": "value_states"}
    inseq.register_model_config(name, names, overwrite=True, allow_partial=True)
    tool = inseq.load_model(case.model, "value_zeroing", tokenizer=case.tokenizer)
    # Left alone, it sets distances below 1e-5 to 0.
    inner = tool.attribution_method.method
    measure = inner.compute_modules_post_zeroing_similarity
    inner.compute_modules_post_zeroing_similarity = partial(measure, min_score_threshold=0.0)

    def run() -> Answer:
        with _layers_of_transformers_5():
            found = tool.attribute(
                case.prompt_text, case.text, show_progress=False, pretty_progress=False
            ).sequence_attributions[0]
        # [asked of, asking, layers], NaN where a token cannot be seen.
        maps = found.target_attributions[: len(case.ids) - 1].permute(2, 1, 0)[:-1]
        return Answer(maps.nan_to_num(0.0).flatten(0, 1))

    return run


@contextlib.contextmanager
def _layers_of_transformers_5() -> Iterator[None]:
    """It expects layers that return tuples; here they return their states alone."""
    before = ValueZeroing.get_states_extract_and_patch_hook

    def hook_of(self: Any, layer: int, hidden_state_idx: int = 0) -> Callable[..., Tensor]:
        def hook(_: Any, __: Any, states: Tensor) -> Tensor:
            self.corrupted_block_output_states[layer] = states.detach().clone().float()
            clean: Tensor = self.clean_block_output_states[layer]
            return clean

        return hook

    ValueZeroing.get_states_extract_and_patch_hook = hook_of
    try:
        yield
    finally:
        ValueZeroing.get_states_extract_and_patch_hook = before


class _Given(TokenReplacer):
    """Replaces what it is told to, probe after probe, by the baseline token."""

    def __init__(self, probes: Tensor, baseline: int) -> None:
        self.probes, self.baseline = iter(probes), baseline

    def __call__(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        mask = next(self.probes)[None, : ids.shape[1]]
        return torch.where(mask, self.baseline, ids), mask


def reagent(case: Case, work: Work) -> Run:
    """Shares of importance after the probes that we draw, [targets tokens].

    Its own replacements are out of reach: it tags its vocabulary by a model that it downloads.
    """
    playing = torch.ones(len(case.ids), dtype=torch.bool)
    playing[: len(case.prompt)] = ~case.fixed
    players = int(playing[:-1].sum())

    @torch.no_grad()
    def run() -> Answer:
        draw = torch.Generator().manual_seed(0)
        rows = torch.full((len(case.continuation), len(case.ids)), math.nan)
        probes = torch.zeros(work.runs, work.probes, len(case.ids), dtype=torch.bool)
        for each in probes:
            each[:, playing.nonzero()[:-1, 0]] = (
                torch.rand(work.probes, players, generator=draw) < 0.3
            )
        for target in range(len(rows)):
            at = len(case.prompt) + target
            runs = [_importance(case, at, each) for each in probes]
            shares = torch.stack(runs)[:, playing[:at]].softmax(1).mean(0)
            rows[target, :at][playing[:at]] = shares
        return Answer(rows)

    return run


def _importance(case: Case, at: int, probes: Tensor) -> Tensor:
    replacer = _Given(probes, case.baseline)
    rule = DeltaProbImportanceScoreEvaluator(
        case.model, case.tokenizer, replacer, None, len(probes)
    )
    ids, target = case.ids[None, :at], case.ids[at : at + 1]
    before = case.model(ids).logits[:, -1].softmax(-1)[:, target]
    importance = torch.zeros(1, at)
    for _ in probes:
        importance = rule.update_importance_score(importance, ids, target, before)
    return importance[0]


RUNS: dict[str, Callable[[Case, Work], Run]] = {
    "leave_one_out": leave_one_out,
    "leave_one_out_batched": leave_one_out_batched,
    "lime": lime,
    "input_x_gradient": input_x_gradient,
    "integrated_gradients": integrated_gradients,
    "sequential_integrated_gradients": sequential_integrated_gradients,
    "discretized_greedy": _discretized("greedy"),
    "discretized_maxcount": _discretized("maxcount"),
    "value_zeroing": value_zeroing,
    "reagent": reagent,
}
