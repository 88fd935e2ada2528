"""The laws are right, and restrict to themselves: what lets all targets share coalitions."""

from __future__ import annotations

import math

import pytest
import torch

from glossator.attribution.coalitions import (
    Law,
    among_all,
    any_size,
    ask,
    draw,
    every,
    fair_coins,
    player_sets,
    probability,
    shapley_kernel,
)
from tests.attribution.games import generator, nested, random_game
from tests.oracles.attribution_oracles import restricted_law

LAWS = [fair_coins, any_size, shapley_kernel]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("players", "kept"), [(2, 2), (7, 3), (12, 2), (12, 11), (40, 9)])
def test_a_law_restricts_to_itself(law: Law, players: int, kept: int) -> None:
    sizes = law(players).tolist()
    met = [restricted_law(sizes, players, kept, size) for size in range(kept + 1)]
    own = [float(law(kept)[size]) / math.comb(kept, size) for size in range(kept + 1)]
    if law is shapley_kernel:  # up to the coalitions that say nothing
        met, own = met[1:-1], own[1:-1]
    ratio = torch.tensor(met) / torch.tensor(own)
    torch.testing.assert_close(ratio, ratio[:1].expand_as(ratio))
    if law is not shapley_kernel:
        torch.testing.assert_close(ratio, torch.ones_like(ratio))


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("players", [2, 5, 30, 3000])
def test_a_law_is_a_symmetric_probability(law: Law, players: int) -> None:
    sizes = law(players)
    torch.testing.assert_close(sizes.sum(), torch.ones((), dtype=torch.float64))
    torch.testing.assert_close(sizes, sizes.flip(0))
    if players < 10:
        assert float(probability(law, every(players)).sum()) == pytest.approx(1)


@pytest.mark.parametrize("law", LAWS)
def test_draws_follow_the_law(law: Law) -> None:
    keep = draw(law, 40_000, 4, generator())
    code = (keep * 2 ** torch.arange(4)).sum(1)
    seen = torch.bincount(code, minlength=16) / len(keep)
    torch.testing.assert_close(seen.double(), probability(law, every(4)), atol=0.01, rtol=0)


def test_the_shapley_kernel_is_the_published_one() -> None:
    players = 6
    keep = every(players)[1:-1]
    published = torch.tensor(
        [(players - 1) / (math.comb(players, k) * k * (players - k)) for k in keep.sum(1).tolist()],
        dtype=torch.float64,
    )
    torch.testing.assert_close(probability(shapley_kernel, keep), published / published.sum())


def test_every_coalition_once() -> None:
    assert len(every(5).unique(dim=0)) == 32
    assert every(0).shape == (1, 0)


def test_player_sets_leave_out_targets_without_players() -> None:
    game = random_game(0, [0, 2, 4, 2])
    found = [(targets.tolist(), players.tolist()) for targets, players in player_sets(game)]
    assert found == [([2], [0, 1, 2, 3]), ([1, 3], [0, 1])]


def test_coalitions_of_some_players_leave_the_others_out() -> None:
    keep = among_all(torch.tensor([[[True, False]]]), torch.tensor([3, 0]), 5)
    assert keep.tolist() == [[[False, False, False, True, False]]]


def test_asking_in_more_dimensions() -> None:
    game = random_game(1, [4, 3])
    keep = every(4).reshape(2, 4, 2, 4)
    torch.testing.assert_close(ask(game, keep).reshape(16, 2), game(every(4)))
    assert nested([1, 0], 2).tolist() == [[True, False], [False, False]]
