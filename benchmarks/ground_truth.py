"""Do the methods find the words that decide, where these are known by construction?

    python -m benchmarks.ground_truth [--items 20] [--removals delete embedding:mean]

For held-out prompts of each phenomenon of the small world, the answer is explained and the k
highest scores are compared with the k words that decide it: precision at k, beside what a random
order of the words would get. Prompts that the model answers wrongly are left out and counted.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from benchmarks.machine import made_by
from glossator import load_model
from glossator.miniature.accuracy import continuations, is_right
from glossator.miniature.world import generate, phenomena
from glossator.registry import METHODS
from glossator.run import inquire

METHODS_SHOWN = (
    *("leave_one_out", "shapley", "kernel_shap", "banzhaf", "lime", "sparse_linear"),
    *("input_x_gradient", "gradient", "smooth_grad", "integrated_gradients"),
)
WITH_EMBEDDINGS = "embedding:mean"

LEAD = """\
Held-out prompts of the small world that the bundled model speaks about. The answer is explained,
and the k highest scores are compared with the k words that decide it by construction: precision at
k. The row "random order" is what a random order of the words would get. A word that decides
against the answer, or that decides only together with others, may rightly have a low score under
some methods: this table compares methods, it does not grade them.
"""


def precision(explanation, item) -> tuple[float, float]:
    """Share of the decisive words among the highest scores; and the share in a random order."""
    scores = explanation.scores[0]
    acting = [u for u in range(len(scores)) if not scores[u].isnan()]
    decisive = {
        u
        for u in acting
        for start, end in item.decisive
        if explanation.units[u].start < end and explanation.units[u].end > start
    }
    best = sorted(acting, key=lambda u: -float(scores[u]))[: len(decisive)]
    return len(decisive & set(best)) / len(decisive), len(decisive) / len(acting)


def measure(items: int, removals: list[str]) -> tuple[dict, dict[str, tuple[int, int]]]:
    """Mean precision by (phenomenon, method, removal); right answers and prompts by phenomenon."""
    model = load_model()
    found: dict[tuple[str, str, str], list[float]] = {}
    answered: dict[str, tuple[int, int]] = {}
    for phenomenon in phenomena():
        asked = generate(phenomenon, items, seed=1)
        longest = max(len(model.tokenizer.tokenize(item.answer)) for item in asked)
        prompts = [item.prompt for item in asked]
        said = continuations(model.hf, model.tokenizer, prompts, longest + 1)
        right = [i for i, s in zip(asked, said, strict=True) if is_right(s, i.answer)]
        answered[phenomenon] = len(right), len(asked)
        for item in right:
            inquiry = inquire(item.prompt, model, continuation=item.answer, target_units="sequence")
            for name in METHODS_SHOWN:
                tape = METHODS.get(name).needs == "tape"
                for removal in [WITH_EMBEDDINGS] if tape else removals:
                    share, chance = precision(inquiry.run(name, removal), item)
                    found.setdefault((phenomenon, name, removal), []).append(share)
                    found.setdefault((phenomenon, "random order", ""), []).append(chance)
    return {key: float(torch.tensor(v).mean()) for key, v in found.items()}, answered


def table(found: dict, answered: dict[str, tuple[int, int]]) -> str:
    """The page: methods and removals by phenomenon."""
    names = [name for name in answered if answered[name][0]]
    rows = list(dict.fromkeys((method, removal) for _, method, removal in found))
    lines = [
        "# Do the methods find the decisive words?\n",
        made_by(" ".join(["python -m benchmarks.ground_truth", *sys.argv[1:]])),
    ]
    lines += [LEAD, "| method | removal | " + " | ".join(names) + " | mean |"]
    lines.append("|---" * (len(names) + 3) + "|")
    for method, removal in rows:
        shares = [found[name, method, removal] for name in names]
        cells = [f"{share:.2f}" for share in [*shares, sum(shares) / len(shares)]]
        lines.append(f"| {method} | {removal} | " + " | ".join(cells) + " |")
    counts = ", ".join(f"{name} {right}/{asked}" for name, (right, asked) in answered.items())
    return "\n".join([*lines, "", f"Prompts answered rightly: {counts}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--removals", nargs="+", default=["delete", "embedding:mean", "attention"])
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/ground-truth.md"))
    asked = parser.parse_args()
    written = table(*measure(asked.items, asked.removals))
    print(written)
    asked.out.write_text(written)


if __name__ == "__main__":
    main()
