"""How much of an explanation is the text, and how much the chance of training?

Trains the models, explains the texts, measures, and writes a page with figures. What is on disk is
not made again: an interrupted run goes on with the same command.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import made_by
from recipes.training_randomness import figures, relevances, report, texts
from recipes.training_randomness.families import FAMILIES
from recipes.training_randomness.measures import LEAST_RUNS
from transformers.utils.logging import disable_progress_bar

PAGE = Path("docs/benchmarks/training-randomness.md")


def main(typed: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m recipes.training_randomness", description=__doc__
    )
    parser.add_argument("--sst", nargs=2, type=Path, metavar=("TRAIN", "DEV"))
    parser.add_argument("--runs", type=int, default=20, help="models of each family")
    parser.add_argument("--texts", type=int, default=40, help="short ones, and as many long ones")
    parser.add_argument("--train", type=int, default=4000, help="our own reviews to train on")
    parser.add_argument("--work", type=Path, default=Path("out/training_randomness"))
    parser.add_argument("--out", type=Path, default=PAGE)
    asked = parser.parse_args(typed)
    if asked.runs < LEAST_RUNS:
        parser.error(f"--runs {asked.runs}: the intervals need at least {LEAST_RUNS}")
    disable_progress_bar()
    corpora = [texts.reviews(asked.train, max(200, asked.train // 5), asked.texts)]
    if asked.sst:
        corpora.append(texts.sst(*asked.sst, asked.texts))
    command = " ".join(["python -m recipes.training_randomness", *(typed or sys.argv[1:])])
    page = ["# How much of an explanation is the chance of training?\n", made_by(command)]
    page.append(report.LEAD)
    for corpus in corpora:
        for line in relevances.gather(corpus, asked.runs, asked.work):
            print(line, flush=True)
        runs = {
            family: relevances.load(corpus, asked.runs, asked.work, family) for family in FAMILIES
        }
        found = report.tables(runs)
        page += report.section(corpus, runs, found)
        drawings = {"families": figures.families(found), "words": figures.by_word(corpus, runs)}
        for name, drawing in drawings.items():
            file = asked.out.with_name(f"{asked.out.stem}-{corpus.name.lower()}-{name}.svg")
            file.write_bytes(drawing)
            page.append(f"![{name} of {corpus.name}]({file.name})\n")
    asked.out.write_text("\n".join(page))
    return 0


if __name__ == "__main__":
    sys.exit(main())
