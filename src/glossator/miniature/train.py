"""Make the miniature from nothing: `python -m glossator.miniature.train --out DIR`."""

import argparse
import json
import math
import platform
import time
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import torch
from transformers import LlamaForCausalLM

from glossator.miniature.accuracy import held_out_accuracy
from glossator.miniature.card import write_card
from glossator.miniature.figures import loss_of, write_figures
from glossator.miniature.start import new_model
from glossator.miniature.tokens import Batch, batches, save_tokenizer, train_tokenizer
from glossator.miniature.world import EVEN, LESSONS, Blend

_RATE: Final = 2e-3
_FINAL_SHARE: Final = 0.03  # of the rate, reached at the last step
_WARM_UP: Final = 100
_REPORT_EVERY: Final = 50
_CHECK_EVERY: Final = 250


class Phase(NamedTuple):
    """A stretch of training with its own text.

    Attributes:
        steps: how many updates.
        rows: of a batch.
        blend: what the text is made of.
    """

    steps: int
    rows: int
    blend: Blend


PHASES: Final = (Phase(2000, 8, LESSONS), Phase(1000, 8, EVEN))


def rate_at(step: int, steps: int) -> float:
    """Learning rate: a linear warm-up, then half a cosine.

    Args:
        step: counted from 0.
        steps: of the whole run.

    Returns:
        The rate.

    Example:
        >>> rate_at(0, 1000) < rate_at(100, 1000) > rate_at(999, 1000)
        True
    """
    if step < _WARM_UP:
        return _RATE * (step + 1) / _WARM_UP
    done = (step - _WARM_UP) / max(1, steps - _WARM_UP)
    return _RATE * (_FINAL_SHARE + (1 - _FINAL_SHARE) * 0.5 * (1 + math.cos(math.pi * done)))


def _optimizer(model: LlamaForCausalLM) -> torch.optim.AdamW:
    """AdamW; matrices decay, the gains of the norms do not."""
    matrices = [p for p in model.parameters() if p.dim() > 1]
    gains = [p for p in model.parameters() if p.dim() == 1]
    groups = [{"params": matrices, "weight_decay": 0.05}, {"params": gains, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=_RATE, betas=(0.9, 0.98))


def _update(model: LlamaForCausalLM, optimizer: torch.optim.Optimizer, batch: Batch) -> float:
    """One step of training; returns its loss in nats."""
    loss = loss_of(model, batch)
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item()


def _updates(
    model: LlamaForCausalLM, tokenizer: Any, phases: Sequence[Phase], seed: int
) -> Iterator[tuple[float, int]]:
    """Train; yield loss and number of tokens of each step."""
    optimizer, steps, step = _optimizer(model), sum(phase.steps for phase in phases), 0
    for number, phase in enumerate(phases):
        random = Random(f"training {seed} {number}")
        source = batches(tokenizer, random, phase.rows, blend=phase.blend)
        for batch in islice(source, phase.steps):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step, steps)
            yield _update(model, optimizer, batch), batch.ids.numel()
            step += 1


def train(
    model: LlamaForCausalLM,
    tokenizer: Any,
    out: Path,
    phases: Sequence[Phase] = PHASES,
    seed: int = 0,
) -> Iterator[dict[str, Any]]:
    """Train, and report from time to time.

    Args:
        model: is changed in place.
        tokenizer: of the model.
        out: where the model is written with each full report.
        phases: how long, and on what.
        seed: of the text.

    Yields:
        Step, mean loss since the last report, seconds, tokens, and at times held-out accuracy.
    """
    steps = sum(phase.steps for phase in phases)
    began, losses, tokens = time.monotonic(), [], 0
    for step, (loss, seen) in enumerate(_updates(model, tokenizer, phases, seed), start=1):
        losses.append(loss)
        tokens += seen
        if step % _REPORT_EVERY and step < steps:
            continue
        report: dict[str, Any] = {"step": step, "loss": round(sum(losses) / len(losses), 4)}
        report |= {"seconds": round(time.monotonic() - began), "tokens": tokens}
        losses = []
        if step % _CHECK_EVERY == 0 or step == steps:
            right = held_out_accuracy(model, tokenizer, 40)
            report["accuracy"] = {name: k / n for name, (k, n) in right.items()}
            model.save_pretrained(out)
        yield report


def main() -> None:
    """Train the tokenizer and the model, measure, and write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(options.seed)
    save_tokenizer(tokenizer, options.out)
    run = {"seed": options.seed, "threads": options.threads, "machine": platform.machine()}
    log: dict[str, Any] = {"run": run, "reports": []}
    model = new_model(tokenizer, options.seed)
    for report in train(model, tokenizer, options.out, seed=options.seed):
        print(json.dumps(report), flush=True)
        log["reports"].append(report)
        (options.out / "log.json").write_text(json.dumps(log, indent=1) + "\n")
    write_figures(options.out)
    write_card(options.out)


if __name__ == "__main__":
    main()
