"""How far an input moves a target, against the divergence of two coins."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glossator.game import READOUTS
from glossator.trust.explainability import FORMS, LEAST, form_of, information
from tests.oracles.verdict_oracles import coins

ONE = torch.tensor([1])
chances = st.floats(1e-6, 1 - 1e-6)


def told(value: float, full: float, form: str, tokens: int = 1) -> float:
    row = torch.tensor([[value]], dtype=torch.float64)
    whole = torch.tensor([full], dtype=torch.float64)
    return float(information(row, whole, form, torch.tensor([tokens])))


@given(chances, chances)
def test_every_form_is_the_divergence_of_its_coins(p: float, q: float) -> None:
    expected = pytest.approx(coins(p, q), rel=1e-4, abs=1e-9)
    assert told(math.log(q), math.log(p), "log_probability") == expected
    assert told(q, p, "probability") == expected
    assert told(2 * q - 1, 2 * p - 1, "difference") == expected
    assert told(math.log(q / (1 - q)), math.log(p / (1 - p)), "log_odds") == expected


@given(st.floats(-15, 15), st.floats(-15, 15), st.floats(-100, 100))
def test_a_logit_is_counted_from_an_even_chance(value: float, full: float, shift: float) -> None:
    moved = 1 / (1 + math.exp(full - value))
    assert told(value, full, "logit") == pytest.approx(coins(0.5, moved), rel=1e-3, abs=1e-9)
    assert told(value + shift, full + shift, "logit") == pytest.approx(
        told(value, full, "logit"), rel=1e-3, abs=1e-6
    )


@given(st.floats(-500, 0), st.floats(-500, 0), st.sampled_from(sorted(set(FORMS.values()))))
def test_it_is_a_number_and_not_below_0(value: float, full: float, form: str) -> None:
    found = told(value, full, form)
    assert 0 <= found < math.inf
    assert told(full, full, form) == pytest.approx(0, abs=1e-12)


def test_long_outputs_count_by_their_tokens() -> None:
    """A hundred tokens of 90% each, of 50% each without the input: improbable as a whole."""
    full, empty = 100 * math.log(0.9), 100 * math.log(0.5)
    assert told(empty, full, "log_probability", 100) == pytest.approx(coins(0.9, 0.5))
    assert told(empty, full, "log_probability") < LEAST < coins(0.9, 0.5)


def test_nats_of_an_improbable_word_are_worth_nothing() -> None:
    """A vocabulary of 1024 and no training: twice as likely is still never."""
    assert told(math.log(1 / 1024), math.log(4 / 1024), "log_probability") < LEAST
    assert told(math.log(0.2), math.log(0.8), "log_probability") > LEAST


def test_a_hundred_draws_tell_what_is_above_the_least() -> None:
    """Stein: the likelihood ratio of n draws errs with exp(-n KL), 5% at 100 draws."""
    assert math.exp(-100 * LEAST) == pytest.approx(0.05)


def test_every_readout_has_a_form() -> None:
    names = {name for name, _ in FORMS}
    assert names == set(READOUTS)
    assert form_of("exact_match", "similarity", False) == "probability"
    assert form_of("exact_match", "similarity", True) == "difference"
    assert form_of("another", "bits", False) == "nats"
