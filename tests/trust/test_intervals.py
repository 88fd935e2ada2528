"""Intervals hold the truth as often as they say, for every construction that promises it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from glossator.errors import InputError, UnknownName
from glossator.trust.intervals import effective_words, ratio_bounds, variance_bounds
from glossator.trust.moments import bounds, moments
from tests.trust.simulated import WORDS, known

CASES = [(snr, runs) for snr in (0.05, 0.5, 5.0) for runs in (5, 20)]
PROBLEMS = 2000


def coverage(values: np.ndarray, snr: float, intervals: str) -> dict[str, float]:
    ends = bounds(moments(values), intervals)
    truth = {"signal": snr, "noise": 1.0, "snr": snr}
    return {
        name: float(np.mean((low <= truth[name]) & (truth[name] <= high)))
        for name, (low, high) in ends.items()
    }


@pytest.mark.parametrize(("snr", "runs"), CASES)
@pytest.mark.parametrize("intervals", ["effective", "nominal"])
def test_intervals_hold_the_truth(snr: float, runs: int, intervals: str) -> None:
    found = coverage(known(snr, runs, PROBLEMS), snr, intervals)
    assert {name: share for name, share in found.items() if not 0.92 <= share <= 0.98} == {}


@pytest.mark.parametrize(("snr", "runs"), CASES)
def test_the_ratio_has_no_bias_and_the_naive_one_has(snr: float, runs: int) -> None:
    values = known(snr, runs, 4 * PROBLEMS, seed=1)
    found = moments(values)
    error = found.snr.std() / np.sqrt(len(values))
    assert abs(found.snr.mean() - snr) < 4 * error
    naive = found.means / found.noise
    assert naive.mean() - snr > 0.9 / runs


def test_the_naive_estimate_of_a_weak_signal_is_five_times_too_large() -> None:
    found = moments(known(0.05, 5, PROBLEMS))
    assert (found.means / found.noise).mean() == pytest.approx(0.25, abs=0.01)
    assert found.snr.mean() == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize("runs", [5, 20])
def test_words_of_a_sample_have_wider_intervals_that_hold(runs: int) -> None:
    rng = np.random.default_rng(3)
    words = rng.normal(size=(PROBLEMS, 1, WORDS))
    found = moments(words + rng.normal(size=(PROBLEMS, runs, WORDS)))
    low, high = bounds(found, fixed=False)["snr"]
    narrow_low, narrow_high = bounds(found, fixed=True)["snr"]
    assert 0.92 <= np.mean((low <= 1) & (high >= 1)) <= 0.98
    assert np.mean((narrow_low <= 1) & (narrow_high >= 1)) < 0.88
    assert (high - low > narrow_high - narrow_low).all()


@pytest.mark.parametrize("ratio", [0.7, 1.3, 4.0, 26.0, 300.0])
@pytest.mark.parametrize("dof", [(29.0, 120.0), (9.0, 40.0), (60.0, 1200.0)])
def test_ends_are_those_of_the_noncentral_f(ratio: float, dof: tuple[float, float]) -> None:
    words, noise = dof
    pair = np.array(words), np.array(noise)
    low, high = ratio_bounds(np.array(ratio), pair, 5, 0.95, fixed=True)
    for end, tail in ((low, 0.975), (high, 0.025)):
        if end > 0:
            noncentral = 5 * float(end) * words
            assert stats.ncf.cdf(ratio, words, noise, noncentral) == pytest.approx(tail, abs=0.006)
        else:
            scaled = ratio / (1 + 5 * float(end))
            assert stats.f.cdf(scaled, words, noise) == pytest.approx(tail, abs=1e-6)


def test_ends_grow_with_the_ratio_and_shrink_with_confidence() -> None:
    ratios = np.linspace(0.1, 50, 40)
    dof = np.full(40, 29.0), np.full(40, 120.0)
    low, high = ratio_bounds(ratios, dof, 5, 0.95, fixed=True)
    assert (np.diff(low) > 0).all() and (np.diff(high) > 0).all()
    inner_low, inner_high = ratio_bounds(ratios, dof, 5, 0.5, fixed=True)
    assert (low < inner_low).all() and (inner_high < high).all()
    assert ((inner_low < (ratios - 1) / 5) & ((ratios - 1) / 5 < inner_high + 0.02)).all()


def test_the_interval_of_a_variance_is_the_textbook_one() -> None:
    low, high = variance_bounds(np.array(2.0), np.array(12.0), 0.9)
    assert float(low) == pytest.approx(24 / stats.chi2.ppf(0.95, 12))
    assert float(high) == pytest.approx(24 / stats.chi2.ppf(0.05, 12))


def test_effective_words_count_what_is_independent() -> None:
    rng = np.random.default_rng(0)
    apart = rng.normal(size=(400, 20, WORDS))
    apart -= apart.mean(1, keepdims=True)
    independent = effective_words(apart, 19, WORDS)
    assert 24 < independent.mean() <= WORDS
    copied = np.repeat(apart[..., :3], 10, axis=-1)
    assert 2.3 < effective_words(copied, 19, WORDS).mean() < 3.7


def test_two_runs_cannot_tell_and_get_the_nominal_number() -> None:
    found = moments(np.random.default_rng(0).normal(size=(2, WORDS)))
    assert found.effective[0] == WORDS - 1 and found.effective[1] == WORDS


def test_an_unknown_construction_lists_the_known_ones() -> None:
    found = moments(known(1.0, 5, 1)[0])
    with pytest.raises(UnknownName, match="bootstrap"):
        bounds(found, "bootstrp")
    with pytest.raises(InputError, match="draws runs, not words"):
        bounds(found, "bootstrap", fixed=False)
