"""The trust of scores in games whose answer is known."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from glossator.attribution import banzhaf, leave_one_out, shapley
from glossator.evaluation.removal_curves import descending
from glossator.game import Game
from glossator.trust import measure
from glossator.types import Attribution, Trust
from tests.attribution.games import generator, nested, random_game, smooth_game
from tests.oracles.verdict_oracles import fall, own_order

CHANCE = math.log(0.02)
"""What a word has without the input, in log-probability."""


def additive(weights: Tensor, before: Tensor | None = None) -> Game:
    """Log-probabilities that weights of the players raise from 2%."""
    before = torch.ones_like(weights, dtype=torch.bool) if before is None else before
    return Game(lambda keep: CHANCE + keep.double() @ (weights * before).double().T, before)


def believed(game: Game, found: Attribution, seed: int = 0, **options: object) -> Trust:
    tokens = torch.ones(game.targets, dtype=torch.long)
    draw = generator(seed)
    return measure(game, found, form="log_probability", tokens=tokens, generator=draw, **options)


def weights_of(players: int, big: dict[int, float], seed: int = 0) -> Tensor:
    small = 0.05 * torch.randn(1, players, generator=generator(seed), dtype=torch.float64)
    for player, weight in big.items():
        small[0, player] = weight
    return small


@pytest.mark.parametrize("method", [leave_one_out, shapley, banzhaf])
def test_decisive_players_are_named_in_order_each_that_is_needed(method) -> None:
    game = additive(weights_of(14, {3: 1.5, 9: 1.2, 11: 0.9}))
    (found,) = believed(game, method(game, generator=generator())).targets
    assert (found.verdict, found.reason) == ("explained", "decisive")
    assert found.decisive == (3, 9, 11)
    assert found.without is not None and found.without < CHANCE + 1.5
    assert found.alone is not None and found.alone > CHANCE + 2
    assert found.comprehensiveness.low > 0 and found.sufficiency.high < 0


def test_the_curves_are_those_by_hand() -> None:
    game = random_game(5, [12, 9])
    found = leave_one_out(game)
    trust = believed(game, found)
    order = descending(found.scores)
    for t, each in enumerate(trust.targets):
        own = own_order(game.before[t], order[t])
        gone, left = (fall(game, own, trust.shares, t, alone=alone) for alone in (False, True))
        assert each.comprehensiveness.value == pytest.approx(gone, abs=1e-9)
        assert each.sufficiency.value == pytest.approx(left, abs=1e-9)


def test_shuffled_scores_explain_nothing() -> None:
    """A hundred texts; in each the scores are dealt anew."""
    explained = right = 0
    for seed in range(100):
        weights = weights_of(12, {2: 2.0, 7: 1.0, 10: 0.7}, seed)
        game = additive(weights)
        found = leave_one_out(game)
        deal = torch.randperm(12, generator=generator(10_000 + seed))
        shuffled = replace(found, scores=found.scores[:, deal])
        explained += believed(game, shuffled, seed).targets[0].verdict == "explained"
        right += believed(game, found, seed).targets[0].verdict == "explained"
    assert explained <= 7  # more than 2.5% of a hundred by chance: once in 250
    assert right >= 95


def test_effects_too_small_to_matter_are_no_explanation() -> None:
    """Faithful scores of a model that would never say the word."""
    weights = weights_of(14, {3: 0.6, 9: 0.4})
    before = torch.ones_like(weights, dtype=torch.bool)
    game = Game(lambda keep: math.log(1e-3) + keep.double() @ weights.T, before)
    (found,) = believed(game, leave_one_out(game)).targets
    assert (found.verdict, found.reason) == ("unexplained", "unmoved")
    assert found.p_value is not None and found.p_value < 0.01


def test_a_constant_game_is_moved_by_nothing() -> None:
    before = nested([9, 6], 9)
    game = Game(lambda keep: torch.full((len(keep), 2), -0.7), before)
    trust = believed(game, leave_one_out(game))
    assert [each.reason for each in trust.targets] == ["unmoved", "unmoved"]
    assert [each.explainability for each in trust.targets] == [0, 0]
    assert trust.completeness_gap == 0


def test_scores_of_nothing_are_no_explanation() -> None:
    game = additive(weights_of(10, {3: 2.0, 9: 1.5}))
    zero = Attribution(torch.zeros(1, 10, dtype=torch.float64))
    (found,) = believed(game, zero).targets
    assert (found.verdict, found.p_value, found.noise) == ("unexplained", 1.0, None)


def test_many_small_effects_are_no_few_decisive_players() -> None:
    weights = torch.linspace(0.28, 0.3, 13, dtype=torch.float64)[None]
    game = additive(weights)
    (found,) = believed(game, leave_one_out(game)).targets
    assert (found.verdict, found.reason) == ("unsure", "spread")


def test_errors_as_large_as_the_scores_name_nobody() -> None:
    game = additive(weights_of(10, {3: 2.0, 9: 1.5}))
    scores = leave_one_out(game).scores
    noisy = Attribution(scores, scores.abs())
    (found,) = believed(game, noisy).targets
    assert found.verdict == "unsure" and found.decisive == ()
    assert found.noise == pytest.approx(1)


def test_few_players_cannot_be_told_from_luck() -> None:
    game = additive(weights_of(4, {1: 3.0}))
    (found,) = believed(game, leave_one_out(game)).targets
    assert (found.verdict, found.reason) == ("unsure", "few units")


@pytest.mark.parametrize("players", [1, 2, 3])
def test_tiny_texts_are_measured_without_failing(players: int) -> None:
    game = additive(weights_of(players, {0: 3.0}))
    (found,) = believed(game, leave_one_out(game)).targets
    assert found.verdict == "unsure"


def test_a_target_without_players_is_unmoved() -> None:
    weights = torch.tensor([[2.0, 1.0, 0.1, 0.0, 0.1, 0.1]]).double().repeat(2, 1)
    game = additive(weights, nested([0, 6], 6))
    nobody, somebody = believed(game, leave_one_out(game)).targets
    assert (nobody.verdict, nobody.comprehensiveness, nobody.p_value) == ("unexplained", None, None)
    assert somebody.verdict == "explained"


def test_scores_that_could_not_be_measured_are_left_out() -> None:
    game = additive(weights_of(12, {3: 1.5, 9: 1.2, 11: 0.9}))
    scores = leave_one_out(game).scores
    scores[0, [0, 5]] = math.nan
    (found,) = believed(game, Attribution(scores)).targets
    assert (found.verdict, found.decisive) == ("explained", (3, 9, 11))
    nothing = Attribution(torch.full_like(scores, math.nan))
    (found,) = believed(game, nothing).targets
    assert (found.verdict, found.p_value, found.decisive) == ("unsure", None, ())
    assert found.comprehensiveness is not None and math.isfinite(found.comprehensiveness.value)


def test_scores_of_players_that_cannot_act_do_not_count() -> None:
    weights = weights_of(10, {3: 2.0, 5: 1.5})
    before = nested([7], 10)
    game = additive(weights, before)
    alien = torch.where(before, leave_one_out(game).scores, 99.0)
    one, other = (
        replace(believed(game, found), rows=0)
        for found in (Attribution(alien), leave_one_out(game))
    )
    assert one == other


def test_more_targets_than_rows_are_said_to_be_unmeasured() -> None:
    weights = weights_of(8, {1: 2.0, 5: 1.8}).repeat(60, 1)
    game = additive(weights)
    trust = believed(game, leave_one_out(game))
    reasons = [each.reason for each in trust.targets]
    assert 0 < reasons.count("unmeasured") < 60
    everything = believed(game, leave_one_out(game), full=True)
    assert {each.reason for each in everything.targets} == {"decisive"}


@pytest.mark.parametrize("method", [leave_one_out, shapley])
def test_the_seed_decides_and_nothing_else(method) -> None:
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    one, again, other = (
        believed(game := smooth_game(3, [9, 12]), method(game, generator=generator(5)), seed)
        for seed in (5, 5, 6)
    )
    assert torch.equal(torch.random.get_rng_state(), state)
    assert one == again
    assert one != other


def test_scores_that_are_not_in_the_readout_s_unit_have_no_gap() -> None:
    game = additive(weights_of(9, {1: 2.0}))
    found = leave_one_out(game)
    assert believed(game, found).completeness_gap == pytest.approx(0, abs=1e-9)
    shares = replace(found, notes={"unit": "share"})
    assert believed(game, shares).completeness_gap is None
