"""Methods that integrate gradients along paths, against slow ones and against closed forms."""

from __future__ import annotations

import pytest
import torch
from benchmarks.coverage import holds
from torch import Tensor

from glossator.attribution import (
    discretized_integrated_gradients,
    expected_gradients,
    integrated_directional_gradients,
    integrated_gradients,
    sequential_integrated_gradients,
)
from glossator.attribution.quadrature import integrate
from glossator.errors import InputError
from tests.attribution.games import generator
from tests.attribution.tapes import FakeTape, random_tape
from tests.oracles import path_oracles as slow

GROUPS = [[0, 18], [20, 48], [0, 48], [30, 38]]  # units {0, 1}, {2, 3, 4}, all, {3} alone
FAMILY = [frozenset(g) for g in ([0], [1], [2], [3], [4], [0, 1], [2, 3, 4], range(5))]
PLACE = [5, 6, 7, 3]  # of each of GROUPS in FAMILY


def assert_same(found: Tensor | list[float], expected: Tensor | list[float], atol=1e-9) -> None:
    one, other = (torch.as_tensor(each, dtype=torch.float64) for each in (found, expected))
    torch.testing.assert_close(one, other, atol=atol, rtol=0, equal_nan=True)


def test_integrals_of_several_lines() -> None:
    """x^k from 0 to 1 is 1 / (k + 1): the points go to the line that needs them."""
    power = torch.tensor([1.0, 40.0], dtype=torch.float64)
    asked: list[Tensor] = []

    def pull(line: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
        asked.append(line)
        k = power[line]
        return (at ** (k + 1) / (k + 1))[:, None], (at**k)[:, None, None]

    found = integrate(pull, lines=2, steps=33)
    assert_same(found.parts[:, 0, 0], [1 / 2, 1 / 41], 1e-5)
    assert_same(found.gap[:, 0], found.parts[:, 0, 0] - torch.tensor([1 / 2, 1 / 41]).double())
    lines = torch.cat(asked)
    assert len(lines) == found.points == 66
    assert int((lines == 1).sum()) > 40


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_sequential_against_quadrature(seed: int) -> None:
    tape = random_tape(seed)
    found = sequential_integrated_gradients(tape, steps=40)
    assert_same(found.scores, slow.sequential(tape), 1e-4)


@pytest.mark.parametrize("steps", [3, 5, 20])
def test_sequential_says_how_far_it_is_from_leaving_a_unit_out(steps: int) -> None:
    """Completeness holds for each unit by itself."""
    tape = random_tape(3)
    found = sequential_integrated_gradients(tape, steps=steps)
    assert tape.rows == found.notes["steps"] <= steps * tape.players
    empty = [slow.values(tape, slow.without(tape, player)) for player in range(tape.players)]
    fall = slow.values(tape, tape.inputs)[:, None] - torch.stack(empty, 1)
    gap = (found.scores - fall).abs().nan_to_num(0)
    assert_same(found.notes["unit_gap"], gap.amax(1))
    if steps == 20:
        assert float(gap.max()) < 1e-3


def test_sequential_rows_do_not_sum_to_the_whole_effect() -> None:
    """Where two words matter only together, each gets all of it."""
    inputs = torch.ones(2, 1, dtype=torch.float64)
    tape = FakeTape(
        lambda points: points[:, :, 0].prod(1, keepdim=True),
        inputs,
        torch.zeros_like(inputs),
        torch.tensor([0, 1]),
        torch.ones(1, 2, dtype=torch.bool),
    )
    assert_same(sequential_integrated_gradients(tape).scores, [[1.0, 1.0]])
    assert_same(integrated_gradients(tape).scores, [[0.5, 0.5]])


@pytest.mark.parametrize("rule", ["left", "trapezoid"])
@pytest.mark.parametrize("strategy", ["greedy", "maxcount"])
@pytest.mark.parametrize(("steps", "neighbours"), [(3, 1), (6, 4), (12, 50)])
def test_discretized_against_one_word_at_a_time(
    steps: int, neighbours: int, strategy: str, rule: str
) -> None:
    """12 steps with one word's own neighbours, and with all words until none is left."""
    tape = random_tape(4)
    options = {"steps": steps, "neighbours": neighbours, "strategy": strategy, "rule": rule}
    found = discretized_integrated_gradients(tape, **options)
    assert tape.rows == steps
    expected, points = slow.discretized(tape, **options)
    assert_same(found.scores, expected)
    gap = found.scores.nansum(1) - (slow.values(tape, points[-1]) - slow.values(tape, points[0]))
    assert_same(found.notes["completeness_gap"], gap)


@pytest.mark.parametrize("strategy", ["greedy", "maxcount"])
def test_discretized_paths_pass_by_the_baseline_and_end_there(strategy: str) -> None:
    """A word that is the baseline is no anchor; without neighbours the path is straight."""
    tape = random_tape(5)
    tape._absent = torch.where((tape.player_of < 0)[:, None], tape.inputs, tape.table[9])
    found = discretized_integrated_gradients(tape, strategy=strategy, neighbours=40, steps=40)
    expected, points = slow.discretized(tape, 40, 40, strategy, "trapezoid")
    assert_same(found.scores, expected)
    assert_same(points[0, 1:], tape.table[9].expand(6, 4))
    assert bool((points[1] == points[0]).all()), "26 other words are too few for 40 steps"


def test_directional_against_directional_derivatives() -> None:
    tape = random_tape(6)
    found = integrated_directional_gradients(tape, steps=64, groups=GROUPS)
    assert tape.rows <= 64
    groups = found.notes["groups"]
    assert [each["span"] for each in groups] == GROUPS
    scores, dividends, values = slow.directional(tape, 2, FAMILY)
    assert_same(found.scores[2], scores[:5], 1e-4)
    assert found.notes["total"][2] == pytest.approx(sum(map(abs, scores)), abs=1e-3)
    for each, place in zip(groups, PLACE, strict=True):
        assert each["score"][2] == pytest.approx(scores[place], abs=1e-4)
        assert each["dividend"][2] == pytest.approx(dividends[place], abs=1e-4)
        assert each["value"][2] == pytest.approx(values[place], abs=1e-4)
    # The second target has three players: the groups beyond them say nothing of it.
    scores, _, values = slow.directional(tape, 1, [f for f in FAMILY if f <= {0, 1, 2}])
    assert [each["score"][1] for each in groups][1:] == [None, None, None]
    assert groups[0]["value"][1] == pytest.approx(values[3], abs=1e-4)
    assert found.notes["total"][1] == pytest.approx(sum(map(abs, scores)), abs=1e-3)


def test_directional_gap_is_that_of_integrated_gradients() -> None:
    tape = random_tape(7)
    found = integrated_directional_gradients(tape, steps=9)
    plain = integrated_gradients(tape, steps=9)
    way = tape.inputs - tape.absent
    length = [way[tape.player_of == player].norm() for player in range(5)]
    assert_same(found.scores * torch.tensor(length), plain.scores)
    assert found.notes == plain.notes | {"groups": [], "total": found.notes["total"]}


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ([0, 14], r"cuts the unit at characters 10-18"),
        ([8, 10], "holds no unit"),
        ([1, 2, 3], r"a span of characters \[start, end\], got \[1, 2, 3\]"),
    ],
)
def test_directional_groups_are_made_of_units(group: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        integrated_directional_gradients(random_tape(8), groups=[group])


def test_expected_is_a_mean_over_pairs_of_places() -> None:
    tape = random_tape(9)
    found = expected_gradients(tape, samples=10, generator=generator(1))
    assert tape.rows == 31 and tape.most_rows <= 24
    scores, sums, source = [], [], generator(1)
    for block in (8, 2):
        starts = torch.randint(tape.vocabulary, (block, 1), generator=source)
        places = torch.rand(block, 1, 1, generator=source)
        for start, at in zip(starts[:, 0], places[:, 0, 0], strict=True):
            baseline = tape.table[(start + torch.arange(7)) % tape.vocabulary]
            baseline = torch.where((tape.player_of < 0)[:, None], tape.inputs, baseline)
            way = tape.inputs - baseline
            points = torch.stack([baseline + at * way, tape.inputs - at * way])
            scores.append(tape.pull(points, lambda g, way=way: (g * way).sum(-1))[1].mean(0))
            sums.append(slow.values(tape, baseline))
    drawn, reference = torch.stack(scores), torch.stack(sums)
    assert_same(found.scores, drawn.mean(0).masked_fill(~tape.before, torch.nan))
    assert found.stderr is not None and found.dof == 9
    assert_same(found.stderr, (drawn.std(0) / 10**0.5).masked_fill(~tape.before, torch.nan))
    gaps = drawn.sum(2) - (slow.values(tape, tape.inputs) - reference)
    for name, wanted in (
        ("completeness_gap", gaps.mean(0)),
        ("completeness_gap_stderr", gaps.std(0) / 10**0.5),
        ("reference_value", reference.mean(0)),
    ):
        assert_same(found.notes[name], wanted)


def test_expected_converges_to_the_mean_over_all_baselines() -> None:
    tape = random_tape(10, counts=(1, 3))
    found = expected_gradients(tape, samples=2000, generator=generator())
    exact = slow.expected(tape)
    assert found.stderr is not None
    off = ((found.scores - exact) / found.stderr)[tape.before]
    assert float(off.abs().max()) < 4
    assert float(found.stderr[tape.before].max()) < 0.1 * float(exact.nan_to_num(0).abs().max())
    gap = torch.tensor(found.notes["completeness_gap"])
    assert bool((gap.abs() < 4 * torch.tensor(found.notes["completeness_gap_stderr"])).all())


def test_expected_intervals_cover_the_exact_value() -> None:
    hits = scores = 0
    for seed in range(4):
        tape = random_tape(seed)
        found = (expected_gradients(tape, generator=generator(r)) for r in range(25))
        counted = holds(slow.expected(tape), found)
        hits, scores = hits + counted[0], scores + counted[1]
    assert scores == 4 * 25 * 10
    assert 0.92 <= hits / scores <= 0.98


def test_bad_parameters() -> None:
    tape = random_tape(11)
    with pytest.raises(InputError, match="strategy is one of greedy, maxcount"):
        discretized_integrated_gradients(tape, strategy="nearest")
    with pytest.raises(InputError, match="rule one of trapezoid, left"):
        discretized_integrated_gradients(tape, rule="right")
    with pytest.raises(InputError, match="at least 3 steps"):
        discretized_integrated_gradients(tape, steps=2)
    with pytest.raises(InputError, match="at least 3 steps, got 2"):
        sequential_integrated_gradients(tape, steps=2)
    with pytest.raises(InputError, match="at least 2 samples, got 1"):
        expected_gradients(tape, samples=1, generator=generator())
