"""Number, gender and negation of English texts, by rules over a small lexicon.

The rules change what agrees with the changed word where it stands near. They know no syntax: pairs
that must be right are better authored by people and read from a file.
"""

from __future__ import annotations

from glossator.text.perturb.lexicon import (
    AFFIRMING,
    AUXILIARIES,
    CONTRACTED,
    NOT_OWNED,
    OTHER_GENDER,
    PLURAL,
    PLURAL_DETERMINER,
    PLURAL_VERB,
    PREPOSITIONS,
    SINGULAR,
    SINGULAR_DETERMINER,
    SINGULAR_VERB,
    SUPPORTING,
    VOWELS,
)
from glossator.text.perturb.pair import Edit, Pair, edited, in_case_of
from glossator.text.words import words

_REACH = 4  # words looked at behind a preposition for its noun


class Worded:
    """A text with its words, lower-cased for look-up."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.spans = words(text)
        self.words = [text[start:end].replace("’", "'").lower() for start, end in self.spans]

    def at(self, place: int) -> str:
        """The word at a place; "" outside the text."""
        return self.words[place] if 0 <= place < len(self.words) else ""

    def put(self, place: int, new: str) -> Edit:
        """The edit that puts a word in the place of another, with its capital."""
        start, end = self.spans[place]
        return start, end, in_case_of(new, self.text[start:end])

    def drop(self, place: int) -> Edit:
        """The edit that leaves a word out, with the space on one side of it."""
        start, end = self.spans[place]
        if self.text[end : end + 1] == " ":
            return start, end + 1, ""
        return start - (self.text[start - 1 : start] == " "), end, ""


def number(text: str) -> list[Pair]:
    """A pair for each noun of the lexicon: from one to many, or from many to one.

    The determiner before the noun changes with it, and the verb behind it, where the noun is not
    behind a preposition itself.

    Example:
        >>> [pair.perturbed for pair in number("A dog near the house is old")]
        ['Some dogs near the house are old', 'A dog near the houses is old']
    """
    worded = Worded(text)
    places = [i for i, word in enumerate(worded.words) if word in PLURAL or word in SINGULAR]
    return [edited(text, _renumbered(worded, place), "number", "changes") for place in places]


def _renumbered(worded: Worded, noun: int) -> list[Edit]:
    word = worded.at(noun)
    many = word in PLURAL
    determiners = PLURAL_DETERMINER if many else SINGULAR_DETERMINER
    verbs = PLURAL_VERB if many else SINGULAR_VERB
    new = PLURAL[word] if many else SINGULAR[word]
    edits = [worded.put(noun, new)]
    # The determiner stands before the noun, or before one adjective.
    first = next((i for i in (noun - 1, noun - 2) if worded.at(i) in determiners), noun)
    if first < noun:
        article = determiners[worded.at(first)]
        if article == "a" and worded.at(first + 1)[:1] in VOWELS:
            article = "an"
        edits.insert(0, worded.put(first, article))
    if not _behind_preposition(worded, noun):
        verb = _verb_after(worded, noun)
        if worded.at(verb) in verbs:
            edits.append(worded.put(verb, verbs[worded.at(verb)]))
    return edits


def _behind_preposition(worded: Worded, noun: int) -> bool:
    """Whether the noun, or what describes it, follows a preposition: "near the old house"."""
    return any(worded.at(noun - back) in PREPOSITIONS for back in (1, 2, 3))


def _verb_after(worded: Worded, noun: int) -> int:
    """Where the noun's verb would stand: behind what prepositions add to the noun."""
    place = noun + 1
    while worded.at(place) in PREPOSITIONS:
        nouns = (i for i in range(place + 1, place + 1 + _REACH) if _is_noun(worded.at(i)))
        place = next(nouns, place) + 1
    return place


def _is_noun(word: str) -> bool:
    return word in PLURAL or word in SINGULAR


def gender(text: str) -> list[Pair]:
    """One pair in which every gendered word of the lexicon is its counterpart; names stay.

    Example:
        >>> [pair.perturbed for pair in gender("She saw her brother and gave him a kite")]
        ['He saw his sister and gave her a kite']
    """
    worded = Worded(text)
    edits = []
    for place, word in enumerate(worded.words):
        new = _counterpart(worded, place, word)
        if new is not None:
            edits.append(worded.put(place, new))
    return [edited(text, edits, "gender", "same")] if edits else []


def _counterpart(worded: Worded, place: int, word: str) -> str | None:
    following = worded.at(place + 1)
    owns = following.isalpha() and following not in NOT_OWNED
    if word == "her":
        return "his" if owns else "him"
    if word == "his":
        return "her" if owns else "hers"
    return "his" if word == "hers" else OTHER_GENDER.get(word)


def negation(text: str) -> list[Pair]:
    """A pair for each auxiliary: denied where it was affirmed, affirmed where it was denied.

    "not" takes the place of an adverb such as "still" where one follows.

    Example:
        >>> [pair.perturbed for pair in negation("It is not open. It was still wet.")]
        ['It is open. It was still wet.', 'It is not open. It was not wet.']
    """
    worded = Worded(text)
    edits = []
    for place, word in enumerate(worded.words):
        edit = _denied(worded, place, word)
        if edit is not None:
            edits.append(edit)
    return [edited(text, [edit], "negation", "changes") for edit in edits]


def _denied(worded: Worded, place: int, word: str) -> Edit | None:
    following = worded.at(place + 1)
    if word in CONTRACTED:
        return worded.put(place, CONTRACTED[word])
    if word not in AUXILIARIES and word not in SUPPORTING:
        return None
    if following in ("not", "never"):
        return worded.drop(place + 1)
    if word in SUPPORTING:
        return None
    if following in AFFIRMING:
        return worded.put(place + 1, "not")
    end = worded.spans[place][1]
    return end, end, " not"
