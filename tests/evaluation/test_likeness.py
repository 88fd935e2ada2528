"""Measures of likeness: oracles, axioms, degenerate lists, and a null that is one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.errors import InputError
from glossator.evaluation.likeness import likenesses, shuffled
from glossator.evaluation.likeness_measures import MEASURES
from tests.oracles import likeness_oracles as slow

NAMES = list(MEASURES)
VALUES = st.lists(
    st.floats(-5, 5).map(lambda x: round(x, 2)) | st.just(0.0), min_size=2, max_size=9
)


def between(name: str, first: np.ndarray, second: np.ndarray, top: int = 3) -> float:
    return float(MEASURES.get(name).between(first, second[None], top)[0])


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("ties", [False, True])
def test_it_is_what_its_definition_says(name: str, ties: bool) -> None:
    random = generator()
    for size in (2, 3, 8, 40):
        first, second = random.normal(size=(2, size))
        if ties and name != "top_overlap":
            first, second = np.round(first), np.round(second) + np.eye(size)[0]
            first[0] += 7
        expected = getattr(slow, name)(first, second)
        assert between(name, first, second) == pytest.approx(expected, abs=1e-9, nan_ok=True), size


def test_top_words_that_tie_share_the_places() -> None:
    tied = np.array([2.0, 1.0, -1.0, 1.0])
    assert between("top_overlap", tied, np.array([9.0, 8.0, 0.0, 0.0]), 2) == pytest.approx(2 / 3)
    assert between("top_overlap", tied, tied, 2) == pytest.approx(1.0)


@given(VALUES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_ranges_and_equal_lists(values: list[float], random: object) -> None:
    first = np.array(values)
    second = np.array(random.sample(values, len(values)))  # type: ignore[attr-defined]
    for name in NAMES:
        measure = MEASURES.get(name)
        value, equal = between(name, first, second), between(name, first, first)
        if np.isfinite(value):
            assert measure.low - 1e-9 <= value <= measure.high + 1e-9, name
            assert 0 - 1e-9 <= float(measure.alike(np.array([value]))[0]) <= 1 + 1e-9, name
        if np.isfinite(equal):
            assert equal == pytest.approx(measure.best, abs=1e-9), name
            assert float(measure.alike(np.array([equal]))[0]) == pytest.approx(1.0, abs=1e-9), name


@given(VALUES, st.floats(0.1, 10))
@settings(deadline=None)
def test_the_scale_of_an_explanation_does_not_matter(values: list[float], scale: float) -> None:
    first = np.array(values)
    second = np.arange(len(values)) - 1.5
    for name in NAMES:
        plain, scaled = between(name, first, second), between(name, first, 4 * scale * second)
        assert plain == pytest.approx(scaled, abs=1e-6, nan_ok=True), name


@given(VALUES)
@settings(deadline=None)
def test_only_the_earth_mover_minds_where_words_stand(values: list[float]) -> None:
    first, second = np.array(values), np.arange(len(values)) - 1.5
    order = np.random.default_rng(len(values)).permutation(len(values))
    for name in set(NAMES) - {"earth_mover"}:
        moved = between(name, first[order], second[order])
        assert between(name, first, second) == pytest.approx(moved, abs=1e-9, nan_ok=True), name


@pytest.mark.parametrize(
    ("first", "second", "undefined"),
    [
        ([], [], set(NAMES)),
        ([1.0], [2.0], set(NAMES)),
        ([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], {"spearman", "kendall"}),
        (
            [0.0, 0.0, 0.0],
            [1.0, 2.0, 3.0],
            {"spearman", "kendall", "cosine", "earth_mover", "jensen_shannon", "kl"},
        ),
        ([1e-9, 2e-9, -1e-9], [1e-9, 3e-9, 0.0], set()),
    ],
)
def test_what_is_not_defined_is_none(
    first: list[float], second: list[float], undefined: set[str]
) -> None:
    found = likenesses(np.array(first), np.array(second), generator=generator(), permutations=50)
    assert {name for name, each in found.items() if each is None} == undefined
    swapped = likenesses(np.array(second), np.array(first), generator=generator(), permutations=50)
    assert {name for name, each in swapped.items() if each is None} == undefined


def test_what_cannot_be_compared() -> None:
    one, two = np.array([1.0]), np.array([1.0, 2.0])
    with pytest.raises(InputError, match="align the words"):
        likenesses(one, two, generator=generator())
    with pytest.raises(InputError, match="finite"):
        likenesses(two, np.array([1.0, np.nan]), generator=generator())
    with pytest.raises(InputError, match="at least 1"):
        likenesses(two, two, generator=generator(), permutations=0)


def test_few_words_have_an_exact_null() -> None:
    scores = np.array([4.0, 1.0, 0.5, -3.0])
    orders, exact = shuffled(scores, 24, generator())
    assert exact and len({tuple(row) for row in orders}) == 24
    assert not shuffled(scores, 23, generator())[1]
    found = likenesses(scores, scores, generator=generator())["spearman"]
    assert found is not None and found.p_value == pytest.approx(1 / 24)
    assert found.chance.value == pytest.approx(0, abs=1e-12)


def test_unrelated_explanations_are_called_alike_as_often_as_the_level_says() -> None:
    random = generator()
    p_values: dict[str, list[float]] = {name: [] for name in NAMES}
    for _ in range(200):
        first, second = random.normal(size=(2, 9))
        found = likenesses(first, second, generator=random, permutations=99)
        for name, each in found.items():
            assert each is not None
            p_values[name].append(each.p_value)
    for name, values in p_values.items():
        share = np.mean(np.array(values) <= 0.1)
        assert share <= 0.1 + 3 * (0.09 / 200) ** 0.5, name


def test_the_same_seed_gives_the_same_null() -> None:
    first, second = generator().normal(size=(2, 12))
    one, two = (likenesses(first, second, generator=generator()) for _ in range(2))
    assert one == two
