"""lxt: AttnLRP of one logit after the other, as gradient x input under changed derivatives.

It changes classes and functions of transformers for good; they are put back after each call.
"""

from __future__ import annotations

import contextlib
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import lxt
import torch
from transformers.models.llama import modeling_llama

from benchmarks.models import Case
from benchmarks.work import Answer, Run, Work


def _rules_for_llama() -> dict[Any, Any]:
    """Its rules without its other families, which import what transformers 5 no longer has."""
    families = ModuleType("lxt.efficient.models")
    families.__path__ = [str(Path(path) / "efficient" / "models") for path in lxt.__path__]
    families.get_default_map = None  # type: ignore[attr-defined]
    sys.modules.setdefault(families.__name__, families)
    found: dict[Any, Any] = import_module("lxt.efficient.models.llama").attnLRP
    return found


@contextlib.contextmanager
def _patched(model: Any) -> Iterator[None]:
    rules = _rules_for_llama()
    wrap = import_module("lxt.efficient.patches").wrap_attention_forward
    forwards = {target: target.forward for target in rules if isinstance(target, type)}
    eager, usual = modeling_llama.eager_attention_forward, model.config._attn_implementation
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for target in forwards:
                rules[target](target)
        # Its own way puts a table in place that transformers 5 cannot read.
        modeling_llama.eager_attention_forward = wrap(eager)
        model.set_attn_implementation("eager")
        yield
    finally:
        for target, forward in forwards.items():
            target.forward = forward
        modeling_llama.eager_attention_forward = eager
        model.set_attn_implementation(usual)


def lrp(case: Case, work: Work) -> Run:
    """Relevance of each token for each generated token's logit, [targets tokens]."""
    rows = torch.full((len(case.continuation), len(case.ids)), math.nan)

    def run() -> Answer:
        with _patched(case.model):
            for target, token in enumerate(case.continuation):
                at = len(case.prompt) + target
                inputs = case.model.get_input_embeddings()(case.ids[None, :at]).detach()
                inputs.requires_grad_(True)
                logit = case.model(inputs_embeds=inputs, use_cache=False).logits[0, -1, token]
                (slope,) = torch.autograd.grad(logit, inputs)
                rows[target, :at] = (slope * inputs).sum(-1)[0].detach()
        rows[:, : len(case.prompt)][:, case.fixed] = math.nan
        return Answer(rows)

    return run


RUNS: dict[str, Callable[[Case, Work], Run]] = {"lrp": lrp}
