"""Two texts laid side by side: every unit once, and a longest common subsequence."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.oracles.likeness_oracles import common_length

from glossator.text.alignment import Alignment, align, common
from glossator.types import Unit

WORDS = st.lists(st.sampled_from("abcd"), max_size=9)


def units(text: str) -> list[Unit]:
    found, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        found.append(Unit(word, at, at + len(word), (0,), True, "prompt"))
        at += len(word)
    return found


@given(WORDS, WORDS)
def test_it_is_a_longest_common_subsequence(first: list[str], second: list[str]) -> None:
    found = common(first, second)
    assert len(found) == common_length(first, second)
    assert all(first[i] == second[j] for i, j in found)
    assert list(found) == sorted(set(found)) and len({j for _, j in found}) == len(found)


@given(WORDS, WORDS, st.integers(0, 9), st.integers(0, 9))
def test_every_unit_has_one_place(first: list[str], second: list[str], a: int, b: int) -> None:
    ours, theirs = units(" ".join(first)), units(" ".join(second))
    for places in ([], [((a, a + 3), (b, b + 5))]):
        found = align(ours, theirs, places)
        for side, count in ((0, len(ours)), (1, len(theirs))):
            seen = [pair[side] for pair in found.rest]
            seen += [i for block in found.part for i in block[side]] + list(found.alone[side])
            assert sorted(seen) == list(range(count))


def test_an_insertion_touches_no_word_of_the_original() -> None:
    found = align(units("it is open"), units("it is not open"), [((5, 5), (5, 9))])
    assert found == Alignment(((0, 0), (1, 1), (2, 3)), (((), (2,)),))


def test_places_that_share_a_word_are_one() -> None:
    places = [((0, 2), (0, 3)), ((1, 5), (4, 6))]
    found = align(units("abc de"), units("xyz uv"), places)
    assert found.part == (((0, 1), (0, 1)),)


def test_without_places_what_lies_between_matches_was_changed() -> None:
    found = align(units("Tom ran home fast"), units("tom went back home"))
    assert found.rest == ((0, 0), (2, 3))
    assert found.part == (((1,), (1, 2)), ((3,), ()))


def test_words_that_were_changed_elsewhere_are_alone() -> None:
    found = align(units("a b c"), units("a x c"), [((0, 1), (0, 1))])
    assert found.part == (((0,), (0,)),) and found.alone == ((1,), (1,))
