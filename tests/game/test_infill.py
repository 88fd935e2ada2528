"""Infill draws from the model's own conditional, left to right, whatever the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glossator import explain
from glossator.errors import InputError
from glossator.game import READOUTS, Absence, Budget, Engine, absence
from glossator.game.infill import chances
from tests.game import zoo
from tests.oracles import naive_game


def engine(model, question, draw=0, budget=None):
    stand_in = absence("infill:4", model, question, seed=3)
    form = READOUTS.get("logprob")
    players = zoo.acting(question)
    return Engine(model, question, players, stand_in, form, budget or Budget(), draw=draw)


def coalitions(players: int) -> torch.Tensor:
    keep = torch.rand(6, players, generator=torch.Generator().manual_seed(1)) < 0.5
    keep[0], keep[1] = True, False
    return keep


def naively_filled(found: Engine, present: list[bool]) -> np.ndarray:
    """One token at a time, the whole row read anew each time."""
    ids = list(found.question.ids)
    for player, here in zip(found.players, present, strict=True):
        for token in range(*found.question.unit_tokens[player]):
            if here:
                continue
            before = torch.tensor([ids[:token] or [found.absence.anchor]])
            with found.model.inference():
                logits = found.model.logits(before, None, torch.ones_like(before))[0, -1].double()
            logits[found.model.tokenizer.all_special_ids] = -torch.inf
            ids[token] = int((logits + chances(3, found.draw, token, len(logits))).argmax())
    return np.array([ids])


@pytest.mark.parametrize("family", zoo.CONFIGS)
def test_equals_filling_in_one_token_at_a_time(family):
    model, question = zoo.causal(family), zoo.words_question()
    for draw in (0, 1):
        found = engine(model, question, draw)
        keep = coalitions(len(found.players))
        expected = [
            naive_game.value(
                model, question, found.players, Absence("own", naively_filled(found, row)), row
            )
            for row in keep.tolist()
        ]
        expected = torch.tensor(expected, dtype=torch.float64)
        assert torch.allclose(found.evaluate(keep), expected, rtol=0, atol=2e-5)


def test_a_text_without_a_fixed_token_starts_from_the_anchor():
    question = zoo.words_question(fixed=())
    found = engine(zoo.causal("llama"), question)
    nobody = [False] * len(found.players)
    filled = found._filled(np.array([nobody]))
    assert (filled == naively_filled(found, nobody)).all()


def test_the_mean_over_draws_is_the_exact_marginal():
    model, question = zoo.causal("llama"), zoo.words_question()
    players = zoo.acting(question)
    player = next(p for p in players if np.diff(question.unit_tokens[p]) == 1)
    place = question.unit_tokens[player][0]
    keep = torch.tensor([[p != player for p in players]])
    draws = 300
    drawn = torch.stack([engine(model, question, draw).evaluate(keep)[0] for draw in range(draws)])
    before = torch.tensor([question.ids[:place]])
    with model.inference():
        logits = model.logits(before, None, torch.ones_like(before))[0, -1].double()
    logits[model.tokenizer.all_special_ids] = -torch.inf
    chance = logits.softmax(-1)
    codes = np.tile(np.asarray(question.ids), (len(chance), 1))
    codes[:, place] = np.arange(len(chance))
    each = torch.cat(
        [
            Engine(
                model,
                question,
                players,
                Absence("all", codes),
                READOUTS.get("logprob"),
                Budget(),
                x,
            ).evaluate(keep)
            for x in range(len(chance))
        ]
    )
    exact = chance @ each
    error = drawn.std(dim=0) / draws**0.5
    acted = error > 0
    assert acted.any()
    assert ((drawn.mean(0) - exact).abs()[acted] < 4 * error[acted]).all()


def test_the_same_at_any_batch_size():
    model, question = zoo.causal("llama"), zoo.words_question()
    keep = coalitions(len(zoo.acting(question)))
    whole = engine(model, question).evaluate(keep)
    for rows in (1, 3):
        assert torch.equal(engine(model, question, budget=Budget(None, rows)).evaluate(keep), whole)


def test_equal_beginnings_are_read_once_and_what_follows_the_last_gap_is_not():
    model, question = zoo.causal("llama"), zoo.words_question()
    found = engine(model, question)
    keep = ~torch.eye(len(found.players), dtype=torch.bool)
    found._filled(keep.numpy())
    spans = [question.unit_tokens[player] for player in found.players]
    tokens = sum(stop - first for first, stop in spans)
    # The text itself once, and a few drawn beginnings of units of several tokens.
    last = question.unit_tokens[found.players[-1]][1] - 1
    assert last <= found.counts.token_positions <= last + tokens
    assert found.counts.forward_rows == len(found.players)


def test_drawn_words_are_no_special_tokens():
    model, question = zoo.causal("llama"), zoo.words_question()
    nobody = np.zeros((1, len(zoo.acting(question))), dtype=bool)
    found = [engine(model, question, draw) for draw in range(20)]
    gone = ~found[0]._builder.present(nobody)[0]
    drawn = {int(t) for each in found for t in each._filled(nobody)[0][gone]}
    assert len(drawn) > 5 and not drawn & set(model.tokenizer.all_special_ids)


def test_a_classifier_has_nothing_to_draw_from():
    with pytest.raises(InputError, match="is a classifier model: it has no distribution"):
        absence("infill", zoo.classifier("bert"), zoo.words_question())


def test_an_explanation_has_the_error_of_its_draws_and_announces_its_rows():
    announced = []
    why = explain(
        "Mia and Tom went to the park. Tom gave the kite to",
        continuation=" Mia",
        removal="infill:4",
        trust=False,
        progress=lambda *told: announced.append(told),
    )
    prompt = [unit.part == "prompt" and unit.player for unit in why.units]
    scores, errors = why.scores[0][prompt], why.stderr[0][prompt]
    assert why.provenance.removal == "infill:4" and why.dof == 3
    assert torch.isfinite(errors).all() and (errors > 0).any()
    assert why.units[int(why.scores[0].nan_to_num(-99).argmax())].text == "Mia"
    assert scores.max() > 1
    assert why.cost.forward_rows <= announced[0][2]
