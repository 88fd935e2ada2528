"""Which methods find the words that decide? Every method and removal, on all sets.

    python -m benchmarks.leaderboard [--items 20] [--rows 200] [--data DIR] [--record FILE]

The words that decide are known by construction (programs compiled to weights, the small world of
the bundled model, planted shortcuts). With --data there is a second table, of texts that people
marked. It can be interrupted: with --record the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.machine import made_by
from glossator.run.ground_truth import ground_truth
from glossator.run.known_sets import SUITES
from glossator.run.leaderboard import Entry, Leaderboard

BUDGETS = (20, 50, 100, 200)

LEAD = """\
Texts whose decisive words are known, explained by every method under every removal that makes
sense for it. **precision**: of k words that decide, the share among the k highest scores (with a
95% interval, bootstrap over the texts of each set; each set counts the same). **p**: that the
precision differs from that of the first line (paired permutation test, Holm's correction).
**first**: how often the highest score is a decisive word's. **rest**: the share of the sizes of all
scores that the other words have; lower is better. **Shapley error**: sum of the errors against the
exact Shapley values of the programs, in parts of their sum; only methods that estimate Shapley
values are meant to be near 0. **rows**: forward and backward rows of a text, on average.
**without**: texts for which the method has no score. What the sets are:
[ground truth](../ground-truth.md).
"""

MINDED = """\
A word that decides only together with others, or instead of others, may rightly have a low score
under methods that ask another question: this table compares methods by one question, which
words decide. [Which set shows what](../properties.md).
"""


PEOPLE = """\
A linear classifier on word counts, asked about texts in which people marked what decides: methods
that need values or features only. What people mark is not always what the model goes by.
"""


def page(board: Leaderboard, marked: Leaderboard | None) -> str:
    """What is known by construction, and what people marked."""
    parts = [
        "# Leaderboard: which methods find the words that decide?\n",
        made_by(" ".join(["python -m benchmarks.leaderboard", *sys.argv[1:]])),
        LEAD,
        "## Known by construction\n",
        *_section(board),
        MINDED,
    ]
    if marked is not None:
        parts += ["## Marked by people\n", PEOPLE, *_section(marked)]
    return "\n".join(parts)


def _section(board: Leaderboard) -> list[str]:
    """The table, what to take for how many rows, and where each method fails."""
    return [
        f"{board}\n",
        "### What to take\n",
        *_advice(board),
        "### Set by set\n",
        "Precision of the best removal of each method, for the first eight methods.\n",
        _by_set(board),
        "### What could not be measured\n",
        *_failures(board),
        "",
    ]


def _advice(board: Leaderboard) -> list[str]:
    found = [board.recommended(rows) for rows in (*BUDGETS, None)]
    return [*(f"- {each}" for each in found if each is not None), ""]


def _by_set(board: Leaderboard) -> str:
    best: dict[str, Entry] = {}
    for entry in board.entries:
        if len(best) < 8:
            best.setdefault(entry.method, entry)
    titles = ["set", "right", *(f"{entry.method}<br>{entry.removal}" for entry in best.values())]
    lines = ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|"]
    for (suite, name), (right, drawn) in board.right.items():
        cells = [f"{suite}: {name}", f"{right}/{drawn}"]
        for entry in best.values():
            each = [value for text, value in entry.each.items() if text[:2] == (suite, name)]
            cells.append(f"{sum(each) / len(each):.2f}" if each else "–")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _failures(board: Leaderboard) -> list[str]:
    some = {
        entry.name: f"{entry.failed} texts; {entry.why}" for entry in board.entries if entry.failed
    }
    none = {name: f"no text; {why}" for name, why in board.refused.items()}
    return [f"- {name}: {said}" for name, said in (some | none).items()] or ["Nothing."]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=20, help="texts of each set")
    parser.add_argument(
        "--rows", type=int, default=200, help="that a method may ask for, each text"
    )
    parser.add_argument("--suites", nargs="+", choices=SUITES)
    parser.add_argument("--methods", nargs="+")
    parser.add_argument("--removals", nargs="+")
    parser.add_argument("--data", type=Path, help="folder of the texts marked by people")
    parser.add_argument("--record", type=Path, help="file that keeps what was measured")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/leaderboard.md"))
    asked = vars(parser.parse_args()) | {"progress": _tell}
    out, data = asked.pop("out"), asked.pop("data")
    board = ground_truth(**asked)
    written = page(board, ground_truth(**asked | {"suites": None}, data=data) if data else None)
    print(written)
    out.write_text(written, encoding="utf-8")


def _tell(what: str, done: float, planned: int) -> None:
    print(f"\r{done:.0f}/{planned} {what:<60}", end="", file=sys.stderr)


if __name__ == "__main__":
    main()
