"""Texts in which people marked what decides: readers of three published data sets.

The files are the user's own; none comes with the package. Each is JSON lines:

    Stanford Sentiment Treebank    {"tokens": [...], "label": 0-4, "phrases": [[start, end, 0-4]]}
    minimal edits of reviews       {"pair": name, "text": ..., "label": "Positive" | "Negative"}
    CoS-E                          {"text": ..., "choices": [...], "label": number of the choice,
                                    "rationale_chars": [[start, end]]}

Socher et al. 2013 (phrases); Kaushik, Hovy and Lipton 2020, arXiv 1909.12434 (edits); Rajani et al.
2019, arXiv 1906.02361, and DeYoung et al. 2020, arXiv 1911.03429 (CoS-E).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from pathlib import Path
from random import Random
from typing import Any, Final

from glossator.errors import InputError, MissingExtra, StoreError
from glossator.ground_truth.known import Known, Span, continued_by, spans_of
from glossator.model import FeatureModel

LONGEST: Final = 160
"""Words of the longest text that is taken: half of the reviews are shorter."""

_NEUTRAL: Final = 2
_WORD = re.compile(r"\S+")


def sentiment_phrases(path: str | Path, n: int, seed: int = 0) -> list[Known]:
    """Sentences with the smallest phrases that people gave the sentence's own sentiment.

    "Not good" is one such phrase, where neither word is negative by itself: both words decide.

    Args:
        path: a file of the Stanford Sentiment Treebank, as said above.
        n: at most so many, drawn from those that have such phrases. seed: of the draw.

    Raises:
        StoreError: no such file. InputError: a line that is not as said above.
    """
    found = []
    for line in _lines(path, ("tokens", "label", "phrases")):
        sign = _sign(line["label"])
        if not sign:
            continue
        deciding = {place for span in _smallest(line["phrases"], sign) for place in range(*span)}
        words = line["tokens"]
        if deciding and len(deciding) < len(words):
            spans = spans_of(words)
            label = "positive" if sign > 0 else "negative"
            found.append(_labelled(" ".join(words), label, [spans[i] for i in sorted(deciding)]))
    return _drawn(found, n, seed)


def _sign(label: int) -> int:
    return (label > _NEUTRAL) - (label < _NEUTRAL)


def _smallest(phrases: Sequence[Sequence[int]], sign: int) -> list[Span]:
    """Phrases of that sign without a smaller one within them."""
    spans = [(start, end) for start, end, label in phrases if _sign(label) == sign]
    return [
        (start, end)
        for start, end in spans
        if not any(start <= a and b <= end and (a, b) != (start, end) for a, b in spans)
    ]


def minimal_edits(path: str | Path, n: int, seed: int = 0) -> list[Known]:
    """Reviews with the words that people changed or took out to turn the label round.

    Args:
        path: a file of paired reviews, as said above; each pair gives up to two items.
        n: at most so many, of up to `LONGEST` words. seed: of the draw.

    Raises:
        StoreError: no such file. InputError: a line that is not as said above.
    """
    pairs: dict[Any, list[dict[str, Any]]] = {}
    for line in _lines(path, ("pair", "text", "label")):
        pairs.setdefault(line["pair"], []).append(line)
    found = []
    for pair in pairs.values():
        if len(pair) != 2:
            raise InputError(f"pair '{pair[0]['pair']}' has {len(pair)} texts in '{path}', not 2")
        for own, other in (pair, pair[::-1]):
            text, changed = _changed(_plain(own["text"]), _plain(other["text"]))
            if changed and len(text.split()) <= LONGEST:
                found.append(_labelled(text, str(own["label"]).lower(), changed))
    return _drawn(found, n, seed)


def _plain(text: str) -> str:
    """The text without line breaks in HTML, and with single spaces."""
    return " ".join(text.replace("<br />", " ").split())


def _changed(text: str, other: str) -> tuple[str, list[Span]]:
    """The text, and characters of its words that the other one has not."""
    spans = [match.span() for match in _WORD.finditer(text)]
    matcher = SequenceMatcher(a=text.split(), b=other.split(), autojunk=False)
    places = [
        place
        for kind, first, stop, _, _ in matcher.get_opcodes()
        if kind in ("replace", "delete")
        for place in range(first, stop)
    ]
    return text, [spans[place] for place in places]


def marked_questions(path: str | Path, n: int, seed: int = 0) -> list[Known]:
    """Questions with the words that people marked as what tells the answer.

    Args:
        path: a file of CoS-E, as said above; questions without a mark are left out.
        n: at most so many. seed: of the draw.

    Returns:
        Items of a language model that goes on after "The answer is"; it is right where the answer
        is likelier, word for word, than each of the other choices.

    Raises:
        StoreError: no such file. InputError: a line that is not as said above.
    """
    found = []
    for line in _lines(path, ("text", "choices", "label", "rationale_chars")):
        marked = tuple((int(start), int(end)) for start, end in line["rationale_chars"])
        if marked:
            choices = [f" {choice}" for choice in line["choices"]]
            answer = choices.pop(line["label"])
            prompt = f"{line['text']} The answer is"
            item = Known(prompt, answer, marked, continued_by(answer), instead=tuple(choices))
            found.append(item)
    return _drawn(found, n, seed)


def _labelled(text: str, label: str, decisive: Sequence[Span]) -> Known:
    return Known(text, label, tuple(decisive), {"classes": [label]})


def _drawn(found: list[Known], n: int, seed: int) -> list[Known]:
    return Random(seed).sample(found, min(n, len(found)))


def _lines(path: str | Path, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The records of a file, each with the fields that are needed."""
    path = Path(path)
    if not path.is_file():
        raise StoreError(f"there is no file '{path}': give the folder that it is in (--data)")
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            record = None
        if not isinstance(record, dict) or not set(fields) <= set(record):
            raise InputError(f"line {number} of '{path}' is no record with {', '.join(fields)}")
        yield record


def word_counts(path: str | Path) -> FeatureModel:
    """A linear classifier on the words of the treebank's sentences; a second or two.

    Args:
        path: the training file of the Stanford Sentiment Treebank, as said above.

    Raises:
        MissingExtra: scikit-learn is not there.
        StoreError: no such file. InputError: a line that is not as said above.
    """
    try:
        from sklearn.feature_extraction.text import CountVectorizer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
    except ImportError:
        raise MissingExtra("a classifier of word counts", "sklearn") from None
    texts, labels = [], []
    for line in _lines(path, ("tokens", "label")):
        if _sign(line["label"]):
            texts.append(" ".join(line["tokens"]))
            labels.append("positive" if _sign(line["label"]) > 0 else "negative")
    words = CountVectorizer(binary=True, token_pattern=r"\S+")
    pipeline = make_pipeline(words, LogisticRegression(max_iter=1000))
    return FeatureModel(pipeline.fit(texts, labels), "word counts")


def in_classes_of(model: Any, item: Known) -> Known:
    """The same item, its label as the model's classes are written (upper case or not).

    Raises:
        InputError: no class of the model has that name.
    """
    classes = list(model.classes.values())
    for name in classes:
        if name.lower() == item.answer.lower():
            return replace(item, answer=name, asked={**item.asked, "classes": [name]})
    raise InputError(
        f"{model.name} has the classes {', '.join(classes)}, and the data are labelled "
        f"'{item.answer}': name the model's classes so (config.id2label)"
    )
