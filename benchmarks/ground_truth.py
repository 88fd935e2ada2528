"""Do the methods find the words that decide, where these are known by construction?

    python -m benchmarks.ground_truth [--items 20] [--removals delete embedding:mean infill:4]

For held-out prompts of each phenomenon of the small world, the answer is explained and the k
highest scores are compared with the k words that decide it: precision at k, and whether the very
first is one of them, beside what a random order of the words would get. Prompts that the model
answers wrongly are left out and counted.
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
    *("leave_one_out", "shapley", "kernel_shap", "banzhaf", "lime", "sparse_linear", "owen"),
    *("multi_level", "input_reduction", "reagent"),
    *("input_x_gradient", "gradient", "smooth_grad", "integrated_gradients"),
    *("sequential_integrated_gradients", "discretized_integrated_gradients"),
    *("integrated_directional_gradients", "expected_gradients", "lrp"),
    *("attention", "attention_rollout", "attention_flow", "alti", "alti_logit"),
    *("value_zeroing", "grad_sam", "chefer", "attattr"),
)
OF_PROBABILITY = {"reagent": "probability"}
"""Methods that do not ask for the log-probability."""

WITH_EMBEDDINGS = "embedding:mean"
"""The one removal of methods that ask for gradients or look inside."""

LEAD = """\
Held-out prompts of the small world that the bundled model speaks about. The answer is explained,
and the k highest scores are compared with the k words that decide it by construction: precision at
k. "first" is the share of prompts whose single highest score is a deciding word's. The row "random
order" is what a random order of the words would get. A word that decides against the answer, or
that decides only together with others, may rightly have a low score under some methods: this table
compares methods, it does not grade them. Not in it: exact Shapley values (too many words),
SyntaxSHAP (needs a parse), interactions (their single words are Shapley values), `linear` (needs a
linear model).
"""


def precision(explanation, item) -> tuple[float, float, float]:
    """Share of the decisive words among the highest scores, whether the very highest is one,
    and the share in a random order."""
    scores = explanation.scores[0]
    acting = [u for u in range(len(scores)) if not scores[u].isnan()]
    decisive = {
        u
        for u in acting
        for start, end in item.decisive
        if explanation.units[u].start < end and explanation.units[u].end > start
    }
    best = sorted(acting, key=lambda u: -float(scores[u]))[: len(decisive)]
    share = len(decisive & set(best)) / len(decisive)
    return share, float(best[0] in decisive), len(decisive) / len(acting)


Key = tuple[str, str, str]


def measure(
    items: int, removals: list[str]
) -> tuple[dict[Key, list[tuple[float, float]]], dict[str, tuple[int, int]]]:
    """Precision and first by (phenomenon, method, removal); right answers by phenomenon."""
    model = load_model()
    found: dict[Key, list[tuple[float, float]]] = {}
    answered: dict[str, tuple[int, int]] = {}
    for phenomenon in phenomena():
        asked = generate(phenomenon, items, seed=1)
        longest = max(len(model.tokenizer.tokenize(item.answer)) for item in asked)
        prompts = [item.prompt for item in asked]
        said = continuations(model.hf, model.tokenizer, prompts, longest + 1)
        right = [i for i, s in zip(asked, said, strict=True) if is_right(s, i.answer)]
        answered[phenomenon] = len(right), len(asked)
        for item in right:
            for name in METHODS_SHOWN:
                inquiry = inquire(
                    item.prompt,
                    model,
                    continuation=item.answer,
                    target_units="sequence",
                    readout=OF_PROBABILITY.get(name, "logprob"),
                )
                game = METHODS.get(name).needs == "game"
                for removal in removals if game else [WITH_EMBEDDINGS]:
                    share, first, chance = precision(inquiry.run(name, removal), item)
                    found.setdefault((phenomenon, name, removal), []).append((share, first))
            found.setdefault((phenomenon, "random order", ""), []).append((chance, chance))
        print(phenomenon, flush=True)
    return found, answered


def table(found: dict, answered: dict[str, tuple[int, int]]) -> str:
    """The page: methods and removals by phenomenon, the best first."""
    names = [name for name in answered if answered[name][0]]
    mean = {key: torch.tensor(each).mean(0).tolist() for key, each in found.items()}

    def over_all(row: tuple[str, str], which: int) -> float:
        return sum(mean[name, *row][which] for name in names) / len(names)

    rows = sorted({(m, r) for _, m, r in found}, key=lambda row: -over_all(row, 0))
    lines = [
        "# Do the methods find the decisive words?\n",
        made_by(" ".join(["python -m benchmarks.ground_truth", *sys.argv[1:]])),
    ]
    lines += [LEAD, "| method | removal | " + " | ".join(names) + " | mean | first |"]
    lines.append("|---" * (len(names) + 4) + "|")
    for method, removal in rows:
        row = method, removal
        shares = [mean[name, method, removal][0] for name in names]
        cells = [f"{share:.2f}" for share in [*shares, over_all(row, 0), over_all(row, 1)]]
        lines.append(f"| {method} | {removal} | " + " | ".join(cells) + " |")
    counts = ", ".join(f"{name} {right}/{asked}" for name, (right, asked) in answered.items())
    return "\n".join([*lines, "", f"Prompts answered rightly: {counts}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument(
        "--removals", nargs="+", default=["delete", "embedding:mean", "attention", "infill:4"]
    )
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/ground-truth.md"))
    asked = parser.parse_args()
    written = table(*measure(asked.items, asked.removals))
    print(written)
    asked.out.write_text(written)


if __name__ == "__main__":
    main()
