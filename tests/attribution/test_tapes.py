"""Gradient methods on functions whose gradients are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glossator.attribution import (
    gradient,
    input_x_gradient,
    integrated_gradients,
    smooth_grad,
)
from glossator.errors import InputError
from glossator.types import interval_factor
from tests.attribution.games import generator
from tests.attribution.tapes import FakeTape, random_tape
from tests.oracles import attribution_oracles as slow


def by_player(tape: FakeTape, per_token: torch.Tensor) -> torch.Tensor:
    """[targets tokens] -> [targets players], slowly."""
    scores = torch.full((tape.targets, tape.players), torch.nan, dtype=torch.float64)
    for t in range(tape.targets):
        for p in range(tape.players):
            if tape.before[t, p]:
                scores[t, p] = sum(per_token[t, n] for n in (tape.player_of == p).nonzero()[:, 0])
    return scores


def assert_same(found: torch.Tensor, expected: torch.Tensor, atol: float = 1e-9) -> None:
    torch.testing.assert_close(found, expected, atol=atol, rtol=0, equal_nan=True)


def slopes(tape: FakeTape) -> torch.Tensor:
    """[targets tokens width] by central differences."""
    found = torch.zeros(tape.targets, *tape.inputs.shape, dtype=torch.float64)
    for n in range(tape.inputs.shape[0]):
        for d in range(tape.inputs.shape[1]):
            step = torch.zeros_like(tape.inputs)
            step[n, d] = 1e-5
            ends = tape.function(torch.stack([tape.inputs + step, tape.inputs - step]))
            found[:, n, d] = (ends[0] - ends[1]) / 2e-5
    return found


def test_gradient_is_the_derivative_along_the_word() -> None:
    tape = random_tape(0)
    unit = tape.inputs / tape.inputs.norm(dim=1, keepdim=True)
    assert_same(gradient(tape).scores, by_player(tape, (slopes(tape) * unit).sum(2)), 1e-6)


def test_gradient_norm_has_no_sign() -> None:
    tape = random_tape(1)
    found = gradient(tape, reduce="norm").scores
    assert_same(found, by_player(tape, slopes(tape).norm(dim=2)), 1e-6)
    assert bool((gradient(tape).scores < 0).any()) and not bool((found < 0).any())


def test_a_word_without_embedding_has_no_direction() -> None:
    tape = random_tape(2)
    tape.inputs[1] = 0
    assert gradient(tape).scores[:, 0].tolist() == [0, 0, 0]


def test_input_x_gradient() -> None:
    tape = random_tape(3)
    expected = by_player(tape, (slopes(tape) * tape.inputs).sum(2))
    assert_same(input_x_gradient(tape).scores, expected, 1e-6)


def test_input_x_gradient_of_a_linear_function_is_the_effect_of_zeroing() -> None:
    tape = random_tape(4, "linear")
    scores = input_x_gradient(tape).scores
    for player in range(tape.players):
        without = torch.where((tape.player_of == player)[:, None], 0.0, tape.inputs)
        fall = (tape.function(tape.inputs[None]) - tape.function(without[None]))[0]
        torch.testing.assert_close(
            scores[tape.before[:, player], player], fall[tape.before[:, player]]
        )


@pytest.mark.parametrize("seed", [5, 6, 7])
def test_integrated_gradients_against_quadrature(seed: int) -> None:
    tape = random_tape(seed)
    found = integrated_gradients(tape, steps=64)
    expected = np.array([slow.integrated_gradients(tape, t) for t in range(tape.targets)])
    assert_same(found.scores, torch.tensor(expected), 1e-3)


@pytest.mark.parametrize("steps", [3, 4, 16, 17, 64])
def test_integrated_gradients_report_their_gap(steps: int) -> None:
    tape = random_tape(8)
    found = integrated_gradients(tape, steps=steps)
    assert tape.rows == found.notes["steps"] <= steps < tape.rows + 2
    effect = torch.stack(
        [
            tape.pull(torch.stack([tape.inputs, tape.absent]), lambda g: g.sum(-1))[0][:, t].diff()
            for t in range(tape.targets)
        ]
    )[:, 0]
    gap = found.scores.nansum(1) + effect
    torch.testing.assert_close(torch.tensor(found.notes["completeness_gap"]).double(), gap)
    if steps == 64:
        assert float(gap.abs().max()) < 0.01 * float(effect.abs().max())


def test_integrated_gradients_of_a_linear_function_are_exact() -> None:
    tape = random_tape(9, "linear")
    found = integrated_gradients(tape, steps=3)
    one_at_a_time = by_player(tape, (slopes(tape) * (tape.inputs - tape.absent)).sum(2))
    assert_same(found.scores, one_at_a_time, 1e-6)
    assert max(map(abs, found.notes["completeness_gap"])) < 1e-9


def test_bisection_goes_where_the_function_is_steep() -> None:
    """A step at 3% of the way, which even steps all but miss."""
    inputs = torch.ones(1, 1, dtype=torch.float64)
    before = torch.ones(1, 1, dtype=torch.bool)

    def step(points: torch.Tensor) -> torch.Tensor:
        return torch.tanh((points[:, :, 0] - 0.03) * 400)

    tape = FakeTape(
        step, inputs, torch.zeros_like(inputs), torch.zeros(1, dtype=torch.long), before
    )
    found = integrated_gradients(tape, steps=64)
    assert abs(found.notes["completeness_gap"][0]) < 0.01
    assert tape.most_rows <= 17
    middles = (torch.arange(64, dtype=torch.float64) + 0.5) / 64
    even = tape.pull(middles[:, None, None], lambda g: g.sum(-1))[1].mean(0)
    assert abs(float(even[0, 0]) - 2) > 0.1


def test_few_steps_do_where_a_norm_vanishes() -> None:
    """From zero, normalisation lifts a small embedding within the first thousandths."""
    inputs = torch.ones(1, 1, dtype=torch.float64)

    def normalised(points: torch.Tensor) -> torch.Tensor:
        return points[:, :, 0] / (points[:, :, 0] ** 2 + 1e-6).sqrt()

    only = torch.zeros(1, dtype=torch.long)
    before = torch.ones(1, 1, dtype=torch.bool)
    tape = FakeTape(normalised, inputs, torch.zeros_like(inputs), only, before)
    found = integrated_gradients(tape, steps=33)
    assert abs(found.notes["completeness_gap"][0]) < 0.01


def test_smooth_grad_is_a_mean_over_pairs() -> None:
    tape = random_tape(10)
    found = smooth_grad(tape, samples=20, sigma=0.1, generator=generator(1))
    unit = tape.inputs / tape.inputs.norm(dim=1, keepdim=True)
    spread = 0.1 * float(tape.inputs.max() - tape.inputs.min())
    draws, source = [], generator(1)
    for block in (8, 2):
        for noise in spread * torch.randn(block, 7, 4, generator=source).double():
            two = tape.pull(
                torch.stack([tape.inputs + noise, tape.inputs - noise]),
                lambda g: (g * unit).sum(-1),
            )[1]
            draws.append(two.mean(0))
    pairs = torch.stack(draws).masked_fill(~tape.before, torch.nan)
    assert_same(found.scores, pairs.mean(0))
    assert found.stderr is not None and found.dof == 9
    assert_same(found.stderr, pairs.std(0) / 10**0.5)
    assert found.notes["samples"] == 20 and tape.most_rows <= 16


def test_smooth_grad_of_a_linear_function_is_its_gradient() -> None:
    tape = random_tape(11, "linear")
    found = smooth_grad(tape, samples=4, generator=generator())
    assert_same(found.scores, gradient(tape).scores)
    assert found.stderr is not None and float(found.stderr.nan_to_num(0).max()) < 1e-12


def test_smooth_grad_intervals_cover_the_mean() -> None:
    tape = random_tape(12)
    truth = smooth_grad(tape, samples=6_000, generator=generator(99)).scores[tape.before]
    hits = total = 0
    for seed in range(100):
        found = smooth_grad(tape, samples=32, generator=generator(seed))
        assert found.stderr is not None
        reach = interval_factor(0.95, found.dof) * found.stderr[tape.before]
        hits += int(((found.scores[tape.before] - truth).abs() <= reach).sum())
        total += len(truth)
    assert total == 1000
    assert 0.92 <= hits / total <= 0.98


def test_smooth_grad_until_precise() -> None:
    tape = random_tape(13)
    found = smooth_grad(tape, samples=4, precision=0.05, max_samples=4096, generator=generator())
    assert found.notes["precision_reached"] and found.stderr is not None
    widest = float(found.stderr.nan_to_num(0).max()) * interval_factor(0.95, found.dof)
    assert found.notes["widest_half_width"] == pytest.approx(widest) and widest < 0.05


@pytest.mark.parametrize("name", ["gradient", "input_x_gradient", "integrated", "smooth"])
def test_a_target_without_players_has_no_scores(name: str) -> None:
    tape = random_tape(14, counts=(0, 2))
    solve = {
        "gradient": gradient,
        "input_x_gradient": input_x_gradient,
        "integrated": integrated_gradients,
        "smooth": smooth_grad,
    }[name]
    found = solve(tape, generator=generator())
    assert found.scores.dtype == torch.float64
    assert torch.equal(found.scores.isnan(), ~tape.before)
    if name == "integrated":
        assert found.notes["completeness_gap"][0] == 0


def test_bad_parameters() -> None:
    tape = random_tape(15)
    with pytest.raises(InputError, match="'signed' or 'norm'"):
        gradient(tape, reduce="abs")
    with pytest.raises(InputError, match="at least 3 steps, got 2"):
        integrated_gradients(tape, steps=2)
    with pytest.raises(InputError, match="type --samples 6"):
        smooth_grad(tape, samples=5, generator=generator())
    with pytest.raises(InputError, match="sigma"):
        smooth_grad(tape, sigma=-1.0, generator=generator())
