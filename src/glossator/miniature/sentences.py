"""The rules of the small world: one function for each phenomenon.

Two things hold for all of them. What is asked about is the first or the second thing mentioned
with equal chance, so neither position nor recency gives the answer away. And the twin replaces
words one for one, so that prompt and twin can be laid side by side.
"""

from random import Random

from glossator.miniature.item import Item, make_item
from glossator.miniature.lexicon import (
    ADJECTIVES,
    AFFIRMING,
    ANIMALS,
    BAD,
    COLOURS,
    FACTS,
    GAIN,
    GOOD,
    HEADS,
    LOSS,
    NAMES,
    NUMBERS,
    OBJECTS,
    OPPOSITES,
    PLACES,
    REVIEWED,
    THINGS,
    WEATHER,
    draw,
    plural,
)


def _asked(random: Random) -> tuple[str, str]:
    """Number of the premise asked about, and number of the other."""
    return random.choice((("1", "2"), ("2", "1")))


def place(random: Random) -> Item:
    """Who went where: the asked person, its first mention and its place decide.

    Example:
        >>> item = place(Random(1))
        >>> len(item.decisive), item.prompt.endswith("is at the")
        (3, True)
    """
    one, two = _asked(random)
    names, places = draw(NAMES, 2, random), draw(PLACES, 2, random)
    words = {"name1": names[0], "name2": names[1], "place1": places[0], "place2": places[1]}
    words |= {f"verb{k}": random.choice(("went", "ran", "walked")) for k in (1, 2)}
    words |= {"query": words[f"name{one}"], "answer": words[f"place{one}"]}
    words |= {"other": words[f"name{two}"], "elsewhere": words[f"place{two}"]}
    between = random.choice(("", f" It was a {draw(WEATHER, 1, random)[0]} day."))
    return make_item(
        "place",
        "{name1} {verb1} to the {place1}. {name2} {verb2} to the {place2}."
        + between
        + " {query} is at the| {answer}|, and {other} is at the {elsewhere}.",
        words,
        {"query": words["other"], "answer": words["elsewhere"]},
        [f"name{one}", f"place{one}"],
        {
            "other": ["query", f"name{two}"],
            "elsewhere": ["other", f"name{two}", f"place{two}"],
        },
    )


def fact(random: Random) -> Item:
    """A fixed fact of the world: the asked land and attribute decide, the people do not.

    Example:
        >>> item = fact(Random(1))
        >>> land, attribute = item.decisive_words[1], item.decisive_words[0]
        >>> item.answer == " " + FACTS[land][attribute]
        True
    """
    one, two = _asked(random)
    names, lands = draw(NAMES, 2, random), random.sample(sorted(FACTS), 2)
    attribute = random.choice(("capital", "flag", "drink"))
    words = {"name1": names[0], "name2": names[1], "land1": lands[0], "land2": lands[1]}
    words |= {"attribute": attribute, "same": attribute}
    words |= {"query": words[f"land{one}"], "other": words[f"land{two}"]}
    words["answer"] = FACTS[words["query"]][attribute]
    words["elsewhere"] = FACTS[words["other"]][attribute]
    return make_item(
        "fact",
        "{name1} is from {land1} and {name2} is from {land2}. The {attribute} of {query} is"
        "| {answer}|, and the {same} of {other} is {elsewhere}.",
        words,
        {"query": words["other"], "answer": words["elsewhere"]},
        ["attribute"],
        {
            "same": ["attribute"],
            "other": ["query", f"land{two}"],
            "elsewhere": ["same", "other"],
        },
    )


def agreement(random: Random) -> Item:
    """Number and time of the verb: the head noun and the day decide, the nearer noun does not.

    Example:
        >>> item = agreement(Random(1))
        >>> item.answer in (" is", " are", " was", " were"), len(item.decisive)
        (True, 2)
    """
    head, noun = draw(HEADS, 2, random)
    many = random.random() < 0.5
    verbs = {"Today": ("is", "are"), "Yesterday": ("was", "were")}
    day = random.choice(sorted(verbs))
    between = random.choice(
        ("near the {noun}", "behind the {noun}", "beside the {noun}", "that the {noun} saw")
    )
    forms = (head, plural(head))
    words = {
        "day": day,
        "head": forms[many],
        "noun": random.choice((noun, plural(noun))),
        "answer": verbs[day][many],
        "adjective": draw(ADJECTIVES, 1, random)[0],
    }
    return make_item(
        "agreement",
        "{day} the {head} " + between + "| {answer}| {adjective}.",
        words,
        {"head": forms[not many], "answer": verbs[day][not many]},
        ["day"],
    )


def recipient(random: Random) -> Item:
    """Indirect objects: of two people, the one who does not give receives.

    Example:
        >>> item = recipient(Random(1))
        >>> item.answer[1:] in item.decisive_words, item.foil[1:] == item.decisive_words[2]
        (True, True)
    """
    one, two = _asked(random)
    names = draw(NAMES, 3, random)
    words = {"name1": names[0], "name2": names[1], "place": draw(PLACES, 1, random)[0]}
    words |= {"giver": words[f"name{two}"], "answer": words[f"name{one}"]}
    words |= {"verb": random.choice(("gave", "handed", "showed", "sold"))}
    words |= {"object": draw(OBJECTS, 1, random)[0]}
    words |= {"thanks": words["answer"], "back": words["giver"], "again": words["object"]}
    between = random.choice(
        ("", f" They saw a {draw(ANIMALS, 1, random)[0]}.", f" {names[2]} stayed at home.")
    )
    return make_item(
        "recipient",
        "{name1} and {name2} went to the {place}." + between + " {giver} {verb} the {object} to"
        "| {answer}|. {thanks} thanked {back} for the {again}.",
        words,
        {"giver": words["answer"], "answer": words["giver"]},
        ["name1", "name2"],
        {"thanks": ["answer"], "back": ["giver"], "again": ["object"]},
    )


def sentiment(random: Random) -> Item:
    """A verdict on one of two reviewed things: its adjective decides.

    The adjective of the other thing is good or bad by an independent coin; only if it disagrees
    do the nouns, which say whose adjective is whose, decide too.

    Example:
        >>> item = sentiment(Random(1))
        >>> sorted([item.answer, item.foil])
        [' bad', ' good']
    """
    one, two = _asked(random)
    things, name = draw(REVIEWED, 2, random), draw(NAMES, 1, random)[0]
    good = {k: random.random() < 0.5 for k in ("1", "2")}
    verdict = {True: "good", False: "bad"}
    words = {"thing1": things[0], "thing2": things[1], "name": name}
    words |= {"first": things[0], "second": things[1]}
    for k in good:
        words[f"word{k}"] = draw(GOOD if good[k] else BAD, 1, random)[0]
    words |= {"query": words[f"thing{one}"], "answer": verdict[good[one]]}
    words |= {"other": words[f"thing{two}"], "elsewhere": verdict[good[two]]}
    opposite = draw(BAD if good[one] else GOOD, 1, random)[0]
    return make_item(
        "sentiment",
        "{name} wrote about a {first} and a {second}. The {thing1} was {word1}."
        " The {thing2} was {word2}. So the {query} is| {answer}|, and the {other} is {elsewhere}.",
        words,
        {f"word{one}": opposite, "answer": verdict[not good[one]]},
        [f"thing{one}", "query"] if good["1"] != good["2"] else [],
        {
            "other": ["query", f"thing{two}"],
            "elsewhere": ["other", f"thing{two}", f"word{two}"],
        },
    )


def colour(random: Random) -> Item:
    """Which thing has which colour: the asked thing, its first mention and its colour decide.

    Example:
        >>> item = colour(Random(1))
        >>> item.answer[1:] in item.decisive_words
        True
    """
    one, two = _asked(random)
    names, objects = draw(NAMES, 2, random), draw(OBJECTS, 2, random)
    colours = draw(COLOURS, 2, random)
    words = {"name1": names[0], "name2": names[1], "object1": objects[0], "object2": objects[1]}
    words |= {"colour1": colours[0], "colour2": colours[1]}
    words |= {"query": words[f"object{one}"], "answer": words[f"colour{one}"]}
    words |= {"other": words[f"object{two}"], "elsewhere": words[f"colour{two}"]}
    return make_item(
        "colour",
        "{name1} has a {colour1} {object1}. {name2} has a {colour2} {object2}."
        " The {query} is| {answer}|, and the {other} is {elsewhere}.",
        words,
        {"query": words["other"], "answer": words["elsewhere"]},
        [f"object{one}", f"colour{one}"],
        {
            "other": ["query", f"object{two}"],
            "elsewhere": ["other", f"object{two}", f"colour{two}"],
        },
    )


def count(random: Random) -> Item:
    """Adding and taking away: two numbers and the verb between them decide together.

    Example:
        >>> item = count(Random(1))
        >>> len(item.decisive), item.answer[1:] in NUMBERS
        (3, True)
    """
    name, other = draw(NAMES, 2, random)
    thing, animal = draw(OBJECTS, 1, random)[0], draw(ANIMALS, 1, random)[0]
    few = random.randint(1, 4)
    many = random.randint(few + 1, 6)
    gain = random.random() < 0.5
    after = {True: many + few, False: many - few}
    verbs = {True: draw(GAIN, 1, random)[0], False: draw(LOSS, 1, random)[0]}
    words = {"name": name, "again": name, "now": name, "verb": verbs[gain]}
    words |= {"many": NUMBERS[many], "few": NUMBERS[few], "answer": NUMBERS[after[gain]]}
    words["things"] = plural(thing)
    words["left"] = thing if after[gain] == 1 else plural(thing)
    seen = NUMBERS[random.randint(2, 9)]
    between = random.choice(("", f" {other} saw {seen} {plural(animal)}."))
    return make_item(
        "count",
        "{name} had {many} {things}." + between + " Then {again} {verb} {few}. Now {now} has"
        "| {answer}| {left}.",
        words,
        {"verb": verbs[not gain], "answer": NUMBERS[after[not gain]]},
        ["many", "few"],
        {"left": ["things", "answer"]},
    )


def negation(random: Random) -> Item:
    """What is not open is closed: the asked thing, its adjective, and the adverb before it decide.

    One adverb of three denies; if half of them did, "not" would tell nothing without the thing.

    Example:
        >>> item = negation(Random(1))
        >>> len(item.decisive), item.answer != item.foil
        (4, True)
    """
    one, two = _asked(random)
    things, pairs = draw(THINGS, 2, random), random.sample(OPPOSITES, 2)
    adverb, said, true = {}, {}, {}
    for k, pair in zip(("1", "2"), pairs, strict=True):
        side, adverb[k] = random.randrange(2), random.choice(("not", *AFFIRMING))
        said[k], true[k] = pair[side], pair[side ^ (adverb[k] == "not")]
    words = {"thing1": things[0], "thing2": things[1], "said1": said["1"], "said2": said["2"]}
    words |= {"adverb1": adverb["1"], "adverb2": adverb["2"]}
    words |= {"query": words[f"thing{one}"], "answer": true[one]}
    words |= {"other": words[f"thing{two}"], "elsewhere": true[two]}
    pair = pairs[int(one) - 1]
    return make_item(
        "negation",
        "The {thing1} is {adverb1} {said1}. The {thing2} is {adverb2} {said2}."
        " So the {query} is| {answer}|, and the {other} is {elsewhere}.",
        words,
        {
            f"adverb{one}": random.choice(AFFIRMING) if adverb[one] == "not" else "not",
            "answer": pair[1 - pair.index(true[one])],
        },
        [f"thing{one}", f"said{one}", "query"],
        {
            "other": ["query", f"thing{two}"],
            "elsewhere": ["other", f"thing{two}", f"adverb{two}", f"said{two}"],
        },
    )
