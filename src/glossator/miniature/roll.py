"""Roll calls: many facts, then a question about each. They occur in training text only.

Which attribute belongs to which thing is slow to learn from two things and one question, where
half of the answers are right by chance. A list of three or four, all asked, teaches it faster.
The question before the answers keeps them apart from the prompts of the ten phenomena.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from glossator.miniature.item import Span, fill
from glossator.miniature.lexicon import (
    AFFIRMING,
    BAD,
    COLOURS,
    GOOD,
    NAMES,
    OBJECTS,
    OPPOSITES,
    PLACES,
    REVIEWED,
    THINGS,
    draw,
)

# A fact, what it says of whom: for each kind of roll a list of (fact, subject, answer).
_Fact = tuple[str, str, str]


def _places(n: int, random: Random) -> list[_Fact]:
    verbs = ("went", "ran", "walked")
    pairs = zip(draw(NAMES, n, random), draw(PLACES, n, random), strict=True)
    return [
        (f"{name} {random.choice(verbs)} to the {place}.", f"{name} is at the", place)
        for name, place in pairs
    ]


def _colours(n: int, random: Random) -> list[_Fact]:
    triples = zip(*(draw(words, n, random) for words in (NAMES, COLOURS, OBJECTS)), strict=True)
    return [
        (f"{name} has a {hue} {thing}.", f"the {thing} is", hue) for name, hue, thing in triples
    ]


def _owners(n: int, random: Random) -> list[_Fact]:
    triples = zip(*(draw(words, n, random) for words in (NAMES, COLOURS, OBJECTS)), strict=True)
    return [
        (f"{name} has a {hue} {thing}.", f"{name} has the", f"{hue} {thing}")
        for name, hue, thing in triples
    ]


def _states(n: int, random: Random) -> list[_Fact]:
    facts = []
    pairs = random.sample(OPPOSITES, n)
    for thing, pair in zip(draw(THINGS, n, random), pairs, strict=True):
        side, adverb = random.randrange(2), random.choice(("not", *AFFIRMING))
        true = pair[side ^ (adverb == "not")]
        facts.append((f"The {thing} is {adverb} {pair[side]}.", f"the {thing} is", true))
    return facts


def _verdicts(n: int, random: Random) -> list[_Fact]:
    facts = []
    for thing in draw(REVIEWED, n, random):
        good = random.random() < 0.5
        word = draw(GOOD if good else BAD, 1, random)[0]
        facts.append((f"The {thing} was {word}.", f"the {thing} is", "good" if good else "bad"))
    return facts


_KINDS: Final[tuple[tuple[Callable[[int, Random], list[_Fact]], str], ...]] = (
    (_places, "Who is where?"),
    (_colours, "Which colours are they?"),
    (_owners, "Who has what?"),
    (_states, "How are they now?"),
    (_verdicts, "What do you say?"),
)


def roll(random: Random) -> tuple[str, list[Span]]:
    """A roll call of three or four things.

    Args:
        random: the source of chance.

    Returns:
        The text, and the characters of its answers, each with the space before it.

    Example:
        >>> text, answers = roll(Random(0))
        >>> text[answers[0][0]], len(answers) in (3, 4)
        (' ', True)
    """
    make, question = random.choice(_KINDS)
    facts = make(random.choice((3, 4)), random)
    asked = random.sample(facts, len(facts))
    clauses = [f"{subject}{{answer{k}}}" for k, (_, subject, _) in enumerate(asked)]
    clauses[0] = clauses[0][0].upper() + clauses[0][1:]
    clauses[-1] = f"and {clauses[-1]}"
    template = " ".join([*(fact for fact, _, _ in facts), question, ", ".join(clauses) + "."])
    text, spans = fill(template, {f"answer{k}": f" {a}" for k, (_, _, a) in enumerate(asked)})
    return text, list(spans.values())
