"""A small English world in which the words that decide each answer are known by construction."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Final, Literal, NamedTuple

from glossator.miniature import sentences
from glossator.miniature.instruction import instruction
from glossator.miniature.item import Item, Span
from glossator.miniature.roll import roll
from glossator.miniature.story import story

Split = Literal["training", "held-out"]

_MAKERS: Final[dict[str, Callable[[Random], Item]]] = {
    "place": sentences.place,
    "fact": sentences.fact,
    "agreement": sentences.agreement,
    "recipient": sentences.recipient,
    "sentiment": sentences.sentiment,
    "colour": sentences.colour,
    "count": sentences.count,
    "negation": sentences.negation,
    "instruction": instruction,
    "story": story,
}


class Blend(NamedTuple):
    """What training text is made of.

    Attributes:
        mix: share of each phenomenon, and of roll calls, which belong to none.
        lengths: numbers of items of a document, each as likely.
        answer_weight: in the loss, of a token of a word that follows from earlier ones; other
            tokens, half of which are drawn by chance and cannot be learnt, have 1.
    """

    mix: Mapping[str, float]
    lengths: tuple[int, ...]
    answer_weight: float


_SHARES: Final = {
    # LESSONS, EVEN
    "place": (2.0, 1.3),
    "fact": (0.4, 0.8),
    "agreement": (0.4, 0.7),
    "recipient": (2.5, 1.0),
    "sentiment": (1.2, 1.2),
    "colour": (2.0, 1.3),
    "count": (1.0, 1.0),
    "negation": (2.0, 1.3),
    "instruction": (0.6, 1.0),
    "story": (3.0, 2.0),
    "roll": (2.5, 0.0),
}
_LESSONS, _EVEN = (
    dict(zip(_SHARES, shares, strict=True)) for shares in zip(*_SHARES.values(), strict=True)
)
_LENGTHS: Final = (1, 1, 2, 3, 4, 6, 8)

LESSONS: Final = Blend(_LESSONS, _LENGTHS, 6.0)  # more of which word belongs to which thing
EVEN: Final = Blend(_EVEN, _LENGTHS, 4.0)

_HELD_OUT_OF_256: Final = 26  # about one prompt in ten
_PATIENCE: Final = 20  # draws for each prompt asked for, before a world is called exhausted


def phenomena() -> tuple[str, ...]:
    """The names of the rules of the world.

    Example:
        >>> "story" in phenomena()
        True
    """
    return tuple(_MAKERS)


def split_of(prompt: str) -> Split:
    """On which side of the split a prompt falls, by a hash of its characters alone.

    Example:
        >>> split_of("The door is not open. The cup is still full. So the door is")
        'training'
    """
    first = hashlib.sha256(prompt.encode()).digest()[0]
    return "held-out" if first < _HELD_OUT_OF_256 else "training"


def stream(phenomenon: str, random: Random, split: Split = "held-out") -> Iterator[Item]:
    """Endless items of one phenomenon on one side of the split.

    Args:
        phenomenon: one of `phenomena()`.
        random: the source of chance.
        split: "training" or "held-out".

    Yields:
        Items; the same prompt may come again.

    Example:
        >>> next(stream("colour", Random(0))).phenomenon
        'colour'
    """
    if phenomenon not in _MAKERS:
        raise ValueError(f"no phenomenon {phenomenon!r}; there are {', '.join(_MAKERS)}")
    while True:
        item = _MAKERS[phenomenon](random)
        if split_of(item.prompt) == split:
            yield item


def generate(phenomenon: str, n: int, seed: int = 0, split: Split = "held-out") -> list[Item]:
    """Make n items with different prompts.

    Args:
        phenomenon: one of `phenomena()`.
        n: how many.
        seed: the same seed gives the same items.
        split: "held-out" prompts never occur in the training text.

    Returns:
        The items.

    Raises:
        ValueError: if the world has not that many different prompts; "agreement" has the fewest,
            about 330 held out.

    Example:
        >>> items = generate("recipient", 3)
        >>> len({item.prompt for item in items})
        3
        >>> items == generate("recipient", 3)
        True
    """
    items: dict[str, Item] = {}
    source = stream(phenomenon, Random(f"{phenomenon} {seed}"), split)
    draws = 0
    while len(items) < n:
        item = next(source)
        items.setdefault(item.prompt, item)
        draws += 1
        if draws > _PATIENCE * n:
            raise ValueError(f"asked for {n} prompts of {phenomenon!r}, found only {len(items)}")
    return list(items.values())


def document(
    random: Random, split: Split = "training", blend: Blend = EVEN
) -> tuple[str, list[Span]]:
    """A document of several items, one after another.

    Args:
        random: the source of chance.
        split: the side of the split from which all its items come.
        blend: how often which items, and how many.

    Returns:
        The text, and the characters of the words in it that follow from earlier ones.

    Example:
        >>> text, answers = document(Random(0))
        >>> all(text[start] == " " for start, _ in answers)
        True
    """
    kinds, shares = tuple(blend.mix), tuple(blend.mix.values())
    chosen = random.choices(kinds, shares, k=random.choice(blend.lengths))
    text, answers = "", []
    for kind in chosen:
        text += " " if text else ""
        if kind == "roll":
            added, spans = roll(random)
        else:
            item = next(stream(kind, random, split))
            added = item.text
            spans = [(start - 1, end) for start, end in sorted(link.word for link in item.links)]
        answers += [(len(text) + start, len(text) + end) for start, end in spans]
        text += added
    return text, answers
