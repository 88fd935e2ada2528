"""Explanations through an alignment, coherency over pairs, and the size of an effect."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from glossator.errors import InputError
from glossator.evaluation.coherency import coherency
from glossator.evaluation.effect_size import superiority
from glossator.evaluation.likeness import Likeness, likenesses
from glossator.evaluation.score_comparison import compare_scores
from glossator.text.alignment import Alignment
from glossator.types import Estimate


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_perturbed_part_and_rest_apart() -> None:
    first = np.array([1.0, 2.0, -1.0, 0.5, 9.0])
    second = np.array([5.0, 1.5, 3.0, -1.0])
    # "a b c d e" -> "X a Y c": X is inserted, b becomes Y, d and e have no partner.
    alignment = Alignment(((0, 1), (2, 3)), (((), (0,)), ((1,), (2,))), ((3, 4), ()))
    found = compare_scores(first, second, alignment, generator=generator())
    assert (found.part.before, found.part.after) == (2.0, 8.0)
    assert found.part.share_before == pytest.approx(2 / 13.5)
    assert found.part.share_after == pytest.approx(8 / 10.5)
    assert found.mean_change == pytest.approx(0.25) and found.mean_size == pytest.approx(1.0)
    assert found.alone == (2, 0)
    rest = likenesses(np.array([1.0, -1.0]), np.array([1.5, -1.0]), generator=generator())
    assert found.rest["cosine"] is not None and rest["cosine"] is not None
    assert found.rest["cosine"].value == rest["cosine"].value
    whole = likenesses(
        np.array([0.0, 1.0, 2.0, -1.0]), np.array([5.0, 1.5, 3.0, -1.0]), generator=generator()
    )
    for name, expected in whole.items():
        aligned = found.aligned[name]
        assert aligned is not None and expected is not None
        assert aligned.value == pytest.approx(expected.value), name
        assert aligned.words == 4


def test_an_explanation_is_itself() -> None:
    scores = generator().normal(size=7)
    alignment = Alignment(tuple((i, i) for i in range(7)), ())
    found = compare_scores(scores, scores, alignment, generator=generator())
    assert found.mean_change == 0 and found.part.before == found.part.after == 0
    assert all(each is not None and each.alike == pytest.approx(1) for each in found.rest.values())


def test_nothing_left_or_nothing_there() -> None:
    none = compare_scores(
        np.zeros(1), np.zeros(2), Alignment((), (((0,), (0, 1)),)), generator=generator()
    )
    assert none.mean_change is None and none.part.share_before is None
    assert set(none.rest.values()) == {None}
    with pytest.raises(InputError, match="finite"):
        same = Alignment(((0, 0),), ())
        compare_scores(np.array([np.nan]), np.zeros(1), same, generator=generator())


def likeness(alike: float, chance: float = 0.5) -> Likeness:
    return Likeness("any", alike, alike, Estimate(chance, 0.0, 1.0), chance, 0.5, 5)


def test_coherency_rewards_what_was_expected() -> None:
    judged = [("same", likeness(0.9)), ("same", likeness(0.7, 0.6)), ("changes", likeness(0.2))]
    found = coherency([*judged, ("changes", None)])
    assert found is not None
    values, chances = np.array([0.9, 0.7, 0.8]), np.array([0.5, 0.6, 0.5])
    assert found.score.value == pytest.approx(values.mean())
    assert found.chance == pytest.approx(chances.mean())
    low, high = stats.t.interval(0.95, 2, values.mean(), stats.sem(values))
    assert found.score.low == pytest.approx(low) and found.score.high == min(1.0, high)
    above = stats.t.interval(0.95, 2, (values - chances).mean(), stats.sem(values - chances))
    assert found.above_chance.low == pytest.approx(above[0])
    assert (found.pairs, found.undefined) == (3, 1)


def test_of_one_pair_or_none_little_is_known() -> None:
    found = coherency([("same", likeness(0.9))])
    assert found is not None and (found.score.low, found.score.high) == (0.0, 1.0)
    assert (found.above_chance.low, found.above_chance.high) == (-1.0, 1.0)
    assert coherency([]) is None and coherency([("same", None)]) is None


def test_random_explanations_have_the_coherency_of_chance() -> None:
    random, judged = generator(), []
    for number in range(100):
        first, second = random.normal(size=(2, 8))
        found = likenesses(first, second, generator=random, permutations=60)
        judged.append((("same", "changes")[number % 2], found["spearman"]))
    score = coherency(judged)
    assert score is not None and score.above_chance.low < 0 < score.above_chance.high


@given(st.integers(0, 30), st.integers(1, 30))
def test_superiority_is_a_proportion_with_its_exact_interval(below: int, above: int) -> None:
    found = superiority(-1.0, [0.5] * below + [2.0] * above)
    exact = stats.binomtest(below, below + above).proportion_ci(0.95, "exact")
    assert found.value == pytest.approx(below / (below + above))
    assert (found.low, found.high) == (pytest.approx(exact.low), pytest.approx(exact.high))


def test_superiority_of_ties_and_of_nothing() -> None:
    assert superiority(0.0, [0.0, 0.0]).value == 0.5
    assert superiority(3.0, [1.0, -2.0]).high == 1.0
    with pytest.raises(InputError, match="no random change"):
        superiority(1.0, [])
