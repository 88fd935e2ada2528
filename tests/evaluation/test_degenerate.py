"""Degenerate inputs have stated answers: ties, one word, zeros only, no scores at all."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from glossator import evaluation
from glossator.errors import InputError
from glossator.game import Game
from glossator.registry import METRICS
from tests.attribution.games import generator
from tests.evaluation.test_properties import AGAIN, OF_GAMES, OF_RATIONALES, measured

EVERY = OF_GAMES + OF_RATIONALES + AGAIN


def additive(*weights: float) -> Game:
    row = torch.tensor([weights], dtype=torch.float64)
    return Game(lambda keep: keep.double() @ row.T, torch.ones_like(row).bool(), measure="nats")


def scored(*scores: float) -> Tensor:
    return torch.tensor([scores], dtype=torch.float64)


@pytest.mark.parametrize("name", EVERY)
def test_no_scores_no_value(name: str) -> None:
    found = measured(name, additive(1.0, 2.0, 3.0), scored(math.nan, math.nan, math.nan), 0)
    assert found.isnan().all()


# What a metric says of scores that are all 0, of a game whose words weigh 1, 2 and 3.
ZEROS = {
    "comprehensiveness": 4 * 1 / 5 + 3 / 5,  # in reading order: four bins of one word, one of two
    "sufficiency": 4 * 5 / 5 + 3 / 5,
    "fid": 5.0,
    "aopc": (0 + 1 + 3 + 6) / 4,
    "dffot": 2 / 3,  # the limit is half of 6, and 3 is left when two are gone: not above it
    "dfmit": 0.0,
    "log_odds": -1.0,
    "deletion": (6 / 2 + 5 + 3) / 3,
    "insertion": (1 + 3 + 6 / 2) / 3,
    "monotonicity": 1.0,
    "completeness": 6.0,
    "dummy": math.nan,
    "symmetry": math.nan,
    "polarity": math.nan,
    "soft_comprehensiveness": 0.0,  # every word stays
    "soft_sufficiency": 0.0,  # no word stays
}


DRAWS = {"dummy", "symmetry", "soft_comprehensiveness", "soft_sufficiency"}


@pytest.mark.parametrize("name", list(ZEROS))
def test_scores_of_zero_stand_in_reading_order(name: str) -> None:
    draws = generator() if name in DRAWS else None
    found = METRICS.get(name).run(additive(1.0, 2.0, 3.0), scored(0, 0, 0), generator=draws)
    torch.testing.assert_close(found, scored(ZEROS[name])[0], equal_nan=True)


def test_ties_are_drawn_with_a_generator() -> None:
    game, scores = additive(1.0, 2.0, 3.0), scored(0, 0, 0)
    drawn = [evaluation.fid(game, scores, generator=generator(seed)).item() for seed in range(20)]
    assert set(drawn) == {3.0, 4.0, 5.0}


@pytest.mark.parametrize("name", OF_GAMES)
def test_one_word(name: str) -> None:
    """There is one order of one word, and what it does is all there is."""
    found = METRICS.get(name).run(additive(2.0), scored(2.0), generator=generator())
    expected = {
        "comprehensiveness": 2.0,
        "sufficiency": 0.0,
        "fid": 0.0,
        "aopc": 1.0,
        "dffot": 1.0,
        "dfmit": 1.0,
        "log_odds": -2.0,
        "deletion": 1.0,
        "insertion": 1.0,
        "monotonicity": 1.0,
        "completeness": 0.0,
        "infidelity": 0.0,
        "polarity": 1.0,
        "soft_comprehensiveness": 1.0,
        "soft_sufficiency": 1.0,
        "dummy": math.nan,
        "symmetry": math.nan,
    }
    torch.testing.assert_close(found, scored(expected[name])[0], equal_nan=True)


def test_a_decision_that_never_flips_is_no_number() -> None:
    game = additive(1.0, 1.0)
    assert evaluation.dffot(game, scored(1, 1), threshold=-1.0).isnan().all()
    assert evaluation.dfmit(game, scored(1, 1), threshold=-1.0).tolist() == [0.0]
    for metric in (evaluation.dffot, evaluation.dfmit):  # does not hold at the start
        assert metric(game, scored(1, 1), threshold=5.0).isnan().all()


def test_a_decision_that_does_not_hold_has_no_smallest_set() -> None:
    game = additive(1.0, 1.0)
    for find in (evaluation.smallest_sufficient, evaluation.smallest_necessary):
        assert find(game, threshold=5.0)[0].players is None
    assert evaluation.smallest_sufficient(game, threshold=-1.0)[0].players == ()
    assert evaluation.smallest_necessary(game, threshold=-1.0)[0].players is None


def test_words_that_do_not_raise_the_readout_have_no_soft_share() -> None:
    game = additive(-1.0, -1.0)
    for metric in (evaluation.soft_comprehensiveness, evaluation.soft_sufficiency):
        assert metric(game, scored(1, 0.5), generator=generator()).isnan().all()


def test_log_odds_refuses_what_is_no_probability() -> None:
    game = Game(lambda keep: keep.double(), torch.tensor([[True]]), measure="logit")
    with pytest.raises(InputError, match="probabilities .* 'logit'"):
        evaluation.log_odds(game, scored(1.0))


def test_one_random_order_has_no_spread() -> None:
    with pytest.raises(InputError, match="from 2 on"):
        evaluation.random_curve(additive(1.0), [1], generator=generator(), orders=1)


@pytest.mark.parametrize("shares", [[], [0.5, 1.5], [-0.1]])
def test_shares_are_shares(shares: list[float]) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        evaluation.comprehensiveness(additive(1.0), scored(1.0), shares=shares)
