"""Labelled texts: sentences of the Stanford Sentiment Treebank, and reviews of our own world."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import NamedTuple

from glossator.miniature.lexicon import BAD, GOOD, REVIEWED, draw
from glossator.text.words import words as word_spans

LABELS = ("negative", "positive")
NEUTRAL = 2
_FIRST, _MORE = "The {thing} was {verdict}.", ("It was {verdict}.", "{name} found it {verdict}.")
_NAMES = ("Mia", "Tom", "Anna", "Ben")


class Text(NamedTuple):
    """A text and whether it speaks well of its subject."""

    text: str
    positive: bool


class Corpus(NamedTuple):
    """Texts to train on, to measure accuracy on, and to explain (by length)."""

    name: str
    train: list[Text]
    test: list[Text]
    explained: dict[str, list[Text]]


def words(text: str) -> list[str]:
    """The words of a text, which get a relevance each."""
    return [text[start:end] for start, end in word_spans(text)]


def sst(train: Path, dev: Path, each: int) -> Corpus:
    """Sentences with a sentiment; neutral ones are left out.

    Args:
        train, dev: files of lines with `tokens` and a `label` from 0 to 4.
        each: how many short and how many long sentences are explained.
    """
    parts = [
        [
            Text(_joined(line["tokens"]), line["label"] > NEUTRAL)
            for line in map(json.loads, path.read_text(encoding="utf-8").splitlines())
            if line["label"] != NEUTRAL
        ]
        for path in (train, dev)
    ]
    return Corpus("SST", parts[0], parts[1], _by_length(parts[1], each))


def _joined(tokens: list[str]) -> str:
    """A sentence of the treebank as it is usually written."""
    text = " ".join(tokens).replace("-LRB-", "(").replace("-RRB-", ")").replace("\\/", "/")
    text = re.sub(r" (n't|'(?:s|re|ve|ll|d|m)\b)", r"\1", text)
    return re.sub(r" ([.,;:!?)])", r"\1", text).replace("( ", "(")


def reviews(train: int, test: int, each: int, seed: int = 0) -> Corpus:
    """Reviews of one thing, of 1 to 11 sentences; the majority of their verdicts is the label.

    One verdict in four is said by its opposite ("not dull").
    """
    random = Random(seed)
    made = list(dict.fromkeys(_review(random) for _ in range(2 * (train + test))))
    kept, seen = made[:train], made[train : train + test]
    return Corpus("reviews", kept, seen, _by_length(seen, each))


def _review(random: Random) -> Text:
    thing = draw(REVIEWED, 1, random)[0]
    positive, sentences, total = random.random() < 0.5, random.choice((1, 3, 5, 7, 9, 11)), 0
    said: list[str] = []
    for number in range(sentences):
        # Odd in number and never fewer than half, those who agree are the majority in the end.
        disagrees = total > 0 and random.random() < 0.2
        good = positive != disagrees
        total += 1 if good == positive else -1
        negated = random.random() < 0.25
        word = draw(GOOD if good != negated else BAD, 1, random)[0]
        form = _FIRST if number == 0 else random.choice(_MORE)
        verdict = f"not {word}" if negated else word
        said.append(form.format(thing=thing, verdict=verdict, name=random.choice(_NAMES)))
    return Text(" ".join(said), positive)


def _by_length(texts: list[Text], each: int) -> dict[str, list[Text]]:
    """Evenly spread texts of the shortest and of the longest third."""
    sizes = {text: len(words(text.text)) for text in texts}
    ordered = sorted((text for text in sizes if sizes[text] > 2), key=sizes.__getitem__)
    third = len(ordered) // 3
    groups = {"short": ordered[:third], "long": ordered[-third:]}
    return {name: group[:: max(1, len(group) // each)][:each] for name, group in groups.items()}
