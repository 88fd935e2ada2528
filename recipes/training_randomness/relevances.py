"""Train every model and explain every text, once: what is on disk is not made again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from recipes.training_randomness.families import FAMILIES, Family, accuracy
from recipes.training_randomness.texts import LABELS, Corpus, Text, words

from glossator.model import Model
from glossator.run import inquire


class Runs(NamedTuple):
    """All runs of one family.

    Attributes:
        accuracy: of each run. seconds: of one core, each run took to train and to explain.
        relevances: by length and method, for each text [runs words].
    """

    accuracy: list[float]
    seconds: list[float]
    relevances: dict[tuple[str, str], list[np.ndarray]]


def gather(corpus: Corpus, runs: int, work: Path) -> Iterator[str]:
    """Write the relevances of each run of each family; tell what has been done."""
    for name, family in FAMILIES.items():
        for seed in range(runs):
            file = _place(work, corpus, name, seed)
            if file.exists():
                continue
            file.parent.mkdir(parents=True, exist_ok=True)
            found = _run(corpus, family, seed, file.with_suffix(""))
            unfinished = file.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(found))
            unfinished.replace(file)
            done = f"run {seed + 1} of {runs}, accuracy {found['accuracy']:.3f}"
            yield f"{corpus.name}: {name}, {done}, {found['seconds']:.0f} s of one core"


def _place(work: Path, corpus: Corpus, family: str, seed: int) -> Path:
    return work / corpus.name / family.replace(", ", "-") / f"{seed:03}.json"


def _run(corpus: Corpus, family: Family, seed: int, made: Path) -> dict[str, Any]:
    start = time.process_time()
    family.train(corpus, seed, made)
    model = family.load(made)
    relevances = {
        f"{length}/{method}": [_of_words(model, text, method, readout) for text in texts]
        for length, texts in corpus.explained.items()
        for method, readout in family.methods.items()
    }
    return {
        "accuracy": accuracy(model, corpus.test),
        "seconds": time.process_time() - start,
        "relevances": relevances,
    }


def _of_words(model: Model, text: Text, method: str, readout: str) -> list[float]:
    """Relevance of each word for the log odds of the positive class."""
    why = inquire(text.text, model, classes=[LABELS[True]], readout=readout).run(method)
    found = [float(s) for u, s in zip(why.units, why.scores[0], strict=True) if u.player]
    assert len(found) == len(words(text.text))
    return found


def load(corpus: Corpus, runs: int, work: Path, family: str) -> Runs:
    """What `gather` has written of a family."""
    read = [json.loads(_place(work, corpus, family, seed).read_text()) for seed in range(runs)]
    relevances = {}
    for key in read[0]["relevances"]:
        length, method = key.split("/")
        by_text = zip(*(run["relevances"][key] for run in read), strict=True)
        relevances[length, method] = [np.array(text, dtype=np.float64) for text in by_text]
    return Runs([run["accuracy"] for run in read], [run["seconds"] for run in read], relevances)
