"""Games whose values are known, for as many coalitions at once as are asked."""

from __future__ import annotations

import torch
from torch import Tensor

from glossator.game import Game


def nested(counts: list[int], players: int) -> Tensor:
    """Target t has the first counts[t] players."""
    return torch.arange(players) < torch.tensor(counts)[:, None]


def table(seed: int, before: Tensor, rough: float = 1.0) -> Tensor:
    """[targets 2^players] values in which everything interacts, by the bits of own players."""
    generator = torch.Generator().manual_seed(seed)
    targets, players = before.shape
    weight = torch.randn(targets, players, generator=generator, dtype=torch.float64)
    noise = torch.randn(targets, 2**players, generator=generator, dtype=torch.float64)
    bits = (torch.arange(2**players)[:, None] >> torch.arange(players)) % 2
    return weight @ bits.T.double() + rough * noise


def from_table(values: Tensor, before: Tensor) -> Game:
    """Looks up, for each target, what its own players are worth."""
    power = 2 ** torch.arange(before.shape[1])
    rows = torch.arange(len(before))

    def evaluate(keep: Tensor) -> Tensor:
        own = keep[:, None] & before
        return values[rows, (own * power).sum(2)]

    return Game(evaluate, before)


def random_game(seed: int, counts: list[int], players: int | None = None) -> Game:
    before = nested(counts, max(counts) if players is None else players)
    return from_table(table(seed, before), before)


def smooth_game(seed: int, counts: list[int]) -> Game:
    """A small neural network of who is present: nonlinear, but no noise."""
    before = nested(counts, max(counts))
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    targets, players = before.shape
    into, bias, out = normal(targets, players, 12), normal(targets, 1, 12) / 2, normal(targets, 12)
    linear = normal(targets, players)

    def evaluate(keep: Tensor) -> Tensor:
        own = (keep & before[:, None]).double()
        hidden = torch.tanh(0.7 * own @ into + bias)
        return ((hidden * out[:, None]).sum(2) + (own * linear[:, None]).sum(2)).T.contiguous()

    return Game(evaluate, before)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
