"""A long prompt explained to the word with a tenth of the rows that leave-one-out takes.

    python -m benchmarks.long_input --model DIR --texts stories.jsonl

Twenty documents of about 300 tokens are joined to one prompt; the model continues it, and what it
says is explained as one target: by `multi_level` (documents, then sentences, then words) and by
leaving out every single word. A Llama that was trained on shorter texts is stretched to the length
by a larger base of its rotary embedding (NTK-aware scaling): it need not be good at the length to
be asked why it says what it says. An interrupted run leaves what it has beside the page to be made;
the same command goes on there.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from benchmarks.machine import made_by
from glossator.game import Counts
from glossator.model import LanguageModel
from glossator.run import inquire
from glossator.run.inquiry import Inquiry
from glossator.store import load, save
from glossator.text.sentences import sentences
from glossator.types import Cost, Explanation

DOCUMENTS, TOKENS, NEW = 20, 300, 8
PART = 64
"""Words left out between two savings."""
TOP = 3
WEIGHTS: dict[str, Callable[[list[float]], float]] = {
    "all its words": sum,
    "its strongest word": max,
}
"""What a sentence weighs."""

Ranked = tuple[float, str]


def stretched(folder: Path, length: int) -> LanguageModel:
    """The model with positions for so many tokens."""
    config = AutoConfig.from_pretrained(folder)
    factor = max(length / config.max_position_embeddings, 1.0)
    width = config.hidden_size // config.num_attention_heads
    config.rope_parameters["rope_theta"] *= factor ** (width / (width - 2))
    config.max_position_embeddings = max(length, config.max_position_embeddings)
    hf = AutoModelForCausalLM.from_pretrained(folder, config=config).eval()
    return LanguageModel(hf, AutoTokenizer.from_pretrained(folder), "causal", folder.name)


def prompt_of(path: Path, tokenizer: Any) -> str:
    """Documents of so many tokens each, cut at the end of a sentence, blank lines between them."""
    found: list[str] = []
    for line in path.read_text().splitlines():
        text = json.loads(line)["text"].replace("\n\n", "\n")
        cut = ""
        for _, end in sentences(text):
            if len(tokenizer(text[:end]).input_ids) > TOKENS:
                break
            cut = text[:end]
        if len(tokenizer(cut).input_ids) > 0.9 * TOKENS:
            found.append(cut.strip())
        if len(found) == DOCUMENTS:
            return "\n\n".join(found)
    raise SystemExit(f"{path} has only {len(found)} texts of {TOKENS} tokens")


def of_sentences(why: Explanation, joined: Callable[[list[float]], float]) -> list[Ranked]:
    """The sentences of the prompt, the one of largest score first.

    Args:
        joined: makes one number of the sizes of its words' scores.
    """
    found = []
    for start, end in sentences(why.prompt):
        own = [
            abs(float(score))
            for unit, score in zip(why.units, why.scores[0], strict=True)
            if start <= unit.start < end and unit.part == "prompt" and not score.isnan()
        ]
        found.append((joined(own) if own else 0.0, why.prompt[start:end].strip()))
    return sorted(found, key=lambda each: -each[0])


def opened(inquiry: Inquiry, left: Path) -> Explanation:
    """`multi_level`, or what an interrupted run has left of it."""
    if not left.exists():
        save(inquiry.run("multi_level"), left)
    return load(left)


def left_out(inquiry: Inquiry, few: Explanation, left: Path) -> Explanation:
    """Leave-one-out, some words at a time; an interrupted run goes on after the last of them.

    Args:
        few: the same question answered another way. left: where finished parts are kept.
    """
    counts, players = Counts(), inquiry.players
    game = inquiry.values(counts=counts)
    drops, before = [torch.zeros(0, dtype=torch.float64)], Cost()
    if left.exists():
        kept = torch.load(left, weights_only=True)
        drops, before = [kept["drops"]], Cost(**kept["cost"])
    cost = before
    began = time.monotonic()
    for first in range(sum(map(len, drops)), len(players), PART):
        absent = torch.eye(len(players), dtype=torch.bool)[first : first + PART]
        drops.append(game.full[0] - game(~absent)[:, 0])
        cost = replace(
            before,
            forward_rows=before.forward_rows + counts.forward_rows,
            token_positions=before.token_positions + counts.token_positions,
            seconds=before.seconds + time.monotonic() - began,
        )
        torch.save({"drops": torch.cat(drops), "cost": asdict(cost)}, left)
        print(
            f"{first + len(absent):,} of {len(players):,} words, {cost.seconds:.0f} s", flush=True
        )
    scores = torch.full_like(few.scores, torch.nan)
    scores[0, list(players)] = torch.cat(drops)
    return replace(few, scores=scores, cost=cost)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True, help='lines of {"text": ...}')
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/long-input.md"))
    asked = parser.parse_args()
    prompt = prompt_of(asked.texts, AutoTokenizer.from_pretrained(asked.model))
    model = stretched(asked.model, (DOCUMENTS + 2) * TOKENS)
    # A question each: what the one method has asked must not spare the other rows.
    one, other = (
        inquire(prompt, model, max_new_tokens=NEW, target_units="sequence") for _ in range(2)
    )
    partial = asked.out.with_suffix(".partial.json"), asked.out.with_suffix(".partial.pt")
    few = opened(one, partial[0])
    print("multi_level", few.cost, flush=True)
    every = left_out(other, few, partial[1])
    written = page(prompt, model, {"multi_level": few, "leave_one_out": every})
    print(written)
    asked.out.write_text(written)
    for path in partial:
        path.unlink()


def page(prompt: str, model: LanguageModel, found: dict[str, Explanation]) -> str:
    """Cost of both ways, and the sentences that they name first."""
    tokens = len(model.tokenizer(prompt).input_ids)
    few, all_words = found["multi_level"], found["leave_one_out"]
    words = int((~all_words.scores[0].isnan()).sum())
    both = torch.isfinite(few.scores[0]) & torch.isfinite(all_words.scores[0])
    strongest = all_words.scores[0].nan_to_num().abs().topk(20).indices
    alike = (few.scores[0] - all_words.scores[0])[strongest].abs() < 1e-4
    lines = [
        "# A long prompt with a tenth of the rows\n",
        made_by(" ".join(["python -m benchmarks.long_input", *sys.argv[1:]])),
        f"{DOCUMENTS} documents, {tokens:,} tokens, {words:,} words ({int(both.sum()):,} scored by "
        f"both ways); the model says {few.continuation!r}, explained as one target. Model: "
        f"{model.name}, stretched to the length.\n",
        "| method | forward rows | token positions | seconds |",
        "|---|---|---|---|",
    ]
    for name, why in found.items():
        cost = why.cost
        rows, positions = f"{cost.forward_rows:,}", f"{cost.token_positions:,}"
        lines.append(f"| `{name}` | {rows} | {positions} | {cost.seconds:.0f} |")
    lines += [
        "",
        f"Of the 20 strongest words of leave-one-out, {int(alike.sum())} have the same score by "
        "`multi_level`.\n",
    ]
    for label, joined in WEIGHTS.items():
        best = {name: of_sentences(why, joined)[:TOP] for name, why in found.items()}
        one, other = ({text for _, text in each} for each in best.values())
        lines += [f"## Sentences by {label}\n", f"{len(one & other)} of {TOP} are the same.\n"]
        for name, ranked in best.items():
            lines += [f"`{name}`:\n"]
            lines += [f"1. {score:.3f} nats: {text}" for score, text in ranked]
            lines += [""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
