"""A second reading of the world's rules, from the text alone, without its generator.

A question mark in the text stands for a word that cannot be read. The answer is None where the
rest does not determine it.
"""

import re
from itertools import pairwise

from glossator.miniature import lexicon

_WORD = r"([\w?]+)"


def _match(pattern: str, prompt: str) -> list[str]:
    found = re.fullmatch(pattern.replace("_", _WORD), prompt)
    assert found, f"{prompt!r} does not have the form {pattern!r}"
    return [group or "" for group in found.groups()]


def _known(table: dict[str, str], key: str) -> str | None:
    value = table.get(key, "?")
    return None if "?" in (key, value) else value


def _place(prompt: str) -> str | None:
    form = r"_ (?:\w+) to the _\. _ (?:\w+) to the _\.(?: It was a \S+ day\.)? _ is at the"
    name1, place1, name2, place2, asked = _match(form, prompt)
    return _known({name1: place1, name2: place2}, asked)


def _fact(prompt: str) -> str | None:
    form = r"\S+ is from \S+ and \S+ is from \S+\. The _ of _ is"
    attribute, land = _match(form, prompt)
    return lexicon.FACTS.get(land, {}).get(attribute)


def _agreement(prompt: str) -> str | None:
    day, head = _match(r"_ the _ .*", prompt)
    verbs = {"Today": ("is", "are"), "Yesterday": ("was", "were")}
    if "?" in (day, head):
        return None
    return verbs[day][head.endswith("s")]


def _recipient(prompt: str) -> str | None:
    form = r"_ and _ went to the \S+\.(?: They saw a \S+\.| \S+ stayed at home\.)? _ \S+ the \S+ to"
    name1, name2, giver = _match(form, prompt)
    left = {name1, name2} - {giver}
    return left.pop() if len(left) == 1 and "?" not in (name1, name2, giver) else None


def _sentiment(prompt: str) -> str | None:
    form = r"\S+ wrote about a \S+ and a \S+ The _ was _\. The _ was _\. So the _ is"
    thing1, word1, thing2, word2, asked = _match(form, prompt)
    good = {word: "good" for words in lexicon.GOOD for word in words}
    verdicts = good | {word: "bad" for words in lexicon.BAD for word in words}
    said = {thing1: verdicts.get(word1), thing2: verdicts.get(word2)}
    possible = {said[asked]} if asked in said and asked != "?" else set(said.values())
    return possible.pop() if len(possible) == 1 else None


def _colour(prompt: str) -> str | None:
    form = r"\S+ has a _ _\. \S+ has a _ _\. The _ is"
    colour1, object1, colour2, object2, asked = _match(form, prompt)
    return _known({object1: colour1, object2: colour2}, asked)


def _count(prompt: str) -> str | None:
    form = r"\S+ had _ \S+\.(?: \S+ saw \S+ \S+\.)? Then \S+ _ _\. Now \S+ has"
    many, verb, few = _match(form, prompt)
    if "?" in (many, verb, few):
        return None
    sign = 1 if verb in lexicon.GAIN[0] else -1
    return lexicon.NUMBERS[lexicon.NUMBERS.index(many) + sign * lexicon.NUMBERS.index(few)]


def _negation(prompt: str) -> str | None:
    form = r"The _ is _ _\. The _ is _ _\. So the _ is"
    thing1, adverb1, said1, thing2, adverb2, said2, asked = _match(form, prompt)
    other = {a: b for pair in lexicon.OPPOSITES for a, b in (pair, pair[::-1])}
    states = {}
    for thing, adverb, said in ((thing1, adverb1, said1), (thing2, adverb2, said2)):
        states[thing] = {"not": other.get(said, "?"), "?": "?"}.get(adverb, said)
    return _known(states, asked)


def _instruction(prompt: str) -> str | None:
    command, listed = re.fullmatch(r"(.*): (.*)\. Answer:", prompt).groups()  # type: ignore[union-attr]
    words = listed.split(", ")
    if command == "Repeat the words":
        return None if "?" in words else listed
    index = {"Say the first word": 0, "Say the last word": -1}.get(command)
    return None if index is None or words[index] == "?" else words[index]


def _story(prompt: str) -> str | None:
    form = (
        r"\S+ and \S+ are friends\. _ has a _ _ and _ has a _ _\. In the \w+ they went to the"
        r" \S+\. There _ \S+ the"
    )
    name1, colour1, thing1, name2, colour2, thing2, who = _match(form, prompt)
    owned = {name1: f"{colour1} {thing1}", name2: f"{colour2} {thing2}"}
    return _known(owned, who) if "?" not in owned.get(who, "") else None


_SOLVERS = {
    "place": _place,
    "fact": _fact,
    "agreement": _agreement,
    "recipient": _recipient,
    "sentiment": _sentiment,
    "colour": _colour,
    "count": _count,
    "negation": _negation,
    "instruction": _instruction,
    "story": _story,
}


def solve(phenomenon: str, prompt: str) -> str | None:
    """The answer that the text demands, with its leading space, or None if it demands none."""
    answer = _SOLVERS[phenomenon](prompt)
    return None if answer is None else " " + answer


def changed_words(text: str, other: str) -> list[tuple[int, int]]:
    """Characters, in the first text, of the words at which two texts of as many words differ."""
    words, others = (list(re.finditer(r"\w+", each)) for each in (text, other))
    assert len(words) == len(others)
    gaps = [
        [t[a.end() : b.start()] for a, b in pairwise(w)]
        for t, w in ((text, words), (other, others))
    ]
    assert gaps[0] == gaps[1], "the twin differs between words, too"
    return [a.span() for a, b in zip(words, others, strict=True) if a[0] != b[0]]
