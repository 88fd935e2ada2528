"""Counting what a model computes, and timing tools in turn so that they meet the same noise."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from benchmarks.machine import OtherLoad
from benchmarks.work import Run


@dataclass(slots=True)
class Count:
    """What passed through a model's first block.

    Attributes:
        passes: calls of the model.
        forward_rows: rows of the batches (a ragged list of shared prefixes counts as one).
        token_positions: token positions computed in forward passes.
        backward_positions: token positions a gradient was pulled back to.
    """

    passes: int = 0
    forward_rows: int = 0
    token_positions: int = 0
    backward_positions: int = 0


def first_block(model: nn.Module) -> nn.Module:
    """The first transformer block: tokens and embeddings alike pass through it."""
    blocks = next(m for m in model.modules() if isinstance(m, nn.ModuleList))
    return blocks[0]


@contextmanager
def counting(model: nn.Module) -> Iterator[Count]:
    """Count while the context is open; the hook goes with it."""
    count = Count()

    def see_backward(gradient: Tensor) -> None:
        count.backward_positions += gradient.numel() // gradient.shape[-1]

    def see(module: nn.Module, arguments: Any, named: dict[str, Any]) -> None:
        hidden: Tensor = arguments[0] if arguments else named["hidden_states"]
        count.passes += 1
        count.forward_rows += hidden.shape[0]
        count.token_positions += hidden.numel() // hidden.shape[-1]
        if hidden.requires_grad:
            hidden.register_hook(see_backward)

    handle = first_block(model).register_forward_pre_hook(see, with_kwargs=True)
    try:
        yield count
    finally:
        handle.remove()


@dataclass(slots=True)
class Timing:
    """Repeated runs of one tool.

    Attributes:
        seconds: wall-clock time of each run.
        processor: processor time of each run, over all threads; it hardly feels other programs.
        others: share of the machine that other processes used during each run.
        count: what the last run computed.
        result: what the last run returned.
    """

    seconds: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    others: list[float] = field(default_factory=list)
    count: Count = field(default_factory=Count)
    result: Any = None

    @property
    def median(self) -> float:
        """Median time in seconds."""
        return statistics.median(self.seconds)

    def run(self, call: Run, model: nn.Module) -> None:
        """One timed run."""
        with counting(model) as count, OtherLoad() as load:
            start, used = time.perf_counter(), time.process_time()
            self.result = call()
            self.seconds.append(time.perf_counter() - start)
            self.processor.append(time.process_time() - used)
        self.count = count
        self.others.append(load.share)


def interleave(
    calls: dict[str, Run],
    model: nn.Module,
    *,
    most: int,
    budget: float,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Timing]:
    """Run the tools in turn (A B C, B C A, ...), so that noise of the machine meets all.

    Args:
        calls: what to run, by tool.
        model: where to count.
        most: most runs of each tool.
        budget: seconds after which a tool is not run again (each runs once at least).
        tell: told of each run.
    """
    timings = {name: Timing() for name in calls}
    order = list(calls)
    for turn in range(most if calls else 0):
        for name in order[turn % len(order) :] + order[: turn % len(order)]:
            timing = timings[name]
            if turn and sum(timing.seconds) + timing.median > budget:
                continue
            timing.run(calls[name], model)
            tell(
                f"  {name}: {timing.seconds[-1]:.3f} s, processor {timing.processor[-1]:.3f} s, "
                f"others {timing.others[-1]:.0%}"
            )
    return timings
