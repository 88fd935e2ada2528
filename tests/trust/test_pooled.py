"""Pooled outputs: the law of total variance, its estimates without bias, and the verdicts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from glossator.errors import InputError
from glossator.trust.pooled import pool


def slow(scores: list[float], errors: list[float], counts: list[int]) -> dict[str, float]:
    """One word: every drawn output written out, and the mean of what its noise adds."""
    outputs = [g for g, count in enumerate(counts) for _ in range(count)]
    drawn = [scores[g] for g in outputs]
    total = np.var(drawn, ddof=1)
    # Var of the sample variance's noise part: E s^2 = tr((I - 11'/K) Cov) / (K - 1)
    size = len(outputs)
    shared = np.array([[errors[g] ** 2 * (g == h) for h in outputs] for g in outputs])
    noise = np.trace((np.eye(size) - 1 / size) @ shared) / (size - 1)
    between = total - noise
    variance = max(between, 0) / size + shared.sum() / size**2
    return {"mean": float(np.mean(drawn)), "between": between, "stderr": variance**0.5}


@pytest.mark.parametrize("counts", [[1, 1, 1, 1], [3, 1, 2, 1], [5, 1, 1, 1]])
def test_it_is_what_the_law_says(counts: list[int]) -> None:
    random = np.random.default_rng(0)
    scores, errors = random.normal(size=(4, 3)), random.uniform(0.1, 1, size=(4, 3))
    found = pool(torch.tensor(scores), torch.tensor(errors), counts, floor=0.1)
    for word in range(3):
        expected = slow(scores[:, word].tolist(), errors[:, word].tolist(), counts)
        for name, value in expected.items():
            assert float(getattr(found, name)[word]) == pytest.approx(value), name
        weight = np.array(counts) / sum(counts)
        assert float(found.within[word]) == pytest.approx((weight * errors[:, word] ** 2).sum())
    assert (found.outputs, found.distinct, found.dof) == (sum(counts), 4, sum(counts) - 1)


def test_p_values_are_those_of_cochran() -> None:
    scores, errors = np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.0, 2.0])
    found = pool(torch.tensor(scores)[:, None], torch.tensor(errors)[:, None], [1] * 3, floor=0.1)
    weight = errors**-2
    q = (weight * (scores - (weight * scores).sum() / weight.sum()) ** 2).sum()
    assert float(found.p_value[0]) == pytest.approx(stats.chi2.sf(q, 2))


@pytest.mark.parametrize("between", [0.0, 0.3, 2.0])
def test_the_split_is_without_bias_and_intervals_cover(between: float) -> None:
    """Every word is one simulated experiment of 8 outputs, with errors of unlike size."""
    generator = torch.Generator().manual_seed(0)
    size, outputs = 4000, 8
    errors = (torch.rand(outputs, size, generator=generator) + 0.5).double()
    effects = 1 + between**0.5 * torch.randn(outputs, size, generator=generator).double()
    scores = effects + errors * torch.randn(outputs, size, generator=generator).double()
    found = pool(scores, errors, [1] * outputs, floor=0.0)
    off = found.between - between
    assert abs(float(off.mean())) < 3 * float(off.std()) / size**0.5
    half = stats.t.ppf(0.975, outputs - 1) * found.stderr
    covered = float(((found.mean - 1).abs() <= half).double().mean())
    assert 0.93 <= covered <= 1.0
    false = float((found.p_value <= 0.05).double().mean())
    assert (abs(false - 0.05) < 0.015) if between == 0 else false > 0.1


def test_verdicts() -> None:
    scores = torch.tensor(
        [
            # stable, on average, varies, nothing, unclear
            [2.0, 0.3, 2.0, 0.01, 1.0],
            [2.1, 3.0, -2.0, -0.01, -1.2],
            [1.9, 0.2, 1.5, 0.02, 0.9],
            [2.0, 2.4, -1.8, 0.00, -0.7],
            [2.2, 1.1, 0.1, 0.00, 0.2],
            [2.0, 2.9, -0.3, 0.00, -0.1],
        ]
    ).double()
    errors = torch.full_like(scores, 0.05)
    errors[:, 4] = 2.0
    found = pool(scores, errors, [1] * 6, floor=0.1)
    assert found.verdict == ("stable", "on average", "varies", "nothing", "unclear")
    assert found.share_between is not None and 0 < found.share_between < 1


def test_one_output_over_and_over() -> None:
    scores, errors = torch.tensor([[2.0, 0.0]]).double(), torch.tensor([[0.1, 0.1]]).double()
    found = pool(scores, errors, [5], floor=0.1)
    assert found.between.abs().max() < 1e-12
    assert found.stderr.tolist() == pytest.approx([0.1, 0.1])
    assert found.verdict[0] == "stable" and found.p_value.tolist() == [1.0, 1.0]
    exact = pool(scores, None, [5], floor=0.1)
    assert exact.share_between is None and exact.verdict == ("stable", "nothing")


def test_what_cannot_be_pooled() -> None:
    scores = torch.tensor([[1.0], [torch.nan]]).double()
    with pytest.raises(InputError, match="finite"):
        pool(scores, None, [1, 1], floor=0.1)
    with pytest.raises(InputError, match="at least 2"):
        pool(scores[:1], None, [1], floor=0.1)
