"""Make the miniature from nothing: `python -m glossator.miniature.train --out DIR`."""

import argparse
import json
import math
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from glossator.miniature.accuracy import held_out_accuracy
from glossator.miniature.card import write_card
from glossator.miniature.figures import loss_of, write_figures
from glossator.miniature.tokens import (
    BOS,
    CONTEXT,
    EOS,
    PAD,
    VOCABULARY,
    batches,
    save_tokenizer,
    train_tokenizer,
)
from glossator.miniature.world import EVEN, HARD, Blend

_RATE: Final = 2e-3
_FINAL_SHARE: Final = 0.03  # of the rate, reached at the last step of the schedule
_WARM_UP: Final = 100
_REPORT_EVERY: Final = 50
_CHECK_EVERY: Final = 250


class Phase(NamedTuple):
    """A stretch of training with its own text, optimizer and schedule.

    Attributes:
        steps: how many updates.
        schedule: the steps of the whole cosine; more than `steps` if it is left early.
        rows: of a batch.
        blend: what its text is made of.
    """

    steps: int
    schedule: int
    rows: int
    blend: Blend


PHASES: Final = (
    Phase(steps=1500, schedule=3200, rows=16, blend=EVEN),
    Phase(steps=1500, schedule=4000, rows=8, blend=HARD),
    Phase(steps=1500, schedule=1500, rows=8, blend=EVEN),
)


def new_model(seed: int) -> LlamaForCausalLM:
    """An untrained miniature.

    Args:
        seed: of its weights. The global state of the generator is left as found.

    Returns:
        The model.

    Example:
        >>> sum(p.numel() for p in new_model(0).parameters())
        886144
    """
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=CONTEXT,
        initializer_range=0.05,  # the usual 0.02 suits models ten times as wide
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)


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


def train(
    model: LlamaForCausalLM, tokenizer: Any, phase: Phase, text: str, out: Path
) -> Iterator[dict[str, Any]]:
    """Train for one phase, and report from time to time.

    Args:
        model: is changed in place.
        tokenizer: of the model.
        phase: how long, and on what.
        text: the seed of the training text.
        out: where the model is written with each full report.

    Yields:
        Step, mean loss since the last report, seconds, tokens, and at times held-out accuracy.
    """
    optimizer = _optimizer(model)
    source = batches(tokenizer, Random(text), phase.rows, blend=phase.blend)
    began, losses = time.monotonic(), []
    for step in range(1, phase.steps + 1):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step - 1, phase.schedule)
        loss = loss_of(model, next(source))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % _REPORT_EVERY and step < phase.steps:
            continue
        report: dict[str, Any] = {"step": step, "loss": round(sum(losses) / len(losses), 4)}
        report["seconds"] = round(time.monotonic() - began)
        report["tokens"] = step * phase.rows * CONTEXT
        losses = []
        if step % _CHECK_EVERY == 0 or step == phase.steps:
            right = held_out_accuracy(model, tokenizer, 40)
            report["accuracy"] = {name: k / n for name, (k, n) in right.items()}
            model.save_pretrained(out)
        yield report


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--resume", action="store_true", help="begin after the first phase, whose end is in --out"
    )
    return parser.parse_args()


def main() -> None:
    """Train the tokenizer and the model, measure, and write the folder."""
    options = _arguments()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(options.seed)
    save_tokenizer(tokenizer, options.out)
    run = {"seed": options.seed, "threads": options.threads, "machine": platform.machine()}
    log: dict[str, Any] = {"run": run, "reports": []}
    model = new_model(options.seed)
    if options.resume:
        model = LlamaForCausalLM.from_pretrained(options.out)
        log = json.loads((options.out / "log.json").read_text())
    for number, phase in enumerate(PHASES, start=1):
        if number == 1 and options.resume:
            continue
        text = f"training {options.seed}" + f" phase {number}" * (number > 1)
        for report in train(model, tokenizer, phase, text, options.out):
            print(json.dumps(report), flush=True)
            log["reports"].append({"phase": number, **report})
            (options.out / "log.json").write_text(json.dumps(log, indent=1) + "\n")
    write_figures(options.out)
    write_card(options.out)


if __name__ == "__main__":
    main()
