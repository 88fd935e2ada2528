"""captum measures the same infidelity and the same sensitivity on the same perturbations."""

from __future__ import annotations

import pytest

pytest.importorskip("captum")

import torch
from captum.metrics import infidelity as their_infidelity
from captum.metrics import sensitivity_max
from tests.attribution.games import generator
from torch import Tensor

from glossator.attribution.coalitions import draw, fair_coins
from glossator.evaluation import infidelity, max_sensitivity
from glossator.game import Game

pytestmark = pytest.mark.peers

WORDS, SAMPLES = 6, 40


def network(x: Tensor) -> Tensor:
    weights = torch.randn(WORDS, 8, generator=generator(1), dtype=torch.float64)
    return torch.tanh(x @ weights).sum(1)


def scores() -> Tensor:
    return torch.randn(1, WORDS, generator=generator(2), dtype=torch.float64)


@pytest.mark.parametrize("normalize", [False, True])
def test_infidelity(normalize: bool) -> None:
    game = Game(
        lambda keep: network(keep.double())[:, None], torch.ones(1, WORDS, dtype=torch.bool)
    )
    ours = infidelity(game, scores(), samples=SAMPLES, normalize=normalize, generator=generator(3))
    keep = draw(fair_coins, SAMPLES, WORDS, generator(3)).double()
    theirs = their_infidelity(
        network,
        lambda inputs: (inputs - keep, keep),
        torch.ones(1, WORDS, dtype=torch.float64),
        scores(),
        n_perturb_samples=SAMPLES,
        max_examples_per_batch=SAMPLES,
        normalize=normalize,
    )
    torch.testing.assert_close(ours, theirs)


def test_max_sensitivity() -> None:
    def explained(inputs: Tensor) -> Tensor:
        with torch.enable_grad():  # captum measures without
            inputs = inputs.detach().requires_grad_(True)
            (gradient,) = torch.autograd.grad(network(inputs).sum(), inputs)
        return gradient.detach()

    point = torch.ones(1, WORDS, dtype=torch.float64)
    noise = 0.05 * (2 * torch.rand(SAMPLES, WORDS, generator=generator(4)).double() - 1)
    ours = max_sensitivity(explained(point + noise)[:, None], explained(point))
    theirs = sensitivity_max(
        lambda inputs: (explained(*inputs),),  # captum expects a tuple for each tuple of inputs
        point,
        perturb_func=lambda inputs, radius: (inputs[0] + noise,),
        n_perturb_samples=SAMPLES,
        max_examples_per_batch=SAMPLES,
    )
    torch.testing.assert_close(ours, theirs)
