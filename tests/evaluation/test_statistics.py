"""Intervals, paired tests, corrections, controls and thresholds."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from glossator.errors import InputError
from glossator.evaluation import (
    holm,
    label_randomisation,
    mean_of,
    necessity_and_sufficiency,
    paired_p,
    shuffled,
    significant,
    top_k,
    top_mass,
)
from glossator.evaluation.agreement import likeness
from glossator.game import Game
from tests.attribution.games import generator
from tests.evaluation.cases import case

seeds = st.integers(0, 2**20)
few = settings(max_examples=25, deadline=None)


def normal(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=generator(seed), dtype=torch.float64)


def test_intervals_of_means_hold_the_mean_as_often_as_they_say() -> None:
    draws = normal(0, 2000, 7) + 3
    found = [mean_of(row) for row in draws]
    covered = np.mean([each.low <= 3 <= each.high for each in found])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 2000)


def test_one_item_has_no_interval_and_none_no_mean() -> None:
    found = mean_of(torch.tensor([2.0]))
    assert (found.value, found.low, found.high) == (2.0, -math.inf, math.inf)
    for bad in ([], [1.0, math.nan]):
        with pytest.raises(InputError, match="leave out what is NaN"):
            mean_of(torch.tensor(bad))


@given(seed=seeds, items=st.integers(3, 9))
@few
def test_paired_permutation_is_that_of_scipy(seed: int, items: int) -> None:
    a, b = normal(seed, 2, items)
    theirs = stats.permutation_test(
        (a.numpy(), b.numpy()),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=np.inf,
        vectorized=True,
    )
    assert paired_p(a, b) == pytest.approx(theirs.pvalue)


def test_paired_tests_reject_a_true_null_at_the_level() -> None:
    draws = normal(1, 400, 2, 20)
    p = [paired_p(a, b, generator=generator(i), draws=199) for i, (a, b) in enumerate(draws)]
    assert np.mean(np.array(p) <= 0.05) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 400)
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_paired_tests_notice_a_difference() -> None:
    a = normal(2, 20)
    for test in ("permutation", "wilcoxon"):
        assert paired_p(a + 1, a + 0.2 * normal(3, 20), test=test, generator=generator()) < 0.001
        assert paired_p(a, a, test=test) == 1.0


@given(p=st.lists(st.floats(0, 1), min_size=0, max_size=8))
@few
def test_holm_is_the_step_down_rule(p: list[float]) -> None:
    """At every level: reject in ascending order while p <= level / (tests left)."""
    adjusted = holm(torch.tensor(p, dtype=torch.float64)).tolist()
    for level in (0.01, 0.05, 0.3):
        rejected = set()
        ascending = sorted(range(len(p)), key=p.__getitem__)
        for left, i in zip(range(len(p), 0, -1), ascending, strict=True):
            if p[i] * left > level:
                break
            rejected.add(i)
        assert rejected == {i for i, each in enumerate(adjusted) if each <= level}


@given(seed=seeds, counts=st.lists(st.integers(0, 6), min_size=1, max_size=4))
@few
def test_shuffling_moves_scores_among_their_own_words(seed: int, counts: list[int]) -> None:
    _, scores = case(seed, counts)
    found = shuffled(scores, generator(seed))
    assert torch.equal(found.isnan(), scores.isnan())
    torch.testing.assert_close(
        found.sort(1).values, scores.sort(1).values, equal_nan=True, atol=0, rtol=0
    )


def test_every_place_is_as_likely_in_a_shuffle() -> None:
    scores = torch.tensor([[3.0, 2.0, math.nan, 1.0]])
    source = generator()
    where = torch.stack([shuffled(scores, source)[0] == 3 for _ in range(3000)]).double().mean(0)
    assert float((where[[0, 1, 3]] - 1 / 3).abs().max()) < 0.04


def test_significance_names_what_noise_does_not_explain() -> None:
    """In a target of pure noise, some word is named in at most 5% of the cases."""
    noise = normal(0, 4000, 10)
    named = significant(noise, torch.ones_like(noise))
    assert float(named.any(1).double().mean()) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 4000)
    assert float(named.any(1).double().mean()) > 0.03
    assert not significant(noise, torch.ones_like(noise), floor=5.0).any()
    student = noise / (normal(1, 4000, 10, 5).square().mean(2)).sqrt()
    wide = significant(student, torch.ones_like(student), dof=5).any(1).double().mean()
    assert float(wide) < 0.05 + 4 * math.sqrt(0.05 * 0.95 / 4000)


def test_significance_of_exact_scores_and_of_none() -> None:
    scores = torch.tensor([[0.2, -0.05, 0.0, math.nan]])
    assert significant(scores).tolist() == [[True, True, False, False]]
    assert significant(scores, floor=0.1).tolist() == [[True, False, False, False]]
    zero = torch.zeros_like(scores)
    assert significant(scores, zero).tolist() == [[True, True, False, False]]
    with pytest.raises(InputError, match="floor"):
        significant(scores, floor=-1.0)


def test_top_k_and_mass_of_degenerate_rows() -> None:
    scores = torch.tensor([[0.0, 0.0, 0.0], [1.0, 1.0, math.nan], [math.nan] * 3])
    assert top_k(scores, 2).sum(1).tolist() == [2, 2, 0]
    assert top_k(scores, torch.tensor([0, 5, 1])).sum(1).tolist() == [0, 2, 0]
    assert top_mass(scores, 1.0).sum(1).tolist() == [0, 2, 0]
    assert top_mass(scores, 0.5)[1].tolist() == [True, False, False]
    assert not top_mass(scores, 0.0).any()
    with pytest.raises(InputError, match="between 0 and 1"):
        top_mass(scores, 1.5)


def test_rank_correlation_of_too_little_is_no_number() -> None:
    assert math.isnan(likeness(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0])))
    assert math.isnan(likeness(torch.tensor([1.0, 1.0, 1.0]), torch.tensor([1.0, 2.0, 3.0])))


def test_wilsons_intervals_are_those_of_scipy_and_empty_ones_say_so() -> None:
    both = Game(lambda keep: keep.all(1, keepdim=True).double(), torch.tensor([[True, True, True]]))
    found = necessity_and_sufficiency(both, threshold=0.5, samples=20, generator=generator())
    cases, value = int(found.sufficiency.count[0, 0]), float(found.sufficiency.value[0, 0])
    theirs = stats.binomtest(round(value * cases), cases).proportion_ci(method="wilson")
    assert float(found.sufficiency.low[0, 0]) == pytest.approx(theirs.low)
    assert float(found.sufficiency.high[0, 0]) == pytest.approx(theirs.high)
    never = necessity_and_sufficiency(both, threshold=5.0, generator=generator()).necessity
    assert never.value.isnan().all()
    assert (never.low.tolist(), never.high.tolist()) == ([[0.0] * 3], [[1.0] * 3])


def test_label_randomisation_tells_who_looks_at_the_labels() -> None:
    texts = [f"{a} {b} the" for a in ("good", "bad") for b in ("film", "song", "play")]
    labels = [1, 1, 1, 0, 0, 0]

    def train(texts: list[str], labels: list[int]) -> dict[str, float]:
        sums: dict[str, float] = {}
        for text, label in zip(texts, labels, strict=True):
            for word in text.split():
                sums[word] = sums.get(word, 0.0) + (2 * label - 1)
        return sums

    def explain(model: dict[str, float], text: str) -> torch.Tensor:
        return torch.tensor([model[word] for word in text.split()])

    def by_length(model: dict[str, float], text: str) -> torch.Tensor:
        return torch.tensor([float(len(word) + i / 9) for i, word in enumerate(text.split())])

    def check(method: object) -> float:
        found = label_randomisation(train, method, texts, labels, generator=generator(1))
        return float(found.nanmean())

    assert check(by_length) == pytest.approx(1.0)
    assert check(explain) < 0.8
    with pytest.raises(InputError, match="all labels are the same"):
        label_randomisation(train, explain, texts, [1] * 6, generator=generator())
