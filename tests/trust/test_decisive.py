"""The fewest players without which the readout is half gone, against trying them one by one."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator.evaluation.removal_curves import descending, sizes_of
from glossator.game import Game
from glossator.trust.decisive import Chance, alone, candidates, decisive, together
from glossator.types import Attribution
from tests.attribution.games import nested, random_game
from tests.oracles.verdict_oracles import fewest, own_order, value

seeds = st.integers(0, 2**20)
few = settings(max_examples=25, deadline=None)


def rising(seed: int, counts: list[int], players: int) -> tuple[Game, torch.Tensor]:
    """An additive game in which every player adds something, and its weights."""
    before = nested(counts, players)
    generator = torch.Generator().manual_seed(seed)
    weights = torch.rand(len(counts), players, generator=generator, dtype=torch.float64)
    weights = weights**3 * before
    return Game(lambda keep: keep.double() @ weights.T, before), weights


@given(seed=seeds, share=st.floats(0.05, 0.95), most=st.integers(0, 14))
@few
def test_where_every_player_adds_something_it_is_the_fewest(
    seed: int, share: float, most: int
) -> None:
    game, weights = rising(seed, [14, 9], 14)
    order = descending(weights.masked_fill(~game.before, torch.nan))
    level = game.full * share
    limit = torch.tensor([most, min(most, 9)])
    limit = limit.minimum(torch.tensor([7, 5]))
    found = together(game, order, sizes_of(game.before), limit, level)
    for t in range(2):
        own = own_order(game.before[t], order[t])
        assert int(found[t]) == fewest(game, own, float(level[t]), int(limit[t]), t)


@given(seed=seeds)
@few
def test_whatever_the_game_they_carry_what_they_are_said_to(seed: int) -> None:
    game = random_game(seed, [9, 6])
    order = descending(torch.rand(2, 9, generator=torch.Generator().manual_seed(seed)))
    level = (game.full + game.empty) / 2
    found = together(game, order, sizes_of(game.before), torch.tensor([5, 3]), level)
    for t in found.nonzero()[:, 0].tolist():
        head = own_order(game.before[t], order[t])[: int(found[t])]
        assert value(game, set(range(9)) - set(head), t) <= float(level[t])
    assert bool((found <= torch.tensor([5, 3])).all())


@given(seed=seeds)
@few
def test_alone_are_those_whose_single_removal_does_it(seed: int) -> None:
    game = random_game(seed, [9, 6])
    level = (game.full + game.empty) / 2
    tried = torch.rand(2, 9, generator=torch.Generator().manual_seed(seed)) < 0.7
    found = alone(game, tried, level)
    for t in range(2):
        for player in range(9):
            falls = value(game, set(range(9)) - {player}, t) <= float(level[t])
            assert bool(found[t, player]) == (falls and bool(tried[t, player]))
    assert game.coalitions_computed <= 2 + 9


def test_a_size_asked_before_costs_nothing() -> None:
    game, weights = rising(0, [20], 20)
    order, sizes = descending(weights), sizes_of(game.before)  # 1, 1, 2, 4, 10
    together(game, order, sizes, torch.tensor([10]), game.full * 0.4)
    # The full game; five sizes less one; at most three between 4 and 10.
    assert game.coalitions_computed <= 1 + 4 + 3


def test_candidates_are_above_0_and_beyond_their_error() -> None:
    scores = torch.tensor([[1.0, 0.0, -1.0, torch.nan]])
    assert candidates(Attribution(scores)).tolist() == [[True, False, False, False]]
    wide = Attribution(scores, torch.full_like(scores, 0.3), dof=1)  # 12.7 standard errors
    assert candidates(wide).tolist() == [[False] * 4]
    assert candidates(Attribution(scores, wide.stderr)).tolist() == [[True] + [False] * 3]


def test_half_of_the_log_odds_is_enough_where_they_are_the_question() -> None:
    # From 12 to 5 the chance falls by less than a hundredth: a word may stand for seven nats.
    weights = torch.tensor([[7.0], [2.0], [1.0], [1.0], [0.5], [0.5]]).double()
    before = torch.ones(1, 6, dtype=torch.bool)
    game = Game(lambda keep: keep.double() @ weights, before)
    sure = Game(lambda keep: game(keep).sigmoid(), before)
    sizes, low = torch.tensor([[3]]), torch.tensor([[0.9]]).double()
    chance, odds = Chance(sure, sizes, low, low), Chance(game, sizes, 6 * low, 6 * low)
    asked = Attribution(weights.T), torch.arange(6)[None], 6
    assert not alone(sure, before, chance.level).any()
    assert decisive(chance, *asked, odds)[0].tolist() == [True] + 5 * [False]
    assert not alone(game, before, odds.level)[0, 1:].any()
