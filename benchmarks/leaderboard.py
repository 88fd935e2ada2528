"""Which methods find the words that decide? Every method and removal, on all sets.

    python -m benchmarks.leaderboard --data DIR --record FILE [--sections NAME ...] [--items 5]

Three sections of one page: what programs and training put there, the bundled model's own world,
and texts that people marked (with --data). It can be interrupted: the same command goes on where it
was. With --sections, the others stay in the page as they are.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import made_by
from glossator.run import Leaderboard, ground_truth
from glossator.run.leaderboard import Entry

PAGE = Path("docs/benchmarks/leaderboard.md")

LEAD = """\
# Leaderboard: which methods find the words that decide?

Texts whose decisive words are known, explained by every method under every removal that makes
sense for it, with a budget of rows. What the texts are: [ground truth](../ground-truth.md).

- **precision**: of k words that decide, the share among the k highest scores; a mean over sets,
  each of which counts the same, with a 95% interval (bootstrap over the texts of each set).
- **p**: that the precision differs from that of the first line (permutation test, paired over
  texts, Holm's correction). Lines that miss a set come last and are not tested.
- **first**: how often the highest score is a decisive word's.
- **rest**: the share of the sizes of all scores that the other words have; lower is better.
- **Shapley error**: sum of the errors against the exact Shapley values of the programs, in parts of
  their sum; only methods that estimate Shapley values are meant to be near 0.
- **rows**: forward and backward rows of a text, on average.
- **without**: texts for which the method has no score.

A word that decides only together with others, or instead of others, may rightly have a low score
under methods that ask another question: the tables compare methods by one question, which words
decide. [Which set shows what](../properties.md).

"""


@dataclass(frozen=True)
class Section:
    """A part of the page, which can be made alone."""

    title: str
    about: str
    suites: tuple[str, ...]


SECTIONS = {
    "constructed": Section(
        "Compiled programs and trained shortcuts",
        "Ten programs compiled to weights, and classifiers that learnt a shortcut.",
        ("programs", "reviews"),
    ),
    "miniature": Section(
        "The bundled model",
        "Its small world, whose rules say which words decide, and a word planted into its weights.",
        ("world", "planted"),
    ),
    "people": Section(
        "Texts that people marked",
        "A linear classifier on word counts, asked about texts in which people "
        "marked what decides. What people mark is not always what the model goes by.",
        ("sst", "cad"),
    ),
}


def page(made: dict[str, str], before: str) -> str:
    """The page with the sections that were made; the others as they stand in it."""
    parts = {part.partition("\n")[0]: part for part in f"\n{before}".split("\n## ")[1:]}
    for name, text in made.items():
        parts[SECTIONS[name].title] = f"{SECTIONS[name].title}\n\n{text}"
    known = [section.title for section in SECTIONS.values() if section.title in parts]
    return LEAD + "\n\n".join(f"## {parts[title].strip()}" for title in known) + "\n"


def section(name: str, board: Leaderboard) -> str:
    """The table, what to take for how many rows, and where each method fails."""
    return "\n\n".join(
        [
            made_by(shlex.join(["python", "-m", "benchmarks.leaderboard", *sys.argv[1:]])).strip(),
            SECTIONS[name].about,
            str(board),
            "### What to take",
            "\n".join(f"- {each}" for each in board.advice),
            "### Set by set",
            "Precision of the best removal of each method, for the first eight methods. Right: "
            "texts that the model answers as expected, of those drawn; the others are left out.",
            _by_set(board),
            "### What could not be measured",
            _failures(board),
        ]
    )


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
    return "\n".join(lines)


def _failures(board: Leaderboard) -> str:
    """What was said of texts without a score, each reason with the methods that it was said of."""
    by_reason: dict[str, list[str]] = {}
    for entry in board.entries:
        if entry.failed:
            which = f"{entry.name} ({entry.failed} of {entry.measured + entry.failed} texts)"
            by_reason.setdefault(entry.why, []).append(which)
    for name, why in board.refused.items():
        by_reason.setdefault(why, []).append(f"{name} (no text)")
    said = [f"- {why}: {'; '.join(names)}" for why, names in by_reason.items()]
    return "\n".join(said) or "Nothing."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, help="those to make; else all")
    parser.add_argument("--items", type=int, default=5, help="texts of each set")
    parser.add_argument("--rows", type=int, default=200, help="of a method, each text")
    parser.add_argument("--data", type=Path, help="folder of the texts marked by people")
    parser.add_argument("--record", type=Path, help="file that keeps what was measured")
    parser.add_argument("--out", type=Path, default=PAGE)
    asked = parser.parse_args()
    names = asked.sections or [name for name in SECTIONS if name != "people" or asked.data]
    for name in names:
        board = ground_truth(
            suites=SECTIONS[name].suites,
            items=asked.items,
            rows=asked.rows,
            data=asked.data,
            record=asked.record,
            progress=_tell,
        )
        before = asked.out.read_text(encoding="utf-8") if asked.out.exists() else ""
        asked.out.write_text(page({name: section(name, board)}, before), encoding="utf-8")
        print(f"\n{board}\n", file=sys.stderr)


def _tell(what: str, done: float, planned: int) -> None:
    print(f"\r{done:.0f}/{planned} {what:<60}", end="", file=sys.stderr)


if __name__ == "__main__":
    main()
