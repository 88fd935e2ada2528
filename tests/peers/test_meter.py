"""The measuring frame itself, checked without any of the tools it measures."""

from __future__ import annotations

import time

import torch
from benchmarks.compare import agree
from benchmarks.flops import distinct_prefixes, leave_one_out_operations
from benchmarks.growth import positions
from benchmarks.meter import counting, interleave
from benchmarks.models import Shape, build_case
from benchmarks.work import Answer

TINY = Shape("tiny", layers=2, width=32, heads=2, vocabulary=101, spread=0.3)


def test_rows_and_positions_are_counted_and_the_hook_goes() -> None:
    case = build_case(TINY, 6, 2)
    with counting(case.model) as count:
        case.model(case.ids.repeat(3, 1))
        embedded = case.model.get_input_embeddings()(case.ids[None]).detach().requires_grad_()
        case.model(inputs_embeds=embedded).logits.sum().backward()
    case.model(case.ids[None])
    assert (count.passes, count.forward_rows, count.token_positions) == (2, 4, 32)
    assert count.backward_positions == 8


def test_distinct_prefixes_follow_the_formula() -> None:
    case = build_case(TINY, 10, 4)
    assert distinct_prefixes(case) == positions("leave_one_out", "glossator", 10, 4)


def test_operations_of_gpt2_small() -> None:
    """About 0.64 TFLOP at N = 64 and T = 16, nearly all of it in the blocks' weights."""
    gpt2 = Shape("gpt2", layers=12, width=768, heads=12, vocabulary=50257, spread=0.02)
    operations = leave_one_out_operations(gpt2, 64, 16)
    assert 0.63e12 < operations < 0.66e12
    assert operations > 2 * 12 * 12 * 768**2 * 3239


def test_tools_take_turns_and_slow_ones_stop() -> None:
    order: list[str] = []

    def call(name: str, seconds: float) -> Answer:
        order.append(name)
        time.sleep(seconds)
        return Answer(torch.zeros(1, 1))

    calls = {"fast": lambda: call("fast", 0.0), "slow": lambda: call("slow", 0.05)}
    timings = interleave(calls, build_case(TINY, 3, 1).model, most=3, budget=0.06)
    assert order == ["fast", "slow", "fast", "fast"]
    assert timings["slow"].median >= 0.05 > timings["fast"].median


def test_agreement_compares_what_both_have() -> None:
    ours = torch.tensor([[1.0, 2.0, 3.0], [4.0, float("nan"), 6.0]])
    found = agree(ours, torch.tensor([[1.0, 2.5], [4.0, 9.0]]))
    assert (found.scores, found.largest, found.scale) == (3, 0.5, 4.0)
