from __future__ import annotations

from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glossator.evaluation.recovery import (
    first_hit,
    mass_on_rest,
    precision_at_k,
    shapley_error,
)

ROWS = st.lists(st.tuples(st.booleans(), st.integers(-3, 3)), min_size=1, max_size=6).filter(
    lambda row: any(marked for marked, _ in row)
)


def tensors(row):
    marked, scores = zip(*row, strict=True)
    return torch.tensor([marked]), torch.tensor([scores], dtype=torch.float64)


def by_orders(row, count):
    """The mean of what `count` makes of an order, over all orders that the scores allow."""
    found = []
    for order in permutations(range(len(row))):
        scores = [row[i][1] for i in order]
        if all(a >= b for a, b in zip(scores, scores[1:], strict=False)):
            found.append(count([row[i][0] for i in order]))
    return sum(found) / len(found)


@given(ROWS)
def test_precision_is_the_mean_over_all_orders_of_tied_words(row):
    k = sum(marked for marked, _ in row)
    expected = by_orders(row, lambda order: sum(order[:k]) / k)
    assert precision_at_k(*tensors(row)).item() == pytest.approx(expected)


@given(ROWS)
def test_first_hit_is_the_mean_over_all_orders_of_tied_words(row):
    expected = by_orders(row, lambda order: float(order[0]))
    assert first_hit(*tensors(row)).item() == pytest.approx(expected)


@given(ROWS)
def test_mass_on_rest_is_counted_word_by_word(row):
    sizes = [abs(score) for _, score in row] if any(score for _, score in row) else [1] * len(row)
    rest = sum(size for size, (marked, _) in zip(sizes, row, strict=True) if not marked)
    assert mass_on_rest(*tensors(row)).item() == pytest.approx(rest / sum(sizes))


@given(ROWS, st.floats(1e-3, 1e3))
def test_the_unit_of_the_scores_makes_no_difference(row, factor):
    marked, scores = tensors(row)
    for score in (precision_at_k, first_hit, mass_on_rest):
        assert score(marked, factor * scores).item() == pytest.approx(score(marked, scores).item())


def test_ties_may_differ_in_digits_that_say_nothing():
    marked = torch.tensor([[True, False]])
    assert precision_at_k(marked, torch.tensor([[1.0, 1.0 + 1e-9]])).item() == 0.5
    assert first_hit(marked, torch.tensor([[1.0, 1.01]])).item() == 0


def test_an_explanation_of_zeros_gets_what_chance_gets():
    marked, zeros = torch.tensor([[True, False, False, False]]), torch.zeros(1, 4)
    assert precision_at_k(marked, zeros).item() == 0.25
    assert first_hit(marked, zeros).item() == 0.25
    assert mass_on_rest(marked, zeros).item() == 0.75


def test_words_that_cannot_act_do_not_count():
    marked = torch.tensor([[True, True, False]])
    scores = torch.tensor([[torch.nan, 2.0, 1.0]])
    assert precision_at_k(marked, scores).item() == 1
    assert mass_on_rest(marked, scores).item() == pytest.approx(1 / 3)
    for score in (precision_at_k, first_hit, mass_on_rest):
        assert score(marked, torch.full((1, 3), torch.nan)).isnan().all()
        assert score(torch.tensor([[False, False, True]]), scores).isfinite().all()
        assert score(torch.zeros(1, 3, dtype=torch.bool), scores).isnan().all()


def test_one_word_that_decides_is_found_by_anything():
    marked, scores = torch.tensor([[True]]), torch.tensor([[-3.0]])
    assert precision_at_k(marked, scores).item() == first_hit(marked, scores).item() == 1
    assert mass_on_rest(marked, scores).item() == 0


def test_shapley_error_of_exact_scores_of_zeros_and_of_nothing_known():
    exact = torch.tensor([[2.0, -1.0, 0.0]])
    assert shapley_error(exact, exact).item() == 0
    assert shapley_error(exact, torch.zeros(1, 3)).item() == 1
    assert shapley_error(exact, -exact).item() == 2
    assert shapley_error(torch.zeros(1, 3), exact).isnan().all()
    assert shapley_error(torch.full((1, 3), torch.nan), exact).isnan().all()
