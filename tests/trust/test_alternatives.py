"""Groups of words, spread as a signal, and clusters of runs."""

from __future__ import annotations

import numpy as np
import pytest

from glossator.errors import InputError
from glossator.trust import clusters, higher_order, multivariate, stability
from tests.trust.simulated import known

PAIRS = [(2 * i, 2 * i + 1) for i in range(15)]


def test_groups_are_sums_and_their_noise_holds_covariances() -> None:
    scores = known(1.0, 6, 1)[0]
    found = multivariate(scores, PAIRS)
    sums = scores[:, ::2] + scores[:, 1::2]
    assert found.groups.snr == stability(sums).snr
    pairs = zip(scores.T[::2], scores.T[1::2], strict=True)
    expected = np.mean([2 * np.cov(a, b)[0, 1] for a, b in pairs])
    assert found.covariance == pytest.approx(expected)


def test_groups_of_one_word_are_the_words() -> None:
    scores = known(1.0, 6, 1)[0]
    found = multivariate(scores, [[i] for i in range(30)])
    assert found.groups.signal.value == pytest.approx(stability(scores).signal.value)
    assert found.covariance == pytest.approx(0, abs=1e-12)


def test_a_group_with_a_missing_word_is_dropped() -> None:
    scores = known(1.0, 6, 1)[0]
    scores[0, 3] = np.nan
    found = multivariate(scores, PAIRS)
    assert found.groups.dropped == 1 and np.isfinite(found.covariance)


@pytest.mark.parametrize(
    ("groups", "says"),
    [([(0, 1)], "at least 2"), ([(0,), ()], "at least 2"), ([(0,), (30,)], "0 to 29"),
     ([(0, 1), (1, 2)], "in two groups")],
)  # fmt: skip
def test_groups_that_cannot_be_are_refused(groups: list, says: str) -> None:
    with pytest.raises(InputError, match=says):
        multivariate(known(1.0, 6, 1)[0], groups)


def test_spread_is_a_signal_without_bias() -> None:
    """Normal noise of variance v: half squared differences have mean v and variance 2 v²."""
    rng = np.random.default_rng(0)
    variances = np.linspace(0.2, 3, 30)
    found = [
        higher_order(np.sqrt(variances) * rng.normal(size=(20, 30)), permutations=1)
        for _ in range(150)
    ]
    signal = [each.signal.value for each in found]
    assert np.mean(signal) == pytest.approx(variances.var(ddof=1), rel=0.15)
    noise = [each.noise.value for each in found]
    assert np.mean(noise) == pytest.approx((2 * variances**2).mean(), rel=0.1)
    assert found[0].runs == 10


def test_means_are_no_spread() -> None:
    scores = known(1.0, 8, 1)[0]
    moved = scores + 10 * np.arange(30)
    assert higher_order(moved).signal.value == pytest.approx(higher_order(scores).signal.value)


def test_spread_needs_four_runs() -> None:
    with pytest.raises(InputError, match="at least 4"):
        higher_order(known(1.0, 3, 1)[0])


def test_two_ways_to_be_right_are_found_and_one_is_not() -> None:
    rng = np.random.default_rng(1)
    ways = 1.5 * rng.normal(size=(2, 30))
    scores = ways[[0, 1, 0, 0, 1, 1, 0, 1]] + rng.normal(size=(8, 30))
    found = clusters(scores)
    assert found.labels.tolist() == [0, 1, 0, 0, 1, 1, 0, 1]
    assert found.share > found.by_chance and found.p_value < 0.02
    whole = stability(scores).snr.value
    assert all(each is not None and each.snr.value > whole for each in found.within)
    assert clusters(known(1.0, 8, 1)[0]).p_value > 0.05


def test_a_run_by_itself_has_no_noise_within() -> None:
    scores = known(0.5, 6, 1)[0]
    scores[3] += 20 * np.sin(np.arange(30))
    found = clusters(scores)
    assert found.labels.tolist() == [0, 0, 0, 1, 0, 0]
    assert found.within[1] is None and found.within[0] is not None


@pytest.mark.parametrize("count", [1, 6])
def test_clusters_that_cannot_be_are_refused(count: int) -> None:
    with pytest.raises(InputError, match="clusters"):
        clusters(known(1.0, 6, 1)[0], count)


def test_runs_that_are_all_the_same_have_nothing_between_clusters() -> None:
    found = clusters(np.tile(np.arange(5.0), (4, 1)), permutations=3)
    assert (found.share, found.p_value) == (0.0, 1.0)
