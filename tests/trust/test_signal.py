"""Signal, noise and what follows from them: an oracle, axioms, and inputs that hold nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import glossator
from glossator.errors import InputError
from glossator.trust.signal import permutation_p, stability
from tests.oracles import trust_oracles
from tests.trust.simulated import known

QUICK = {"permutations": 9}
few = settings(max_examples=30, deadline=None)
tables = arrays(
    np.float64,
    st.tuples(st.integers(2, 6), st.integers(2, 8)),
    elements=st.floats(-8, 8).map(lambda x: round(x, 3)),
).filter(lambda table: table.var(0).sum() > 1e-3)


@few
@given(tables)
def test_signal_and_noise_are_those_of_the_paper(scores: np.ndarray) -> None:
    signal, noise = trust_oracles.signal_and_noise(scores)
    found = stability(scores, **QUICK)
    assert found.signal.value == pytest.approx(signal, abs=1e-9)
    assert found.noise.value == pytest.approx(noise, abs=1e-9)


@few
@given(tables)
def test_centred_they_are_what_two_runs_have_in_common(scores: np.ndarray) -> None:
    signal, noise = trust_oracles.covariance_of_runs(scores)
    found = stability(scores, centred=True, **QUICK)
    assert found.signal.value == pytest.approx(signal, abs=1e-9)
    assert found.noise.value == pytest.approx(noise, abs=1e-9)


@few
@given(tables, st.floats(0.1, 10), st.floats(-5, 5))
def test_unit_origin_and_order_do_not_matter(
    scores: np.ndarray, unit: float, origin: float
) -> None:
    before, after = (stability(t, **QUICK) for t in (scores, unit * scores + origin))
    assert after.signal.value == pytest.approx(unit**2 * before.signal.value, abs=1e-6)
    assert after.noise.value == pytest.approx(unit**2 * before.noise.value, abs=1e-6)
    assert after.snr.value == pytest.approx(before.snr.value, rel=1e-6, abs=1e-9)
    shuffled = scores[::-1, ::-1]
    assert stability(shuffled, **QUICK).snr.value == pytest.approx(before.snr.value, abs=1e-9)


@few
@given(tables)
def test_estimates_lie_in_their_intervals(scores: np.ndarray) -> None:
    found = stability(scores, **QUICK)
    for each in (found.signal, found.noise):
        assert each.low <= each.value <= each.high
    assert found.snr.low <= found.snr.high
    assert found.expected_correlation.low <= found.expected_correlation.high <= 1


@few
@given(tables, arrays(np.float64, 6, elements=st.floats(-9, 9)))
def test_a_level_of_each_run_is_noise_unless_centred(
    scores: np.ndarray, levels: np.ndarray
) -> None:
    moved = scores + levels[: len(scores), None]
    before, after = (stability(t, centred=True, **QUICK) for t in (scores, moved))
    assert after.noise.value == pytest.approx(before.noise.value, abs=1e-7)
    assert after.signal.value == pytest.approx(before.signal.value, abs=1e-7)


def test_what_moves_all_words_alike_is_told() -> None:
    rng = np.random.default_rng(0)
    own = rng.normal(size=(40, 50))
    found = stability(own + 2 * rng.normal(size=(40, 1)), **QUICK)
    assert found.shared == pytest.approx(0.8, abs=0.1)
    assert stability(own, **QUICK).shared == pytest.approx(0, abs=0.05)


def test_the_permutation_null_is_that_of_all_permutations() -> None:
    scores = np.array([[0.0, 1.0, 2.0, 4.0], [0.5, 0.7, 3.0, 2.0], [1.0, 0.0, 0.5, 2.5]])
    exact = trust_oracles.permutation_p(scores)
    drawn = permutation_p(scores, 4000, np.random.default_rng(0))
    assert 0.005 < exact < 0.2
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / 4000) + 1 / 4000)


def test_the_p_value_is_uniform_without_a_signal_and_small_with_one() -> None:
    ps = [stability(each, permutations=99).p_value for each in known(0.0, 5, 100)]
    assert np.mean(np.array(ps) <= 0.1) == pytest.approx(0.1, abs=0.08)
    assert stability(known(5.0, 5, 1)[0]).p_value == 0.001


def test_correlation_reliability_and_runs_follow_from_the_ratio() -> None:
    found = stability(known(0.5, 20, 1)[0])
    snr = found.snr
    assert found.expected_correlation.value == pytest.approx(snr.value / (1 + snr.value))
    assert found.reliability(7).low == pytest.approx(7 * snr.low / (1 + 7 * snr.low))
    needed = found.runs_needed(0.9)
    assert needed.value == pytest.approx(9 / snr.value)
    assert (needed.low, needed.high) == (pytest.approx(9 / snr.high), pytest.approx(9 / snr.low))
    assert found.reliability(math.ceil(needed.value)).value >= 0.9


def test_two_runs_correlate_as_expected() -> None:
    values = known(0.5, 2, 150)
    correlations = [np.corrcoef(*runs)[0, 1] for runs in values]
    expected = [stability(v, centred=True, **QUICK).expected_correlation.value for v in values]
    assert np.mean(correlations) == pytest.approx(1 / 3, abs=0.04)
    assert np.median(expected) == pytest.approx(1 / 3, abs=0.05)


def test_words_without_a_score_are_dropped_from_all_runs_and_counted() -> None:
    scores = known(1.0, 5, 1)[0]
    holes = scores.copy()
    holes[2, 4] = holes[1, 9] = np.nan
    found, without = stability(holes), stability(np.delete(scores, [4, 9], axis=1))
    assert (found.dropped, without.dropped) == (2, 0)
    assert found.snr == without.snr and found.p_value == without.p_value
    assert np.flatnonzero(np.isnan(found.mean)).tolist() == [4, 9]
    assert np.isfinite(np.delete(found.spread, [4, 9])).all()


def test_words_have_mean_spread_and_error() -> None:
    scores = known(1.0, 5, 1)[0]
    found = stability(scores)
    assert found.mean == pytest.approx(scores.mean(0))
    assert found.spread == pytest.approx(scores.std(0, ddof=1))
    assert found.stderr == pytest.approx(scores.std(0, ddof=1) / math.sqrt(5))


def test_runs_that_are_all_the_same_have_an_endless_ratio() -> None:
    found = stability(np.tile(np.arange(5.0) / 3, (4, 1)))
    assert found.noise.value == 0 and found.snr.value == math.inf
    assert found.expected_correlation.value == 1 and found.reliability(1).value == 1
    assert found.runs_needed().value == 0


@pytest.mark.parametrize("value", [0.0, 0.1, -7.0])
def test_scores_that_are_all_the_same_say_nothing(value: float) -> None:
    found = stability(np.full((4, 6), value))
    assert (found.signal.value, found.noise.value, found.snr.value) == (0, 0, 0)
    assert (found.snr.low, found.snr.high, found.p_value) == (0, math.inf, 1)
    assert found.runs_needed().value == math.inf


def test_noise_alone_has_a_ratio_about_zero_and_no_number_of_runs() -> None:
    found = stability(known(0.0, 5, 1, seed=8)[0])
    assert found.snr.low < 0
    assert found.runs_needed().high == math.inf
    assert found.reliability(10).low == 0


@pytest.mark.parametrize(
    ("relevances", "says"),
    [
        ([[1.0, 2.0]], "got 1 run(s) and 2 word(s)"),
        ([[1.0], [2.0]], "got 2 run(s) and 1 word(s)"),
        ([[], []], "got 2 run(s) and 0 word(s)"),
        ([[1.0, math.nan], [2.0, 3.0]], "1 word(s) with scores (1 have none in some run)"),
        ([[1.0, 2.0], [math.nan, math.nan]], "run 2 has no score at all"),
        ([[1.0, math.inf], [2.0, 3.0]], "infinite"),
        ([1.0, 2.0], "shape [2]"),
        ([["a", "b"], ["c", "d"]], "no table of numbers"),
    ],
)
def test_what_cannot_be_used_is_one_clear_error(relevances: list, says: str) -> None:
    with pytest.raises(InputError) as error:
        stability(relevances)
    assert says in str(error.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda t: stability(t, level=1.0),
        lambda t: stability(t, permutations=0),
        lambda t: stability(t).reliability(0),
        lambda t: stability(t).runs_needed(1.0),
    ],
)
def test_arguments_out_of_range_are_refused(call: object) -> None:
    with pytest.raises(InputError, match="got"):
        call(known(1.0, 5, 1)[0])  # type: ignore[operator]


def test_arrays_from_anywhere_and_the_same_seed_twice() -> None:
    scores = known(0.5, 5, 1)[0]
    found = [glossator.stability(each) for each in (scores, scores.tolist(), torch.tensor(scores))]
    assert found[0].snr == found[1].snr == found[2].snr
    assert {each.p_value for each in found} == {found[0].p_value}
    strap = [stability(scores, intervals="bootstrap", seed=s).snr for s in (0, 0, 1)]
    assert strap[0] == strap[1] != strap[2]
    assert strap[0].value == found[0].snr.value
