"""Infill of a masked model: each place drawn given both sides, in the order that is stated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from glossator import explain
from glossator.game import READOUTS, Absence, Budget, WholeEngine, absence
from glossator.game.infill import chances
from glossator.run import Inquiry, inquire
from tests.oracles.naive_kinds import absent_tokens, whole_logits
from tests.run.small_models import CONFIGS, small

SEED = 3
TEXT = "Max didn't like the <mask>."


def asked(family: str = "bert", text: str = TEXT, **given: Any) -> Inquiry:
    if "<mask>" in text:
        given = {"continuation": "frühstücken"} | given
    return inquire(text, small("masked", family), **given)


def engine(of: Inquiry, draw: int = 0, budget: Budget | None = None) -> WholeEngine:
    stand_in = absence("infill:4", of.model, of.question, seed=SEED)
    form, how = READOUTS.get("logprob"), budget or Budget()
    return WholeEngine(of.model, of.question, of.players, stand_in, form, how, draw)


def coalitions(players: int) -> torch.Tensor:
    keep = torch.rand(5, players, generator=torch.Generator().manual_seed(1)) < 0.5
    keep[0], keep[1] = True, False
    return keep


@torch.no_grad()
def naive_value(of: Inquiry, present: list[bool], draw: int) -> list[float]:
    """Log-probability of each target, absent tokens filled in one by one, from left to right."""
    question, model, values = of.question, of.model, []
    special = model.tokenizer.all_special_ids
    for t, target in enumerate(question.targets):
        acts = dict(zip(question.players, question.before[t].tolist(), strict=True))
        here = [p or not acts[u] for u, p in zip(of.players, present, strict=True)]
        gone, total = sorted(absent_tokens(question, of.players, here)), 0.0
        for branch in target.branches:
            for s, token in enumerate(branch.tokens):
                size = len(branch.tokens)
                written = dict(enumerate(branch.tokens[:s], target.place))
                written |= {target.place + i: question.mask for i in range(s, size)}
                written |= dict.fromkeys(gone, question.mask)
                for place in gone:
                    row, _ = whole_logits(model, question, Absence("own"), set(), written)
                    logits = row[place].double()
                    logits[special] = -torch.inf
                    noise = chances(SEED, draw, place, len(logits))
                    written[place] = int((logits + noise).argmax())
                row, _ = whole_logits(model, question, Absence("own"), set(), written)
                total += branch.sign * float(row[target.place + s].log_softmax(-1)[token])
        values.append(total)
    return values


@pytest.mark.parametrize("text", [TEXT, "Max didn't like rain."])
@pytest.mark.parametrize("family", CONFIGS["masked"])
def test_equals_filling_in_one_token_at_a_time(family: str, text: str) -> None:
    of = asked(family, text)
    keep = coalitions(len(of.players))
    for draw in (0, 1):
        expected = torch.tensor([naive_value(of, row, draw) for row in keep.tolist()])
        found = engine(of, draw).evaluate(keep)
        assert torch.allclose(found, expected.double(), rtol=0, atol=2e-5)


def test_words_of_a_pair_are_filled_in_with_the_segments_they_have() -> None:
    of = asked(pair="There was a dog.")
    assert of.question.segments is not None and set(of.question.segments) == {0, 1}
    keep = coalitions(len(of.players))
    expected = torch.tensor([naive_value(of, row, 0) for row in keep.tolist()])
    assert torch.allclose(engine(of).evaluate(keep), expected.double(), rtol=0, atol=2e-5)


def test_the_mean_over_draws_is_the_exact_marginal() -> None:
    """One absent token: its distribution given both sides, the asked word hidden."""
    of = asked(units="tokens", continuation=None)
    player, draws = 3, 200
    (place,) = range(*of.question.unit_tokens[of.players[player]])
    keep = torch.tensor([[p != player for p in range(len(of.players))]])
    drawn = torch.stack([engine(of, draw).evaluate(keep)[0] for draw in range(draws)])
    (target,) = of.question.targets
    ids = torch.tensor([of.question.ids])
    ids[0, place] = of.question.mask
    with torch.no_grad():
        logits = of.model.hf(input_ids=ids).logits[0, place].double()
        rows = ids.repeat(len(logits), 1)
        rows[:, place] = torch.arange(len(logits))
        said = of.model.hf(input_ids=rows).logits[:, target.place].double().log_softmax(-1)
    logits[of.model.tokenizer.all_special_ids] = -torch.inf
    exact = logits.softmax(-1) @ said[:, target.tokens[0]]
    error = drawn.std(dim=0) / draws**0.5
    assert float(error) > 0
    assert float((drawn.mean(0) - exact).abs()) < 4 * float(error)


def test_the_same_at_any_batch_size() -> None:
    of = asked(text="Max didn't like rain.")
    keep = coalitions(len(of.players))
    whole = engine(of).evaluate(keep)
    for rows in (1, 3):
        assert torch.equal(engine(of, budget=Budget(None, rows)).evaluate(keep), whole)


def test_what_is_drawn_is_no_special_token_and_differs_from_draw_to_draw() -> None:
    of = asked()
    fills = []
    for draw in range(20):
        found = engine(of, draw)
        present, version, _ = found._distinct(np.zeros((1, len(of.players)), dtype=bool))
        filled = found._filled(present, version)
        assert filled is not None
        kept = np.broadcast_to(found._ids[version], filled.shape)
        assert (filled[present] == kept[present]).all()
        fills.append(filled[~present])
    drawn = {int(token) for each in fills for token in each}
    assert len(drawn) > 20
    assert not drawn & set(of.model.tokenizer.all_special_ids)


def test_an_explanation_has_the_error_of_its_draws_and_announces_its_rows() -> None:
    announced: list[tuple[str, float, int]] = []
    why = explain(
        TEXT,
        small("masked", "roberta"),
        continuation="rain",
        removal="infill:4",
        trust=False,
        progress=lambda *told: announced.append(told),
    )
    playing = [unit.player for unit in why.units]
    assert why.stderr is not None
    assert why.provenance.removal == "infill:4" and why.dof == 3
    assert torch.isfinite(why.stderr[0][playing]).all() and (why.stderr[0][playing] > 0).all()
    assert why.cost.forward_rows <= announced[0][2]
