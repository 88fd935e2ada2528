"""A small lexicon of English: what the rules for number, gender and negation know."""

from __future__ import annotations

from typing import Final

_IRREGULAR: Final = {
    "man": "men",
    "woman": "women",
    "child": "children",
    "person": "people",
    "foot": "feet",
    "tooth": "teeth",
    "mouse": "mice",
    "goose": "geese",
    "knife": "knives",
    "wife": "wives",
    "life": "lives",
    "leaf": "leaves",
    "wolf": "wolves",
    "shelf": "shelves",
    "thief": "thieves",
    "hero": "heroes",
    "potato": "potatoes",
    "tomato": "tomatoes",
}

_REGULAR: Final = """
    actor animal answer apple artist author baby bag ball bank bed bell bird boat body book bottle
    box boy bridge brother building bus cake camera captain car card cat chair church city clock
    coat cook cow cup cupboard customer daughter day dentist desk doctor documentary dog door dress
    driver drum duck engine exam expert eye farmer father film flag floor flower friend game garden
    gate girl glass guard guest hat head hedgehog horse hospital hotel hour house husband idea
    island judge key king kitchen kite lady lake lamp lamb lawyer letter library light lion machine
    manager meal meeting message microphone minister minute mistake moment monkey month morning
    mother mountain museum name neighbour neighbor night nurse office officer painter paper parent
    park party patient pen phone picture pilot plan plane plant plate player poem poet president
    prince problem queen question report ring river road room school scientist senator shirt shop
    sister singer skater son song soldier spoon star station story street student sun surgeon table
    teacher team telescope test thing ticket tiger tower town train tree trip uncle aunt village
    visitor waiter wall watch week wheel wheelbarrow window winner witness word worker writer year
""".split()

SIBILANTS: Final = ("s", "x", "z", "ch", "sh")
VOWELS: Final = "aeiou"


def plural(noun: str) -> str:
    """The plural of an English noun: irregular ones from a list, else by spelling.

    Example:
        >>> plural("dog"), plural("box"), plural("city"), plural("day"), plural("child")
        ('dogs', 'boxes', 'cities', 'days', 'children')
    """
    if noun in _IRREGULAR:
        return _IRREGULAR[noun]
    if noun.endswith("y") and noun[-2:-1] not in VOWELS:
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(SIBILANTS) else "s")


PLURAL: Final = {noun: plural(noun) for noun in (*_REGULAR, *_IRREGULAR)}
SINGULAR: Final = {many: one for one, many in PLURAL.items()}

# What stands before a noun and agrees with it.
PLURAL_DETERMINER: Final = {
    "a": "some",
    "an": "some",
    "this": "these",
    "that": "those",
    "each": "all",
    "every": "all",
    "one": "two",
}
_NUMBERS: Final = "two three four five six seven eight nine ten".split()
SINGULAR_DETERMINER: Final = {
    "some": "a",
    "these": "this",
    "those": "that",
    "all": "every",
    **dict.fromkeys(_NUMBERS, "one"),
}
PLURAL_VERB: Final = {
    "is": "are",
    "was": "were",
    "has": "have",
    "does": "do",
    "isn't": "aren't",
    "wasn't": "weren't",
    "hasn't": "haven't",
    "doesn't": "don't",
}
SINGULAR_VERB: Final = {many: one for one, many in PLURAL_VERB.items()}

PREPOSITIONS: Final = frozenset(
    "about above across after against along among around at before behind below beside between "
    "by for from in inside into near of off on onto over past through to toward towards under "
    "until with within without".split()
)

_FEMALE: Final = {
    "he": "she",
    "himself": "herself",
    "man": "woman",
    "men": "women",
    "boy": "girl",
    "boys": "girls",
    "father": "mother",
    "fathers": "mothers",
    "dad": "mum",
    "son": "daughter",
    "sons": "daughters",
    "brother": "sister",
    "brothers": "sisters",
    "husband": "wife",
    "husbands": "wives",
    "uncle": "aunt",
    "uncles": "aunts",
    "nephew": "niece",
    "nephews": "nieces",
    "grandfather": "grandmother",
    "grandson": "granddaughter",
    "king": "queen",
    "kings": "queens",
    "prince": "princess",
    "princes": "princesses",
    "gentleman": "lady",
    "gentlemen": "ladies",
    "actor": "actress",
    "actors": "actresses",
    "waiter": "waitress",
    "waiters": "waitresses",
    "mr": "mrs",
    "sir": "madam",
    "male": "female",
    "males": "females",
    "him": "her",
}
OTHER_GENDER: Final = _FEMALE | {hers: his for his, hers in _FEMALE.items() if hers != "her"}
"""One to one; "his", "her" and "hers" depend on what follows."""

# A word after "her" that shows that it owns nothing: "gave her the kite", "saw her and left".
NOT_OWNED: Final = PREPOSITIONS | frozenset(
    "a an the and or but this that these those some any no not then so when while because if as "
    "he she it they we you i is was were are has had will would can could again now still too "
    "yesterday today tomorrow here there home".split()
)

AUXILIARIES: Final = frozenset(
    "am is are was were will would can could shall should may might must".split()
)
SUPPORTING: Final = frozenset("do does did has have had".split())
"""Auxiliaries that are main verbs too: their denial is lifted, but none is added."""

AFFIRMING: Final = frozenset("still now already always certainly really".split())
"""Adverbs in whose place "not" can stand."""

CONTRACTED: Final = {
    "isn't": "is",
    "aren't": "are",
    "wasn't": "was",
    "weren't": "were",
    "won't": "will",
    "wouldn't": "would",
    "can't": "can",
    "cannot": "can",
    "couldn't": "could",
    "shan't": "shall",
    "shouldn't": "should",
    "mustn't": "must",
    "don't": "do",
    "doesn't": "does",
    "didn't": "did",
    "hasn't": "has",
    "haven't": "have",
    "hadn't": "had",
}
