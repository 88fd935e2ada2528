"""Short stories whose later words follow from earlier ones in known ways."""

from random import Random

from glossator.miniature.item import Item, make_item
from glossator.miniature.lexicon import COLOURS, NAMES, OBJECTS, PLACES, draw

_OPENING = (
    "{a} and {b} are friends. {name1} has a {colour1} {object1} and {name2} has a"
    " {colour2} {object2}. In the {day} they went to the {place}. There {who} {event} the"
    "| {found} {thing}|. "
)

# What happens -> the end of the story. `found` and `thing` are the colour and the object of the
# person to whom it happened; `kept` and `spare` are those of the friend.
_EVENTS = {
    "lost": "Soon they found it near the {where}. {hero} was happy again.",
    "broke": "Then {friend} gave {hero} the {kept} {spare}.",
    "sold": "Now {friend} still has the {kept} {spare}.",
    "forgot": "Later they saw it at the {where}. {hero} took it home.",
}


def story(random: Random) -> Item:
    """Two friends, two things, one place, and something that happens to one of the things.

    Everybody has one thing, so the thing and its colour follow from the person who lost it, from
    the sentence that says who has what, and from nothing else.
    `links` has the sources of every known word up to the end of the story.

    Example:
        >>> item = story(Random(3))
        >>> len(item.answer.split()), len(item.decisive), len(item.links) >= 4
        (2, 4, True)
    """
    one, two = random.choice((("1", "2"), ("2", "1")))
    names, objects = draw(NAMES, 2, random), draw(OBJECTS, 2, random)
    colours, place = draw(COLOURS, 2, random), draw(PLACES, 1, random)[0]
    event = random.choice(sorted(_EVENTS))
    words = {"a": names[0], "b": names[1], "place": place, "where": place}
    words |= {"name1": names[0], "colour1": colours[0], "object1": objects[0]}
    words |= {"name2": names[1], "colour2": colours[1], "object2": objects[1]}
    if random.random() < 0.5:  # so that the order of names in the opening tells nothing
        words |= {"a": names[1], "b": names[0]}
    words |= {"day": random.choice(("morning", "evening")), "event": event}
    words |= {"who": words[f"name{one}"], "hero": words[f"name{one}"]}
    words |= {"friend": words[f"name{two}"]}
    words |= {"found": words[f"colour{one}"], "thing": words[f"object{one}"]}
    words |= {"kept": words[f"colour{two}"], "spare": words[f"object{two}"]}
    template = _OPENING + _EVENTS[event]
    owner = ["who", f"name{one}"]
    links = {
        "found": [*owner, f"colour{one}"],
        "thing": [*owner, f"object{one}"],
        "where": ["place"],
        "hero": ["who"],
        "friend": ["who", f"name{two}"],
        "kept": [f"name{two}", f"colour{two}"],
        "spare": [f"name{two}", f"object{two}"],
    }
    return make_item(
        "story",
        template,
        words,
        {"who": words["friend"], "found": words["kept"], "thing": words["spare"]},
        [f"name{one}", f"colour{one}", f"object{one}"],
        {slot: sources for slot, sources in links.items() if f"{{{slot}}}" in template},
    )
