"""Perturbations: what each changes, where it says so, and what it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glossator.errors import InputError, UnknownName
from glossator.text.perturb import (
    PERTURBATIONS,
    Means,
    Pair,
    changed_at_random,
    parse_pairs,
    perturb,
)
from glossator.text.perturb.lexicon import PLURAL, SINGULAR

TEXT = "The dog near Mia is still wet. She and her brother saw one cat. Mia and Tom ran to the"


class Three:
    """A vocabulary of three words at known distances."""

    record: Mapping[str, Any] = {"layer": 0}

    def __call__(self, text: str, start: int, end: int) -> list[tuple[str, float]]:
        return [("cat", 0.2), ("Anna", 0.3), ("lamp", 0.8)]


class Backwards:
    record: Mapping[str, Any] = {"template": "{text}"}

    def __call__(self, text: str) -> str:
        return " ".join(reversed(text.split()))


def means(seed: int = 0) -> Means:
    return Means(torch.Generator().manual_seed(seed), Three(), Backwards())


def texts(how: str, text: str) -> list[str]:
    return [pair.perturbed for pair in perturb(text, how, means())]


@pytest.mark.parametrize(
    ("how", "text", "expected"),
    [
        ("number", "This dog is here.", ["These dogs are here."]),
        ("number", "Those old boxes were red.", ["That old box was red."]),
        ("number", "An apple fell.", ["Some apples fell."]),
        ("number", "some apples fell", ["an apple fell"]),
        ("number", "The dog in the park isn't", ["The dogs in the park aren't",
                                                 "The dog in the parks isn't"]),
        ("number", "The child has three mice.", ["The children have three mice.",
                                                 "The child has one mouse."]),
        ("gender", "He lost his hat. It is his.", ["She lost her hat. It is hers."]),
        ("gender", "I saw her and the man.", ["I saw him and the woman."]),
        ("gender", "Give her the kite, Mr Hill.", ["Give him the kite, Mrs Hill."]),
        ("gender", "The hat is hers", ["The hat is his"]),
        ("negation", "She can’t swim.", ["She can swim."]),
        ("negation", "It was never hot", ["It was hot"]),
        ("negation", "It is now dry", ["It is not dry"]),
        ("negation", "It did not rain, it will snow", ["It did rain, it will snow",
                                                       "It did not rain, it will not snow"]),
        ("move", "Mia sat. Tom ran! Who is", ["Tom ran! Mia sat. Who is"]),
        ("move", "cats and dogs", ["dogs and cats"]),
        ("replace:a dog=two wet cats", "I see a dog", ["I see two wet cats"]),
        ("replace:a=o", "Anna has a map", ["Anno has a map", "Anna hos a map", "Anna has o map",
                                           "Anna has a mop"]),
        ("reformulate", "Tom ran. Mia is", ["ran. Tom Mia is"]),
        ("near:0.25", "the dog", ["cat dog", "the cat"]),
        ("near:0.5", "See Tom", ["Anna Tom", "See Anna"]),
        ("far:0.5", "a Tom", ["lamp Tom"]),
    ],
)  # fmt: skip
def test_what_changes(how: str, text: str, expected: list[str]) -> None:
    assert texts(how, text) == expected


def named() -> list[str]:
    argument = {"near": ":0.5", "far": ":0.5", "replace": ":the=a"}
    return [name + argument.get(name, "") for name in PERTURBATIONS]


@pytest.mark.parametrize("how", named())
def test_a_pair_says_type_place_and_expectation(how: str) -> None:
    for pair in perturb(TEXT, how, means()):
        perturbation = PERTURBATIONS.get(how.partition(":")[0])
        assert pair.kind == perturbation.name and pair.original == TEXT
        assert pair.expectation == perturbation.expectation
        assert bool(pair.places) == (pair.kind != "reformulate")
        if pair.kind == "move":
            for ours, theirs in pair.places:
                assert pair.original[slice(*ours)] == pair.perturbed[slice(*theirs)]
        elif pair.places:
            # Outside the places both texts are the same.
            assert outside(pair, 0) == outside(pair, 1)


def outside(pair: Pair, side: int) -> str:
    text = (pair.original, pair.perturbed)[side]
    for place in sorted(pair.places, reverse=True):
        start, end = place[side]
        text = text[:start] + "|" + text[end:]
    return text


def test_what_was_drawn_is_recorded_and_repeatable() -> None:
    one, two = (perturb(TEXT, "far:0.1", means(3)) for _ in range(2))
    assert one == two
    assert {pair.record["radius"] for pair in one} == {0.1}
    assert all(pair.record["distance"] > 0.1 and pair.record["layer"] == 0 for pair in one)
    (pair,) = perturb("Tom ran. Mia is", "reformulate", means())
    assert pair.record == {"template": "{text}"}


@given(st.sampled_from(sorted(PLURAL)))
def test_number_goes_there_and_back(noun: str) -> None:
    (pair,) = perturb(f"The {noun} fell", "number", means())
    assert perturb(pair.perturbed, "number", means())[0].perturbed == pair.original
    assert SINGULAR[PLURAL[noun]] == noun


@pytest.mark.parametrize("text", ["It is open.", "He isn't old", "We were not wet", "I can see"])
def test_negation_goes_there_and_back(text: str) -> None:
    once = perturb(text, "negation", means())[0].perturbed
    twice = perturb(once, "negation", means())[0].perturbed
    assert twice in (text, text.replace("isn't", "is not"))


@pytest.mark.parametrize(
    ("how", "text", "says"),
    [
        ("numbers", "a dog", "did you mean 'number'"),
        ("number:2", "a dog", "write number"),
        ("near", "a dog", "write near:R"),
        ("near:close", "a dog", "write a number above 0"),
        ("near:-1", "a dog", "write a number above 0"),
        ("near:0.1", "a dog", "finds nothing to change"),
        ("number", "go", "finds nothing to change"),
        ("gender", "go", "finds nothing to change"),
        ("negation", "go", "finds nothing to change"),
        ("move", "We went by car and Tom ran", "finds nothing to change"),
        ("replace:x=y", "a dog", "is not in the text"),
        ("replace:x", "a dog", "write replace:OLD=NEW"),
        ("reformulate", "dog", "finds nothing to change"),
    ],
)
def test_what_cannot_be_done(how: str, text: str, says: str) -> None:
    with pytest.raises((InputError, UnknownName), match=says):
        perturb(text, how, means())


@pytest.mark.parametrize(("how", "says"), [("near:0.5", "embeddings"), ("reformulate", "no model")])
def test_some_need_a_model(how: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        perturb("a dog. a cat.", how, Means(torch.Generator()))


def test_pairs_of_people() -> None:
    lines = """
{"original": "A cup is", "perturbed": "Two cups are", "kind": "number", "expected": " full",
 "places": [[0, 1, 0, 3]], "author": "E. K."}
{"original": "a", "perturbed": "b", "kind": "own", "expectation": "same"}
""".replace(",\n ", ", ")
    first, second = parse_pairs(lines)
    assert first == Pair(
        "A cup is", "Two cups are", "number", (((0, 1), (0, 3)),), "changes", " full",
        {"author": "E. K."},
    )  # fmt: skip
    assert second.places == () and second.expectation == "same" and second.expected is None


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "is empty"),
        ("{", "line 1 is no JSON"),
        ("[]", "line 1: a pair is an object"),
        ('{"original": "a", "perturbed": "b"}', "'kind'"),
        ('{"original": "a", "perturbed": "a", "kind": "x"}', "nothing was changed"),
        (
            '{"original": "a", "perturbed": "b", "kind": "x", "expectation": "?"}',
            "write same or changes",
        ),
        (
            '{"original": "a", "perturbed": "b", "kind": "x", "expectation": "same", '
            '"expected": "c"}',
            "goes with the expectation",
        ),
        ('{"original": "a", "perturbed": "b", "kind": "x", "expected": 1}', "as a text"),
        ('{"original": "a", "perturbed": "b", "kind": "x", "places": 3}', "write \\[\\[start"),
        ('{"original": "a", "perturbed": "b", "kind": "x", "places": [[0, 1]]}', "write \\[start"),
        (
            '{"original": "a", "perturbed": "b", "kind": "x", "places": [[0, 9, 0, 1]]}',
            "not within the 1 characters",
        ),
    ],
)
def test_lines_that_are_no_pair(line: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_pairs(line)


def test_random_changes_spare_places_and_keep_capitals() -> None:
    text, vocabulary = "Tom ran home.", ["Mia", "Ran", "sat", "ran"]
    random = np.random.default_rng(0)
    found = changed_at_random(text, vocabulary, 30, spared=[(8, 12)], generator=random)
    assert set(found) == {"Mia ran home.", "Ran ran home.", "Tom sat home."}
    assert changed_at_random(text, vocabulary, 5, spared=[(0, 12)], generator=random) == []
    assert changed_at_random("ran", ["Mia", "ran"], 5, generator=random) == []
