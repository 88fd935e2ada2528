"""The words of the small world, and its fixed facts."""

from random import Random
from typing import Final

# Rare words are long and drawn seldom, so that the tokenizer splits them: word units matter.
RARE_SHARE: Final = 0.12

Words = tuple[tuple[str, ...], tuple[str, ...]]


def _words(common: str, rare: str = "") -> Words:
    return tuple(common.split()), tuple(rare.split())


NAMES: Final = _words(
    "Mia Tom Anna Ben Leo Sam Kate Max Lily Jack Emma Paul Rosa Nick Ella Hugo Ruth Carl Nora Finn",
    "Isidora Thaddeus Wilhelmina Bartholomew",
)
PLACES: Final = _words(
    "park lake shop school farm garden market river beach station bridge castle",
    "observatory lighthouse",
)
OBJECTS: Final = _words(
    "kite cup ball book hat lamp bag drum boat coat spoon ring",
    "telescope wheelbarrow microphone",
)
COLOURS: Final = _words("red blue green black white yellow brown pink", "turquoise crimson")
ANIMALS: Final = _words("dog cat bird horse cow duck", "hedgehog")
HEADS: Final = _words(
    "dog cat bird horse cow duck boy girl tree house car chair farmer teacher", "hedgehog"
)
REVIEWED: Final = _words("film song play meal show game story dance", "documentary")
GOOD: Final = _words("lovely great brilliant charming wonderful funny sweet", "magnificent")
BAD: Final = _words("awful boring dull terrible horrible ugly weak", "disappointing")
THINGS: Final = _words("door window gate bottle road room floor box table shirt", "cupboard")
OPPOSITES: Final = (
    ("open", "closed"),
    ("wet", "dry"),
    ("hot", "cold"),
    ("full", "empty"),
    ("clean", "dirty"),
    ("dark", "bright"),
    ("safe", "dangerous"),
)
AFFIRMING: Final = ("still", "now")  # as against "not"
ADJECTIVES: Final = _words("old young quiet big small tired", "")
WEATHER: Final = _words("warm cold sunny grey windy", "")
GAIN: Final = _words("found bought got", "")
LOSS: Final = _words("lost sold broke", "")
NUMBERS: Final = (
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
)

RARE: Final = frozenset(
    word
    for _, rare in (NAMES, PLACES, OBJECTS, COLOURS, ANIMALS, HEADS, REVIEWED, GOOD, BAD, THINGS)
    for word in rare
)

# Land -> what is always true of it. Every column has eight different values.
FACTS: Final[dict[str, dict[str, str]]] = {
    land: {"capital": capital, "flag": flag, "drink": drink}
    for land, capital, flag, drink in (
        ("Arvia", "Brenn", "green", "tea"),
        ("Belgor", "Tolva", "red", "milk"),
        ("Corland", "Marnok", "white", "coffee"),
        ("Dunmar", "Silba", "blue", "juice"),
        ("Elvia", "Korst", "yellow", "water"),
        ("Fenland", "Ulm", "black", "cider"),
        ("Gorma", "Pelin", "pink", "lemonade"),
        ("Hestia", "Varga", "brown", "cocoa"),
    )
}


def draw(words: Words, n: int, random: Random) -> list[str]:
    """Draw n different words, the rare ones seldom.

    Args:
        words: the common and the rare words of a class.
        n: how many.
        random: the source of chance.

    Returns:
        The words, in random order.

    Example:
        >>> len(set(draw(NAMES, 3, Random(0))))
        3
    """
    common, rare = words
    drawn: list[str] = []
    while len(drawn) < n:
        pool = rare if rare and random.random() < RARE_SHARE else common
        word = random.choice(pool)
        if word not in drawn:
            drawn.append(word)
    return drawn


def plural(noun: str) -> str:
    """The plural of a noun of this world, all of which are regular.

    Example:
        >>> plural("cup"), plural("box")
        ('cups', 'boxes')
    """
    return noun + ("es" if noun.endswith("x") else "s")
