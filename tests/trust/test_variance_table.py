"""The variance table: textbook formulas, known components, and designs that cannot be."""

from __future__ import annotations

import math

import numpy as np
import pytest

from glossator.errors import InputError
from glossator.trust import stability, variance_table
from tests.oracles import trust_oracles

RNG = np.random.default_rng


def effects(seed: int, levels: tuple[int, ...], words: int, sizes: dict) -> np.ndarray:
    """Random effects of the named axes with the given variances; axis -1 are the words."""
    rng = RNG(seed)
    total = np.zeros((*levels, words))
    for axes, variance in sizes.items():
        shape = [n if axis in axes else 1 for axis, n in enumerate((*levels, words))]
        total = total + math.sqrt(variance) * rng.normal(size=shape)
    return total


def test_two_sources_are_split_as_in_the_textbook() -> None:
    values = effects(0, (4, 5), 6, {(0, 2): 1.0, (1, 2): 0.3, (0,): 0.5, (0, 1, 2): 0.2, (2,): 9.0})
    found = variance_table(values, ["training", "estimator"])
    expected = trust_oracles.two_sources(values)
    assert [each.variance.value for each in found.components] == pytest.approx(expected)
    assert [each.sources for each in found.components] == [
        ("training",),
        ("estimator",),
        ("training", "estimator"),
    ]
    assert found.noise.value == pytest.approx(sum(expected))
    assert sum(each.share for each in found.components) == pytest.approx(1)


def test_one_source_is_split_into_all_words_and_each_word() -> None:
    values = effects(1, (7,), 9, {(0,): 0.5, (0, 1): 1.0, (1,): 2.0})
    (found,) = variance_table(values, ["training"]).components
    alike, own = trust_oracles.one_source_by_word(values)
    assert found.alike.value == pytest.approx(alike)
    assert found.by_word.value == pytest.approx(own)
    assert found.variance.value == pytest.approx(alike + own)


def test_the_ratio_of_one_source_is_about_that_of_stability() -> None:
    values = effects(4, (6,), 40, {(0, 1): 1.0, (1,): 2.0})
    table, runs = variance_table(values, ["training"]), stability(values)
    assert table.snr.value == pytest.approx(table.signal.value / table.noise.value)
    for end in ("value", "low", "high"):
        assert getattr(table.snr, end) == pytest.approx(getattr(runs.snr, end), rel=0.25)
    assert table.expected_correlation.value == pytest.approx(
        table.snr.value / (1 + table.snr.value)
    )


def test_one_source_has_the_signal_and_noise_of_stability() -> None:
    values = effects(2, (7,), 9, {(0, 1): 1.0, (1,): 2.0})
    table, runs = variance_table(values, ["training"]), stability(values)
    assert table.noise.value == pytest.approx(runs.noise.value)
    assert table.signal.value == pytest.approx(runs.signal.value)


def test_three_sources_are_estimated_without_bias_and_held_by_their_intervals() -> None:
    noise = {(0, 3): 1.0, (1, 3): 0.5, (2,): 0.4, (0, 1, 3): 0.3, (0, 1, 2, 3): 0.2}
    wanted = {(0,): 1.0, (1,): 0.5, (2,): 0.4, (0, 1): 0.3, (0, 2): 0, (1, 2): 0, (0, 1, 2): 0.2}
    names = ["a", "b", "c"]
    words = [effects(s + 500, (1, 1, 1), 20, {(3,): 2.0}) for s in range(60)]
    runs = [effects(s, (5, 4, 3), 20, noise) for s in range(60)]
    tables = [variance_table(a + b, names) for a, b in zip(words, runs, strict=True)]
    for number, (axes, variance) in enumerate(wanted.items()):
        found = [table.components[number].variance for table in tables]
        assert tables[0].components[number].sources == tuple(names[axis] for axis in axes)
        values = np.array([each.value for each in found])
        assert abs(values.mean() - variance) < 4 * values.std() / math.sqrt(len(values)) + 1e-3
        held = np.mean([each.low <= variance <= each.high for each in found])
        assert held >= 0.85, (axes, held)
    true = np.array([each.var(ddof=1) for each in words])
    apart = np.array([table.signal.value for table in tables]) - true
    assert abs(apart.mean()) < 4 * apart.std() / math.sqrt(len(apart)) + 0.4 / 3
    for truth, name in ((true, "signal"), (true / 2.4, "snr")):
        ends = np.array([[getattr(t, name).low, getattr(t, name).high] for t in tables])
        assert np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])) >= 0.85, name


def test_an_estimate_below_zero_is_shown_as_it_is() -> None:
    found = [variance_table(effects(s, (3, 4), 5, {(0, 1, 2): 1.0}), ["a", "b"]) for s in range(30)]
    first = [table.components[0] for table in found]
    assert min(each.variance.value for each in first) < 0
    assert all(each.variance.low <= each.variance.value <= each.variance.high for each in first)
    assert all(each.variance.low < 0 < each.variance.high for each in first)


def test_words_without_a_score_are_dropped_and_counted() -> None:
    values = effects(3, (4, 5), 6, {(0, 2): 1.0, (0, 1, 2): 0.2})
    holes = values.copy()
    holes[2, 1, 3] = np.nan
    found = variance_table(holes, ["a", "b"])
    without = variance_table(np.delete(values, 3, axis=2), ["a", "b"])
    assert (found.dropped, without.dropped) == (1, 0)
    assert found.components == without.components


def test_runs_that_are_all_the_same_have_no_noise() -> None:
    found = variance_table(np.broadcast_to(np.arange(5.0) / 3, (3, 2, 5)), ["a", "b"])
    assert found.noise.value == 0 and found.signal.value == pytest.approx(2.5 / 9)
    assert found.snr.value == math.inf
    assert all(each.share == 0 and each.variance.high == 0 for each in found.components)


@pytest.mark.parametrize(
    ("shape", "names", "says"),
    [
        ((3, 4), ["a", "b"], "give an axis for each source"),
        ((3, 4), [], "give an axis for each source"),
        ((1, 4), ["a"], "source 'a' has 1 level(s)"),
        ((3, 3, 4), ["a", "a"], "same name"),
        ((3, 1), ["a"], "at least 2 are needed"),
    ],
)
def test_designs_that_cannot_be_split_are_refused(
    shape: tuple[int, ...], names: list[str], says: str
) -> None:
    with pytest.raises(InputError) as error:
        variance_table(RNG(0).normal(size=shape), names)
    assert says in str(error.value)


@pytest.mark.parametrize(("bad", "says"), [(np.inf, "infinite"), (np.nan, "0 of 4 words")])
def test_values_that_are_no_numbers_are_refused(bad: float, says: str) -> None:
    values = RNG(0).normal(size=(3, 4))
    values[1] = bad
    with pytest.raises(InputError, match=says):
        variance_table(values, ["a"])
