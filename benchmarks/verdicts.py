"""Does the verdict say "explained" where something is, and only there? And does it name the words?

    python -m benchmarks.verdicts [--items 10] [--methods leave_one_out shapley]

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
from dataclasses import dataclass
from math import comb
from pathlib import Path

import torch

from benchmarks.machine import made_by
from glossator import load_model
from glossator.miniature.accuracy import continuations, is_right, wilson
from glossator.miniature.item import Item, Span
from glossator.miniature.world import generate, phenomena
from glossator.model import LanguageModel
from glossator.registry import METHODS, attribution
from glossator.run import inquire
from glossator.run.believe import believed
from glossator.run.inquiry import Inquiry
from glossator.types import Attribution, Explanation

LEAD = """\
Held-out prompts of the small world that the bundled model speaks about. *Untrained*: models of the
same shape with random weights, a new one for every tenth prompt, asked for the first word they say
themselves. *Shuffled*: the bundled model, its scores dealt to the words at random. *Decisive*: the
bundled model where it answers rightly, asked why this answer rather than the one that would be
right if the deciding words were others (without that contrast the word before the answer, "is" or
"the", decides that there is such an answer at all). Intervals are Wilson's, 95%.
"""

NAMES = """\
A word *decides* by construction if the rule of the world does not give the answer without it; a
prompt has one to five. *Names one*: the share of prompts in which a deciding word is among the
named; *by lot*: the same, of the explained, had as many words been drawn. *Names what turns it*:
the share of prompts in which that deciding word is named whose replacement by another makes the
foil the right answer. *Names all*: the share of the explained in which all that decide are named.
*Recall*: share of the deciding words that are named; *recall, alone*: of those only that halve the
chance of the answer when they alone go. *Precision*: share of the named words that decide.

The model need not compute what the construction says, and is asked: all deciding words are
removed together. Where the answer is then no likelier than its foil, the construction is *borne
out*. In the other prompts the model goes on saying the right thing without any of these words: it
is what it says for want of anything better.
"""

REMOVALS = ("embedding:zero", "attention", "delete")
"""Beside the default."""

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


def asked(items: int, seed: int) -> list[Item]:
    """Held-out prompts of all phenomena."""
    return [item for name in phenomena() for item in generate(name, items, seed=seed)]


def answered(model: LanguageModel, items: list[Item]) -> list[Item]:
    """Those that the model answers rightly."""
    longest = max(len(model.tokenizer.tokenize(item.answer)) for item in items)
    said = continuations(model.hf, model.tokenizer, [item.prompt for item in items], longest + 1)
    return [item for item, text in zip(items, said, strict=True) if is_right(text, item.answer)]


def of_nothing(model: LanguageModel, items: list[Item], method: str) -> Counter[str]:
    """Reasons of the verdicts on the first words of untrained models."""
    found: Counter[str] = Counter()
    for i, item in enumerate(items):
        if i % 10 == 0:
            random = untrained(i, model)
        inquiry = inquire(item.prompt, random, max_new_tokens=1, target_units="tokens", seed=i)
        found[believed(inquiry, inquiry.run(method)).trust.targets[0].reason] += 1
    return found


@dataclass(frozen=True)
class Case:
    """A verdict on an answer, and what is known about it.

    Attributes:
        named, decides: units that are named, and that decide by construction.
        edited, moves: those of the latter whose replacement makes the foil right, and those that
            halve the chance of the answer when they alone go.
        players: how many words there are.
        borne_out: whether the answer is no likelier than its foil without all that decide.
    """

    phenomenon: str
    reason: str
    named: frozenset[int]
    decides: frozenset[int]
    edited: frozenset[int]
    moves: frozenset[int]
    players: int
    borne_out: bool


def of_answers(
    model: LanguageModel, items: list[Item], method: str, removal: str | None = None
) -> list[Case]:
    """The verdicts on answers."""
    cases = []
    for i, item in enumerate(items):
        inquiry = inquire(item.prompt, model, continuation=item.answer, contrast=item.foil, seed=i)
        why = believed(inquiry, inquiry.run(method, removal))
        target = why.trust.targets[0]
        decides = covered(why, inquiry, item.decisive)
        edited = covered(why, inquiry, item.edited)
        moves, borne_out = checked(inquiry, decides, removal)
        named = frozenset(target.decisive) if target.verdict == "explained" else frozenset()
        sets = named, frozenset(decides), frozenset(edited), moves
        players = len(inquiry.players)
        cases.append(Case(item.phenomenon, target.reason, *sets, players, borne_out))
    return cases


def covered(why: Explanation, inquiry: Inquiry, spans: tuple[Span, ...]) -> list[int]:
    """Units that share characters with any of the spans."""
    units = ((unit, why.units[unit]) for unit in inquiry.players)
    return [u for u, unit in units if any(unit.start < b and unit.end > a for a, b in spans)]


def checked(
    inquiry: Inquiry, decides: list[int], removal: str | None
) -> tuple[frozenset[int], bool]:
    """Which of them move the answer when they go alone; and whether all together turn it."""
    game = inquiry.values(removal)
    one = torch.tensor([[player != unit for player in inquiry.players] for unit in decides])
    values = game(torch.cat([one, one.all(0, keepdim=True)]))[:, 0].sigmoid()
    *alone, together = values.tolist()
    half = float(game.full[0].sigmoid()) / 2
    return frozenset(u for u, p in zip(decides, alone, strict=True) if p <= half), together <= 0.5


def share(hits: int, of: int) -> str:
    """A share with its interval."""
    if not of:
        return "-"
    low, high = wilson(hits, of)
    return f"{hits / of:.1%} [{low:.1%}, {high:.1%}]"


def verdict_row(case: str, method: str, found: Counter[str]) -> str:
    """How often something is called explained, and what else is said."""
    others = ", ".join(f"{name} {n}" for name, n in found.most_common() if name != "decisive")
    count = share(found["decisive"], found.total())
    return f"| {case} | {method} | {found.total()} | {count} | {others} |"


def by_lot(case: Case) -> float:
    """The chance that as many words, named by lot, have one that decides."""
    others, n = case.players - len(case.decides), case.players
    return 1 - comb(others, len(case.named)) / comb(n, len(case.named))


def named_row(which: str, method: str, cases: list[Case]) -> str:
    """Whether the named words are those that decide."""
    explained = [case for case in cases if case.reason == "decisive"]
    if not explained:
        return f"| {which} | {method} | {len(cases)} | 0 |" + " - |" * 9
    count = len(explained)
    one = sum(bool(case.named & case.decides) for case in explained)
    every = sum(case.named >= case.decides for case in explained)
    some = [case for case in explained if case.moves]
    cells = [
        share(count, len(cases)),
        share(one, len(cases)),
        share(one, count),
        f"{sum(map(by_lot, explained)) / count:.1%}",
        share(sum(case.named >= case.edited for case in explained), len(cases)),
        f"{every / count:.1%}",
        f"{sum(len(c.named & c.decides) / len(c.decides) for c in explained) / count:.2f}",
        f"{sum(len(c.named & c.moves) / len(c.moves) for c in some) / max(len(some), 1):.2f}",
        f"{sum(len(c.named & c.decides) / len(c.named) for c in explained) / count:.2f}",
    ]
    return f"| {which} | {method} | {len(cases)} | " + " | ".join(cells) + " |"


def heads(first: str) -> list[str]:
    """The head of a table of `named_row`s."""
    return [
        f"| {first} | method | number | explained | names one | of the explained | by lot "
        "| names what turns it | names all | recall | recall, alone | precision |",
        "|---" * 12 + "|",
    ]


def named_table(cases: dict[str, list[Case]]) -> list[str]:
    """Named words against the construction, over all prompts, those borne out, each phenomenon."""
    lines = heads("prompts")
    for method, mine in cases.items():
        lines.append(named_row("all", method, mine))
        lines.append(named_row("borne out", method, [case for case in mine if case.borne_out]))
        lines.append(named_row("not borne out", method, [c for c in mine if not c.borne_out]))
    for name in phenomena():
        for method, mine in cases.items():
            these = [case for case in mine if case.phenomenon == name]
            if these:
                lines.append(named_row(name, method, these))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10, help="of each phenomenon")
    parser.add_argument("--methods", nargs="+", default=["leave_one_out", "shapley"])
    parser.add_argument("--seed", type=int, default=2, help="of the prompts")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/verdicts.md"))
    given = parser.parse_args()
    model = load_model(device="cpu")
    items = asked(given.items, given.seed)
    right = answered(model, items)
    lines: list[str] = []
    cases: dict[str, list[Case]] = {}
    total = {"untrained": Counter[str](), "shuffled": Counter[str]()}
    for method in given.methods:
        none = of_nothing(model, items, method)
        lots = Counter(case.reason for case in of_answers(model, right, shuffled(method)))
        cases[method] = of_answers(model, right, method)
        for case, found in {"untrained": none, "shuffled": lots}.items():
            total[case] += found
            lines.append(verdict_row(case, method, found))
        why = Counter(case.reason for case in cases[method])
        lines.append(verdict_row("decisive", method, why))
        print("\n".join(lines[-3:]), flush=True)
    if len(given.methods) > 1:
        lines += [verdict_row(case, "together", found) for case, found in total.items()]
    head = [
        "# Does the verdict hold?\n",
        made_by(" ".join(["python -m benchmarks.verdicts", *sys.argv[1:]])),
        LEAD,
        f"Prompts answered rightly: {len(right)}/{len(items)}. Required: of the untrained and the "
        f"shuffled at most {WRONG:.0%}, of the decisive at least {RIGHT:.0%} explained.\n",
        "| cases | method | number | explained | otherwise |",
        "|---" * 5 + "|",
    ]
    named = ["\n## Are the named words the right ones?\n", NAMES, *named_table(cases)]
    others = ["\n## With another removal\n", *heads("removal")]
    for removal in REMOVALS:
        for method in given.methods:
            others.append(named_row(removal, method, of_answers(model, right, method, removal)))
            print(others[-1], flush=True)
    given.out.write_text("\n".join([*head, *lines, *named, *others, ""]))


if __name__ == "__main__":
    main()
