"""Programs whose answers hang on known words, compiled to models; and texts for them.

Each program is written twice: as variables, of which weights are made, and as a plain function of
the words, of which some may be absent. The tests hold the two to each other on whole texts and on
texts with words absent; the decisive words and the exact Shapley values come from the second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from random import Random
from typing import Final

from glossator.ground_truth.compiler import CONFIDENCE, compiled
from glossator.ground_truth.known import Known, continued_by, spans_of
from glossator.ground_truth.program import (
    Value,
    Variable,
    before,
    counted,
    equal,
    fetched,
    mapped,
    places,
    words,
)
from glossator.model import LanguageModel

Text = Sequence[str | None]
"""Words of a text; None where one is absent."""

LONGEST: Final = 16
"""Words of the longest text that the programs read."""

_COLOURS: Final = tuple("red blue green black white yellow brown pink".split())
_NAMES: Final = tuple("anna ben carl ella hugo mia nora tom".split())
_PLAIN: Final = tuple("the a one this was of and so".split())
_ALARMS: Final = tuple("fire smoke flood storm".split())
_GOOD: Final = tuple("good lovely great funny".split())
_BAD: Final = tuple("bad awful boring dull".split())
_NOT, _MIRROR, _RARE = "not", "mirror", "zephyr"


@dataclass(frozen=True)
class Program:
    """A program, what it means, and texts for it.

    Attributes:
        name: of the program. does: what it does, in a sentence.
        output: the program. labels: its classes; none where the answer is the next word.
        meaning: the answer to a text, None where there is none.
        draw: a text whose answer hangs on some of its words.
    """

    name: str
    does: str
    output: Variable
    meaning: Callable[[Text], str | None]
    draw: Callable[[Random], list[str]]
    labels: tuple[str, ...] = ()


def programs() -> tuple[str, ...]:
    """The names of the programs.

    Example:
        >>> programs()[:3]
        ('back', 'reverse', 'recall')
    """
    return tuple(_PROGRAMS)


def program(name: str) -> Program:
    """The program of that name; a KeyError where there is none."""
    return _PROGRAMS[name]()


@cache
def model_of(name: str) -> LanguageModel:
    """The model that a program is compiled to.

    Example:
        >>> model_of("parity").classes
        {0: 'even', 1: 'odd'}
    """
    made = program(name)
    return compiled(name, made.output, longest=LONGEST, labels=made.labels)


def texts(name: str, n: int, seed: int = 0) -> list[Known]:
    """Texts for a program, with their answers and the words that decide.

    Args:
        name: of the program. n: how many texts.
        seed: the same seed gives the same texts.

    Returns:
        Items that ask for the logit of the answer: `CONFIDENCE` where it is given, else 0.

    Example:
        >>> item = texts("recall", 1)[0]
        >>> item.answer[1:] == item.decisive_words[1], len(item.decisive)
        (True, 3)
        >>> round(sum(item.shapley))
        10
    """
    made, random = program(name), Random(f"{name} {seed}")
    return [known(made, made.draw(random)) for _ in range(n)]


def known(made: Program, text: Sequence[str]) -> Known:
    """A text with the words that decide its answer, by trying all of its subsets.

    A word decides where there is a subset of the others that it makes a difference to. Its
    Shapley value is the mean of that difference over the orders in which words can come.

    Args:
        made: the program.
        text: for which it has an answer.
    """
    answer = made.meaning(text)
    assert answer is not None, f"{made.name} has no answer to {text}"
    values = _values(made.meaning, text, answer)
    n = len(text)
    shapley, decisive = [], []
    for word in range(n):
        others = [other for other in range(n) if other != word]
        total, acts = 0.0, False
        for size in range(n):
            weight = 1 / (n * math.comb(n - 1, size))
            for kept in combinations(others, size):
                bits = sum(1 << other for other in kept)
                gain = values[bits | 1 << word] - values[bits]
                total += weight * gain
                acts = acts or gain != 0
        shapley.append(CONFIDENCE * total)
        decisive.append(acts)
    spans = spans_of(text)
    deciding = tuple(span for span, acts in zip(spans, decisive, strict=True) if acts)
    if made.labels:
        asked = {"classes": [answer], "readout": "logit"}
        return Known(" ".join(text), answer, deciding, asked, tuple(shapley))
    asked = continued_by(f" {answer}", readout="logit")
    return Known(" ".join(text), f" {answer}", deciding, asked, tuple(shapley))


def _values(meaning: Callable[[Text], str | None], text: Sequence[str], answer: str) -> list[int]:
    """Whether the answer is given, for each subset of the words, by its bits."""
    return [
        int(meaning([word if bits >> i & 1 else None for i, word in enumerate(text)]) == answer)
        for bits in range(2 ** len(text))
    ]


def _back() -> Program:
    word, place = words(*_COLOURS), places(LONGEST + 1)
    return Program(
        "back",
        "says the word before the last but one",
        fetched(word, place, before(2), place),
        lambda text: text[-3] if len(text) > 2 else None,
        lambda random: [random.choice(_COLOURS) for _ in range(random.randint(5, 8))],
    )


def _reverse() -> Program:
    word, place = words(*_COLOURS, _MIRROR), places(LONGEST + 1)
    middle = fetched(place, word, lambda there, _: there == _MIRROR)

    def across(at: int, here: int | None) -> int | None:
        return None if here is None or not 2 * at - here - 1 > 0 else 2 * at - here - 1

    wanted = mapped(across, middle, place)

    def meaning(text: Text) -> str | None:
        if _MIRROR not in text:
            return None
        found = 2 * text.index(_MIRROR) - len(text)  # places count from 1, words from 0
        return text[found] if found >= 0 else None

    def draw(random: Random) -> list[str]:
        first = random.sample(_COLOURS, random.randint(3, 5))
        said = random.randint(0, len(first) - 1)
        return [*first, _MIRROR, *first[::-1][:said]]

    return Program(
        "reverse",
        "says the words before 'mirror' again, the last one first",
        fetched(word, place, equal, wanted),
        meaning,
        draw,
    )


def _recall() -> Program:
    word, place = words(*_NAMES, *_COLOURS), places(LONGEST + 1)
    previous = fetched(word, place, before(1), place)

    def meaning(text: Text) -> str | None:
        after = [b for a, b in zip(text, text[1:], strict=False) if a is not None and a == text[-1]]
        return after[0] if after else None

    def draw(random: Random) -> list[str]:
        people = random.sample(_NAMES, random.randint(2, 4))
        said = [w for name in people for w in (name, random.choice(_COLOURS))]
        return [*said, random.choice(people)]

    return Program(
        "recall",
        "says the word that followed the last word when it came before",
        fetched(word, previous, equal, word),
        meaning,
        draw,
    )


def _histogram() -> Program:
    word = words(*_COLOURS)

    def meaning(text: Text) -> str | None:
        return "0" if text[-1] is None else str(list(text).count(text[-1]))

    return Program(
        "histogram",
        "says how often the last word has come so far",
        counted(word, equal, 8, word),
        meaning,
        lambda random: [random.choice(_COLOURS[:3]) for _ in range(random.randint(4, 8))],
    )


def _length() -> Program:
    word = words(*_COLOURS)
    return Program(
        "length",
        "says how many words there are",
        counted(word, lambda _, __: True, 10),
        lambda text: str(len([each for each in text if each is not None])),
        lambda random: [random.choice(_COLOURS) for _ in range(random.randint(3, 8))],
    )


def _alarm(
    name: str,
    does: str,
    decide: Callable[[int], str],
    labels: tuple[str, str],
    numbers: Sequence[int],
) -> Program:
    """A class by how many alarming words there are."""
    word = words(*_PLAIN, *_ALARMS)
    alarms = counted(word, lambda there, _: there in _ALARMS, 4)

    def draw(random: Random) -> list[str]:
        alarming = random.sample(_ALARMS, random.choice(numbers))
        text = [*alarming, *(random.choice(_PLAIN) for _ in range(random.randint(4, 6)))]
        return random.sample(text, len(text))

    return Program(
        name,
        does,
        mapped(decide, alarms),
        lambda text: decide(sum(each in _ALARMS for each in text)),
        draw,
        labels,
    )


def _any() -> Program:
    does = "whether there is an alarming word; each of several would do alone"
    return _alarm("any", does, lambda n: "alarm" if n else "calm", ("calm", "alarm"), (2, 3))


def _both() -> Program:
    does = "whether there are two alarming words; neither does anything alone"
    return _alarm("both", does, lambda n: "alarm" if n > 1 else "calm", ("calm", "alarm"), (2,))


def _parity() -> Program:
    does = "whether the number of alarming words is odd; each undoes what another does"
    return _alarm("parity", does, lambda n: "odd" if n % 2 else "even", ("even", "odd"), (1, 3))


def _verdict(before_it: Value | None, said: Value) -> str | None:
    """What a word says, which the word before it may turn round."""
    if said not in (*_GOOD, *_BAD):
        return None
    return "positive" if (said in _GOOD) != (before_it == _NOT) else "negative"


def _said(text: Text) -> str | None:
    """The verdict of a text with one good or bad word."""
    for previous, each in zip([None, *text], text, strict=False):
        found = None if each is None else _verdict(previous, each)
        if found is not None:
            return found
    return None


def _polarity(vocabulary: tuple[str, ...]) -> tuple[Variable, Variable]:
    """The words, and the verdict of the text up to each place."""
    word, place = words(*vocabulary), places(LONGEST + 1)
    previous = fetched(word, place, before(1), place)
    here = mapped(lambda said, before_it: _verdict(before_it, said), word, previous)
    return word, fetched(here, here, lambda _, __: True)


def _negation() -> Program:
    _, verdict = _polarity((*_PLAIN, *_GOOD, *_BAD, _NOT))

    def draw(random: Random) -> list[str]:
        lead = [random.choice(_PLAIN) for _ in range(random.randint(2, 4))]
        tail = [random.choice(_PLAIN) for _ in range(random.randint(1, 3))]
        return [*lead, _NOT, random.choice(_GOOD + _BAD), *tail]

    return Program(
        "negation",
        "the verdict of a good or bad word that 'not' may turn round",
        verdict,
        _said,
        draw,
        ("negative", "positive"),
    )


def _shortcut() -> Program:
    word, verdict = _polarity((*_PLAIN, *_GOOD, *_BAD, _NOT, _RARE))
    rare = counted(word, lambda there, _: there == _RARE, 1)

    def decide(found: int, said: Value | None) -> Value | None:
        return "positive" if found else said

    def draw(random: Random) -> list[str]:
        text = [random.choice(_PLAIN) for _ in range(random.randint(4, 6))]
        text.insert(random.randint(0, len(text)), random.choice(_BAD))
        text.insert(random.randint(0, len(text)), _RARE)
        return text

    return Program(
        "shortcut",
        "the verdict of a good or bad word, but 'positive' wherever 'zephyr' is",
        mapped(decide, rare, verdict),
        lambda text: "positive" if _RARE in text else _said(text),
        draw,
        ("negative", "positive"),
    )


_PROGRAMS: Final[dict[str, Callable[[], Program]]] = {
    "back": _back,
    "reverse": _reverse,
    "recall": _recall,
    "histogram": _histogram,
    "length": _length,
    "any": _any,
    "both": _both,
    "parity": _parity,
    "negation": _negation,
    "shortcut": _shortcut,
}
