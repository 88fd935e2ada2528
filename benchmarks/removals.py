"""How far each removal takes inputs out of the model's distribution.

    python -m benchmarks.removals                                   the bundled model's world
    python -m benchmarks.removals --model DIR --texts stories.jsonl --out docs/benchmarks/x.md

For natural texts, words are removed one at a time (leave-one-out) and half at random. The words
that are still there are scored in the perturbed text:

    NLL ratio   their mean negative log-likelihood over that in the natural text, minus what
                losing information costs at best: nothing is subtracted, so compare removals
                with each other, not with 1
    OOD rate    share of perturbed texts whose mean NLL is above the 95th percentile of natural
                texts of the same corpus: 5% for natural texts by construction
    worst 5%    95th percentile of the NLL ratio over perturbed texts
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np
import torch

from glossator import load_model
from glossator.errors import InputError
from glossator.game import READOUTS, Budget, Engine, absence
from glossator.text import ask, continue_text, encode

REMOVALS = (
    "delete",
    "attention",
    "token:unk",
    "token:bos",
    "token:eos",
    "embedding:zero",
    "embedding:mean",
    "resample:4",
)


def texts_of(path: Path | None, count: int, words: int) -> list[str]:
    """The first so many words of texts: lines of {"text"}, or documents of the small world."""
    if path is None:
        from glossator.miniature.world import document

        source = (document(random.Random(seed))[0] for seed in range(count))
    else:
        lines = path.read_text().splitlines()[:count]
        source = (json.loads(line)["text"].replace("\n\n", "\n") for line in lines)
    return [" ".join(text.split(" ")[:words]) for text in source]


def nll(model, text: str, removal: str, references: tuple[str, ...], generator):
    """Mean NLL of the words present: in the natural text, leaving one out, leaving out half.

    Returns:
        natural: float; ratios and NLLs of the perturbed texts, for both ways: [rows] each.
    """
    head, _, tail = text.partition(" ")
    encoded = continue_text(model.tokenizer, encode(model.tokenizer, head), " " + tail)
    question = ask(encoded, kind="words", target_kind="words")
    players = tuple(question.players[:-1])  # nothing follows the last word
    sizes = torch.tensor([len(target.tokens) for target in question.targets])
    unit_at = {first: unit for unit, (first, _) in enumerate(question.unit_tokens)}
    unit_of = [unit_at[target.context] for target in question.targets]
    one = ~torch.eye(len(players), dtype=torch.bool)
    half = torch.rand(len(one), len(players), generator=generator) < 0.5
    keep = torch.cat([torch.ones(1, len(players), dtype=torch.bool), one, half])
    stand_in = absence(removal, model, question, references=references)
    column = {unit: i for i, unit in enumerate(players)}
    present = torch.stack(
        [keep[:, column[u]] if u in column else torch.ones(len(keep)).bool() for u in unit_of], 1
    )
    values = torch.zeros(len(keep), len(sizes), dtype=torch.float64)
    for draw in range(stand_in.draws):
        engine = Engine(model, question, players, stand_in, READOUTS.get("logprob"), Budget(), draw)
        values -= engine.evaluate(keep) / stand_in.draws
    tokens = (present * sizes).sum(1)
    mean = (values * present).sum(1) / tokens
    natural = (values[0] * present).sum(1) / tokens
    ratio = mean / natural
    cut = 1 + len(one)
    return float(mean[0]), (ratio[1:cut], mean[1:cut]), (ratio[cut:], mean[cut:])


def measure(model, texts: list[str]) -> list[dict[str, object]]:
    """A row a removal."""
    rows = []
    for removal in REMOVALS:
        generator = torch.Generator().manual_seed(0)
        try:
            found = [nll(model, text, removal, tuple(texts), generator) for text in texts]
        except InputError as error:
            rows.append({"removal": removal, "why not": str(error)})
            continue
        bound = np.quantile([natural for natural, _, _ in found], 0.95)
        row: dict[str, object] = {"removal": removal}
        for name, way in (("one", 1), ("half", 2)):
            ratio = torch.cat([text[way][0] for text in found])
            mean = torch.cat([text[way][1] for text in found])
            row[f"NLL ratio, {name}"] = float(ratio.mean())
            row[f"worst 5%, {name}"] = float(ratio.quantile(0.95))
            row[f"OOD rate, {name}"] = float((mean > bound).double().mean())
        rows.append(row)
        print(row, flush=True)
    return rows


def table(rows: list[dict[str, object]]) -> str:
    """Markdown."""
    names = [name for name in rows[0] if name != "removal"]
    lines = ["| removal | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for row in rows:
        cells = [str(row.get("why not", ""))]
        if "why not" not in row:
            cells = [f"{row[n]:.0%}" if n.startswith("OOD") else f"{row[n]:.2f}" for n in names]
        lines.append(f"| {row['removal']} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="folder or hub name; the bundled model unless given")
    parser.add_argument("--texts", type=Path, help="lines of {'text': ...}")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--words", type=int, default=40)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    model = load_model(asked.model)
    texts = texts_of(asked.texts, asked.count, asked.words)
    rows = measure(model, texts)
    print(table(rows))
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(table(rows) + "\n")


if __name__ == "__main__":
    main()
