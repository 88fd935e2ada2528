"""Every metric equals a slow, plain re-implementation, target by target."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glossator import evaluation
from glossator.attribution.coalitions import any_size, draw, fair_coins
from glossator.attribution.input_reduction import decision_limit
from glossator.evaluation.soft_erasure import importance
from glossator.game import Game
from tests.attribution.games import generator
from tests.evaluation.cases import case, each_target, restricted
from tests.oracles import metric_oracles as oracle

seeds = st.integers(0, 2**20)
shapes = st.lists(st.integers(0, 6), min_size=1, max_size=4)
few = settings(max_examples=20, deadline=None)
BINS = (0.01, 0.05, 0.1, 0.2, 0.5)

BY_VALUE: dict[str, tuple[Callable[..., Any], Callable[..., float]]] = {
    "comprehensiveness": (
        evaluation.comprehensiveness,
        partial(oracle.comprehensiveness, shares=BINS),
    ),
    "sufficiency": (evaluation.sufficiency, partial(oracle.sufficiency, shares=BINS)),
    "fid": (evaluation.fid, partial(oracle.sufficiency, shares=(0.2,))),
    "aopc": (evaluation.aopc, partial(oracle.aopc, most=None)),
    "aopc-3": (partial(evaluation.aopc, most=3), partial(oracle.aopc, most=3)),
    "dffot": (partial(evaluation.dffot, threshold=0.3), partial(oracle.dffot, limit=0.3)),
    "dfmit": (partial(evaluation.dfmit, threshold=0.3), partial(oracle.dfmit, limit=0.3)),
    "deletion": (evaluation.deletion, oracle.deletion),
    "insertion": (evaluation.insertion, oracle.insertion),
    "monotonicity": (evaluation.monotonicity, partial(oracle.monotonicity, graded=False)),
    "monotonicity-graded": (
        partial(evaluation.monotonicity, graded=True),
        partial(oracle.monotonicity, graded=True),
    ),
    "completeness": (evaluation.completeness, oracle.completeness),
    "polarity": (evaluation.polarity, partial(oracle.polarity, top=1)),
    "polarity-all": (
        partial(evaluation.polarity, top=None),
        partial(oracle.polarity, top=None),
    ),
}


@pytest.mark.parametrize("name", list(BY_VALUE))
@given(seed=seeds, counts=shapes, ties=st.booleans())
@few
def test_metrics_of_values(name: str, seed: int, counts: list[int], ties: bool) -> None:
    ours, theirs = BY_VALUE[name]
    game, scores = case(seed, counts, ties)
    found = ours(game, scores)
    for target, value, own in each_target(game, scores):
        assert oracle.same(float(found[target]), theirs(value, own)), (target, own)
    assert found[scores.isnan().all(1)].isnan().all()


@given(seed=seeds, counts=shapes)
@few
def test_log_odds_of_probabilities_and_of_log_probabilities(seed: int, counts: list[int]) -> None:
    game, scores = case(seed, counts, measure="probability")
    logs = Game(lambda keep: game(keep).log(), game.before, measure="nats")
    found, of_logs = evaluation.log_odds(game, scores), evaluation.log_odds(logs, scores)
    torch.testing.assert_close(found, of_logs, equal_nan=True)
    for target, value, own in each_target(game, scores):
        assert oracle.same(float(found[target]), oracle.log_odds(value, own, 0.2))


@given(seed=seeds, counts=shapes, normalize=st.booleans())
@few
def test_infidelity(seed: int, counts: list[int], normalize: bool) -> None:
    game, scores = case(seed, counts)
    keep = draw(fair_coins, 16, game.players, generator(seed))
    found = evaluation.infidelity(
        game, scores, samples=16, normalize=normalize, generator=generator(seed)
    )
    for target, value, own in each_target(game, scores):
        expected = oracle.infidelity(value, own, restricted(keep, own), normalize)
        assert oracle.same(float(found[target]), expected, 1e-8)


@given(seed=seeds, counts=shapes, ties=st.booleans())
@few
def test_soft_erasure(seed: int, counts: list[int], ties: bool) -> None:
    game, scores = case(seed, counts, ties)
    coin = torch.rand(8, game.players, dtype=torch.float64, generator=generator(seed))
    chance = importance(scores)
    drops = evaluation.soft_comprehensiveness(game, scores, draws=8, generator=generator(seed))
    keeps = evaluation.soft_sufficiency(game, scores, draws=8, generator=generator(seed))
    for target, value, own in each_target(game, scores):
        players = frozenset(own)
        left = restricted(coin < 1 - chance[target], own)
        assert oracle.same(float(drops[target]), oracle.soft_lost(value, players, left), 1e-8)
        kept = restricted(coin < chance[target], own)
        assert oracle.same(float(keeps[target]), 1 - oracle.soft_lost(value, players, kept), 1e-8)


def idle_and_alike(seed: int) -> tuple[Game, torch.Tensor]:
    """Player 0 does nothing; 1 and 2 can stand for each other; one target sees four players."""
    full, scores = case(seed, [6, 4])

    def evaluate(keep: torch.Tensor) -> torch.Tensor:
        count = keep[:, 1].double() + keep[:, 2].double()
        seen = keep.clone()
        seen[:, :3] = False
        return full(seen) * (1 + count[:, None]) + count[:, None] ** 2

    return Game(evaluate, full.before), scores


@given(seed=seeds)
@few
def test_dummy_and_symmetry(seed: int) -> None:
    game, scores = idle_and_alike(seed)
    idle = evaluation.dummy(game, scores, tolerance=1e-9, generator=generator(seed))
    alike = evaluation.symmetry(game, scores, tolerance=1e-9, generator=generator(seed))
    for target, value, own in each_target(game, scores):
        assert oracle.same(float(idle[target]), oracle.dummy(value, own, 1e-9))
        assert oracle.same(float(alike[target]), oracle.symmetry(value, own, 1e-9))


@given(seed=seeds, counts=shapes, marks=st.integers(0, 63), top=st.sampled_from([None, 1, 3]))
@few
def test_plausibility(seed: int, counts: list[int], marks: int, top: int | None) -> None:
    game, scores = case(seed, counts, ties=True)
    marked = {i for i in range(6) if marks >> i & 1}
    rationale = torch.tensor([i in marked for i in range(6)]).expand_as(scores)
    tokens = [
        metric(rationale, scores, top=top)
        for metric in (evaluation.token_precision, evaluation.token_recall, evaluation.token_f1)
    ]
    spans = evaluation.iou_f1(rationale, scores, top=top)
    precision = evaluation.shortcut_precision(rationale, scores)
    rank = evaluation.shortcut_rank(rationale, scores)
    for target, _, own in each_target(game, scores):
        expected = oracle.token_scores(marked, own, top)
        found = [float(values[target]) for values in tokens]
        assert all(map(oracle.same, found, expected)), (found, expected)
        assert oracle.same(float(spans[target]), oracle.iou_f1(marked, own, top, 0.5))
        assert oracle.same(float(precision[target]), oracle.shortcut_precision(marked, own))
        assert oracle.same(float(rank[target]), oracle.shortcut_rank(marked, own))


@given(seed=seeds, marks=st.integers(1, 63), ties=st.booleans())
@few
def test_auprc_is_that_of_scikit_learn(seed: int, marks: int, ties: bool) -> None:
    from sklearn.metrics import auc, precision_recall_curve

    _, scores = case(seed, [6], ties)
    rationale = torch.tensor([[bool(marks >> i & 1) for i in range(6)]])
    precision, recall, _ = precision_recall_curve(rationale[0].numpy(), scores[0].numpy())
    assert float(evaluation.auprc(rationale, scores)) == pytest.approx(auc(recall, precision))


@given(seed=seeds, counts=shapes)
@few
def test_max_sensitivity(seed: int, counts: list[int]) -> None:
    game, scores = case(seed, counts)
    again = torch.stack([case(seed + i, counts)[1] for i in (1, 2, 3)])
    found = evaluation.max_sensitivity(again, scores)
    for target, _, own in each_target(game, scores):
        others = [{i: float(draw[target, i]) for i in own} for draw in again]
        assert oracle.same(float(found[target]), oracle.relative_change(others, own))


@given(seed=seeds, counts=shapes)
@few
def test_necessity_and_sufficiency(seed: int, counts: list[int]) -> None:
    game, scores = case(seed, counts)
    limit = decision_limit(game, None)
    drawn = draw(any_size, 12, game.players, generator(seed))
    found = evaluation.necessity_and_sufficiency(game, samples=12, generator=generator(seed))
    for target, value, own in each_target(game, scores):
        sets, bound = restricted(drawn, own), float(limit[target])
        for i in own:
            needed, enough = (
                float(each.value[target, i]) for each in (found.necessity, found.sufficiency)
            )
            assert oracle.same(needed, oracle.necessity(value, i, sets, bound))
            assert oracle.same(enough, oracle.sufficiency_of(value, i, sets, bound))


@given(seed=seeds, counts=shapes, threshold=st.sampled_from([None, -1.0, 0.5]))
@few
def test_smallest_sets(seed: int, counts: list[int], threshold: float | None) -> None:
    game, scores = case(seed, counts)
    limit = decision_limit(game, threshold)
    enough = evaluation.smallest_sufficient(game, threshold=threshold)
    needed = evaluation.smallest_necessary(game, threshold=threshold)
    quick = evaluation.smallest_sufficient(game, threshold=threshold, exact_up_to=0)
    for target, value, own in each_target(game, scores):
        everyone, bound = frozenset(own), float(limit[target])
        least = fails = None
        if value(everyone) > bound:
            least = oracle.least_size(own, lambda s, v=value, b=bound: v(s) > b)
            fails = oracle.least_size(own, lambda s, v=value, b=bound, e=everyone: v(e - s) <= b)
        for found, size in ((enough[target], least), (needed[target], fails)):
            assert found.exact
            assert (None if found.players is None else len(found.players)) == size
        if quick[target].players is not None:
            kept = frozenset(quick[target].players)
            assert value(kept) > bound
            assert all(value(kept - {i}) <= bound for i in kept), "none can be left out"
