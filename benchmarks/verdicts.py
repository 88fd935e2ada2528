"""Does the verdict say "explained" where something is, and only there?

    python -m benchmarks.verdicts [--items 20] [--methods leave_one_out shapley]

Three kinds of cases, of the small world that the bundled model speaks about:

    untrained   held-out prompts, and models of the bundled model's shape with random weights: of
                their own first word nothing may be called explained
    shuffled    the bundled model, whose scores are dealt to the words at random
    decisive    the bundled model, where it answers rightly: why this answer rather than its foil is
                explained, and the named words are compared with those that decide by construction
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import torch

from benchmarks.machine import made_by
from glossator import load_model
from glossator.miniature.accuracy import continuations, is_right, wilson
from glossator.miniature.world import generate, phenomena
from glossator.model import LanguageModel
from glossator.registry import METHODS, attribution
from glossator.run import inquire
from glossator.types import Attribution

LEAD = """\
Held-out prompts of the small world that the bundled model speaks about. *Untrained*: models of the
same shape with random weights, a new one for every tenth prompt, asked for the first word they say
themselves. *Shuffled*: the bundled model, its scores dealt to the words at random. *Decisive*: the
bundled model where it answers rightly, asked why this answer rather than the one
that would be right if the deciding words were others (without that contrast the word before the
answer, "is" or "the", decides that there is such an answer at all). "Named" is
the share of those explained in which the named words have one that decides by construction,
"precision" the share of named words that decide.
Intervals are Wilson's, 95%.
"""
WRONG, RIGHT = 0.05, 0.90
"""Shares that may at most, and must at least, be called explained."""


def shuffled(method: str) -> str:
    """Register a method whose scores are another's, dealt anew; its name."""
    name, inner = f"shuffled_{method}", METHODS.get(method)

    @attribution(
        name,
        needs="game",
        measures="nothing",
        paper="none",
        rows=inner.rows,
        count=lambda players: inner.most_rows(players, inner.complete({})),
    )
    def deal(game, *, generator):
        found = inner.run(game, generator=generator, **inner.complete({}))
        chance = torch.Generator().manual_seed(generator.initial_seed() + 999_983)
        scores = found.scores.clone()
        errors = None if found.stderr is None else found.stderr.clone()
        for t, own in enumerate(game.before):
            players = own.nonzero()[:, 0]
            order = players[torch.randperm(len(players), generator=chance)]
            scores[t, players] = found.scores[t, order]
            if errors is not None:
                errors[t, players] = found.stderr[t, order]
        return Attribution(scores, errors, found.dof)

    return name


def untrained(seed: int, trained: LanguageModel) -> LanguageModel:
    """A model of the same shape that has learnt nothing."""
    torch.manual_seed(seed)
    hf = type(trained.hf)(trained.hf.config).eval()
    return LanguageModel(hf, trained.tokenizer, "causal", f"untrained {seed}")


def asked(items: int) -> list:
    """Held-out prompts of all phenomena."""
    return [item for name in phenomena() for item in generate(name, items, seed=2)]


def answered(model: LanguageModel, items: list) -> list:
    """Those that the model answers rightly."""
    longest = max(len(model.tokenizer.tokenize(item.answer)) for item in items)
    said = continuations(model.hf, model.tokenizer, [item.prompt for item in items], longest + 1)
    return [item for item, text in zip(items, said, strict=True) if is_right(text, item.answer)]


def of_nothing(model: LanguageModel, items: list, method: str) -> Counter[str]:
    """Reasons of the verdicts on the first words of untrained models."""
    found: Counter[str] = Counter()
    for i, item in enumerate(items):
        if i % 10 == 0:
            random = untrained(i, model)
        inquiry = inquire(item.prompt, random, max_new_tokens=1, target_units="tokens", seed=i)
        found[inquiry.run(method, trust=True).trust.targets[0].reason] += 1
    return found


def of_answers(model: LanguageModel, items: list, method: str) -> tuple[Counter[str], list]:
    """Reasons of the verdicts on answers; and, where explained, (hits, named, deciding)."""
    found, named = Counter(), []
    for i, item in enumerate(items):
        inquiry = inquire(item.prompt, model, continuation=item.answer, contrast=item.foil, seed=i)
        why = inquiry.run(method, trust=True)
        target = why.trust.targets[0]
        found[target.reason] += 1
        if target.verdict == "explained":
            decides = {
                u
                for u, unit in enumerate(why.units)
                for start, end in item.decisive
                if unit.player and unit.start < end and unit.end > start
            }
            hits = len(decides & set(target.decisive))
            named.append((item.phenomenon, hits, len(target.decisive), len(decides)))
    return found, named


def row(case: str, method: str, found: Counter[str], named: list | None = None) -> str:
    """A line of the table."""
    cases, explained = found.total(), found["decisive"]
    low, high = wilson(explained, cases)
    cells = [case, method, str(cases), f"{explained / cases:.1%} [{low:.1%}, {high:.1%}]"]
    if named:
        hit = sum(hits > 0 for _, hits, _, _ in named)
        low, high = wilson(hit, len(named))
        precision = sum(hits / count for _, hits, count, _ in named) / len(named)
        cells += [f"{hit / len(named):.1%} [{low:.1%}, {high:.1%}]", f"{precision:.2f}"]
    else:
        cells += ["", ""]
    others = ", ".join(f"{name} {n}" for name, n in found.most_common() if name != "decisive")
    return "| " + " | ".join([*cells, others]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20)
    parser.add_argument("--methods", nargs="+", default=["leave_one_out", "shapley"])
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/verdicts.md"))
    given = parser.parse_args()
    model = load_model(device="cpu")
    items = asked(given.items)
    right = answered(model, items)
    lines = []
    for method in given.methods:
        lines.append(row("untrained", method, of_nothing(model, items, method)))
        found, _ = of_answers(model, right, shuffled(method))
        lines.append(row("shuffled", method, found))
        lines.append(row("decisive", method, *of_answers(model, right, method)))
        print("\n".join(lines[-3:]), flush=True)
    head = [
        "# Does the verdict hold?\n",
        made_by(" ".join(["python -m benchmarks.verdicts", *sys.argv[1:]])),
        LEAD,
        f"Prompts answered rightly: {len(right)}/{len(items)}. Required: of the untrained and the "
        f"shuffled at most {WRONG:.0%}, of the decisive at least {RIGHT:.0%} explained.\n",
        "| cases | method | number | explained | named | precision | otherwise |",
        "|---" * 7 + "|",
    ]
    given.out.write_text("\n".join([*head, *lines, ""]))


if __name__ == "__main__":
    main()
