"""Fits that cannot be made are refused; constraints and penalties do what they say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from glossator.attribution.least_squares import least_squares
from glossator.errors import InputError
from tests.attribution.games import generator


def normal(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=generator(), dtype=torch.float64)


def ones(*shape: int) -> Tensor:
    return torch.ones(*shape, dtype=torch.float64)


def test_players_that_always_come_together_cannot_be_told_apart() -> None:
    design = normal(30, 1, 3)
    design[..., 2] = design[..., 1]
    with pytest.raises(InputError, match="too few coalitions to tell 3"):
        least_squares(design, normal(30, 1, 2), ones(30, 1))


@pytest.mark.parametrize("draws", [2, 3, 4])
def test_no_more_draws_than_coefficients(draws: int) -> None:
    with pytest.raises(InputError, match="too few coalitions to tell 4"):
        least_squares(normal(draws, 1, 4), normal(draws, 1, 1), ones(draws, 1))


def test_a_coefficient_that_one_draw_decides_has_no_error() -> None:
    """Without that draw the rest says nothing about it, so there is nothing to compare."""
    design = normal(20, 1, 2)
    design[1:, :, 1] = 0
    with pytest.raises(InputError, match="too few"):
        least_squares(design, normal(20, 1, 1), ones(20, 1))
    assert least_squares(design, normal(20, 1, 1), ones(20, 1), exact=True).stderr.max() == 0


def test_rows_of_weight_zero_do_not_count() -> None:
    design, response, weight = normal(20, 2, 3), normal(20, 2, 1), ones(20, 2)
    weight[12:] = 0
    some = least_squares(design, response, weight)
    only = least_squares(design[:12], response[:12], weight[:12])
    torch.testing.assert_close(some.coefficients, only.coefficients)
    torch.testing.assert_close(some.stderr, only.stderr)
    assert some.dof == only.dof == 12 - 3


def test_the_constraint_holds_and_the_rest_is_best() -> None:
    design, response, total = normal(40, 1, 4), normal(40, 1, 2), normal(2)
    fit = least_squares(design, response, ones(40, 1), total=total)
    torch.testing.assert_close(fit.coefficients.sum(0), total)
    left = response - design @ fit.coefficients
    gradient = torch.einsum("gci,gct->it", design, left)  # the same for all: along the constraint
    torch.testing.assert_close(gradient, gradient[:1].expand_as(gradient))
    assert fit.dof == 40 - 3


def test_a_penalty_pulls_towards_zero() -> None:
    design, response = normal(40, 1, 4), normal(40, 1, 1)
    free = least_squares(design, response, ones(40, 1)).coefficients
    held = least_squares(design, response, ones(40, 1), penalty=1e9 * ones(4)).coefficients
    assert held.abs().max() < 1e-6 < free.abs().min()
