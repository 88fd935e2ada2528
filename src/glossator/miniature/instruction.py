"""Simple instructions over a list of words."""

from random import Random

from glossator.miniature.item import Item, make_item
from glossator.miniature.lexicon import OBJECTS, draw


def instruction(random: Random) -> Item:
    """Do as you are told: say the first word, the last word, or all of them.

    Example:
        >>> item = instruction(Random(1))
        >>> item.prompt.endswith("Answer:"), item.rest
        (True, '.')
    """
    listed = draw(OBJECTS, random.choice((4, 5)), random)
    slots = [f"word{k}" for k in range(len(listed) - 1)]
    spare = listed.pop()  # not in the list; replaces one of its words in the twin of "Repeat"
    words = dict(zip(slots, listed, strict=True))
    shown = ", ".join(f"{{{slot}}}" for slot in slots)
    if random.random() < 1 / 3:
        said = {f"said{k}": word for k, word in enumerate(listed)}
        k = random.randrange(len(listed))
        return make_item(
            "instruction",
            f"Repeat the words: {shown}. Answer:| " + ", ".join(f"{{{s}}}" for s in said) + "|.",
            words | said,
            {f"word{k}": spare, f"said{k}": spare},
            slots,
            {f"said{k}": [slot] for k, slot in enumerate(slots)},
        )
    which, k = random.choice((("first", 0), ("last", len(listed) - 1)))
    other = {"first": "last", "last": "first"}[which]
    return make_item(
        "instruction",
        "Say the {which} word: " + shown + ". Answer:| {answer}|.",
        words | {"which": which, "answer": listed[k]},
        {"which": other, "answer": listed[len(listed) - 1 - k]},
        [slots[k]],
    )
