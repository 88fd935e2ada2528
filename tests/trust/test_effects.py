"""What each player adds: ridge regression against its normal equations and its limits."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from glossator.trust.effects import RIDGE, effects
from tests.attribution.games import nested

seeds = st.integers(0, 2**20)


@given(seed=seeds, rows=st.sampled_from([5, 12, 40]))
@settings(max_examples=25, deadline=None)
def test_it_is_the_ridge_of_scikit_learn(seed: int, rows: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    keep = torch.rand(rows, 12, generator=generator) < 0.5
    values = torch.randn(rows, 2, generator=generator, dtype=torch.float64)
    before = nested([12, 7], 12)
    found = effects(keep, values, before)
    for t, count in enumerate((12, 7)):
        present = keep[:, :count].double().numpy()
        price = RIDGE * present.var(0).sum() * rows / count
        slopes = Ridge(alpha=price + 1e-12).fit(present, values[:, t].numpy()).coef_
        assert np.allclose(found[t, :count].numpy(), slopes, atol=1e-8)
        assert not found[t, count:].any()


def test_of_enough_coalitions_it_is_what_players_add() -> None:
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(1, 9, generator=generator, dtype=torch.float64)
    keep = torch.rand(200, 9, generator=generator) < 0.5
    found = effects(keep, keep.double() @ weights.T - 3, nested([9], 9))
    assert torch.allclose(found, weights, rtol=0.02, atol=0.02)


def test_of_few_coalitions_the_player_that_matters_stands_out() -> None:
    generator = torch.Generator().manual_seed(0)
    keep = torch.rand(60, 400, generator=generator) < 0.5
    found = effects(keep, 3.0 * keep[:, [123]].double(), nested([400], 400))
    assert int(found.argmax()) == 123


@pytest.mark.parametrize("rows", [1, 2])
def test_coalitions_that_tell_nothing_have_no_effects(rows: int) -> None:
    keep = torch.ones(rows, 4, dtype=torch.bool)
    found = effects(keep, torch.ones(rows, 1, dtype=torch.float64), nested([4], 4))
    assert torch.equal(found, torch.zeros(1, 4, dtype=torch.float64))
