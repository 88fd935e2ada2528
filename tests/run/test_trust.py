"""The trust of an explanation, from the prompt to the file, on models of every kind."""

from __future__ import annotations

import json
import math

import pytest
import torch

import glossator
from glossator import store
from glossator.cli import main
from glossator.errors import InputError
from glossator.evaluation.removal_curves import sizes_of
from glossator.game import Counts, absence
from glossator.model import LanguageModel
from glossator.registry import METHODS
from glossator.run import inquire
from glossator.run.believe import believed
from glossator.run.surprise import drawn, ood_rate, token_counts
from glossator.trust.budget import allowance
from tests.model import pipelines
from tests.run.small_models import CONFIGS, small

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"
ASKED = {"continuation": " Mia"}


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return glossator.load_model(device="cpu")


@pytest.fixture(scope="module")
def why(model: LanguageModel) -> glossator.Explanation:
    return glossator.explain(PROMPT, model, **ASKED)


def names(why: glossator.Explanation, target: int = 0) -> list[str]:
    return [why.units[unit].text for unit in why.trust.targets[target].decisive]


def test_the_word_that_decides_is_named(why):
    found = why.trust.targets[0]
    assert (found.verdict, found.reason) == ("explained", "decisive")
    assert "Mia" in names(why)
    scores = [float(why.scores[0, unit]) for unit in found.decisive]
    assert scores == sorted(scores, reverse=True) and scores[-1] > 0
    full, empty = why.full.exp().tolist()[0], why.empty.exp().tolist()[0]
    assert math.exp(found.without) <= (full + empty) / 2 < full


@pytest.mark.parametrize("method", ["leave_one_out", "input_x_gradient", "attention", "lime"])
def test_it_costs_a_quarter_of_a_shapley_run_at_most(model, method):
    for asked in ({"max_new_tokens": 1}, {"max_new_tokens": 12}):
        inquiry = inquire(PROMPT, model, **asked)
        bare = inquire(PROMPT, model, **asked).run(method)
        why = believed(inquiry, inquiry.run(method))
        # A word of several tokens may need a row of its own.
        assert why.trust.rows <= allowance(len(inquiry.players)) + 2 * len(why.targets)
        assert why.cost.forward_rows <= bare.cost.forward_rows + why.trust.rows
        assert torch.equal(why.scores.nan_to_num(), bare.scores.nan_to_num())


def test_after_shapley_the_random_orders_are_in_the_table(model):
    inquiry = inquire(PROMPT, model, **ASKED)
    why = believed(inquiry, inquiry.run("shapley"))
    players = len(inquiry.players)
    sizes = len(set(sizes_of(inquiry.before)[:, 0].tolist()))
    assert why.trust.orders == 32
    probes = 33
    assert why.trust.rows <= 2 * sizes + 5 + probes < 4 * (players - 1) + probes
    assert why.trust.targets[0].noise > 0
    assert why.trust.completeness_gap == pytest.approx(0, abs=1e-6)


def test_where_the_table_has_everything_only_the_surprise_costs_rows(model):
    short = "The door is not open. The door is"
    inquiry = inquire(short, model, continuation=" closed", players="prompt")
    why = believed(inquiry, inquiry.run("exact_shapley"))
    assert why.trust.rows <= 33


@pytest.mark.parametrize("method", ["leave_one_out", "shapley"])
def test_the_same_seed_gives_the_same_trust(model, method):
    one, again = (glossator.explain(PROMPT, model, method=method, **ASKED) for _ in range(2))
    batched = glossator.explain(PROMPT, model, method=method, batch_rows=3, **ASKED)
    assert store.to_json(one)["trust"] == store.to_json(again)["trust"]
    assert store.to_json(one)["trust"] == store.to_json(batched)["trust"]
    other = glossator.explain(PROMPT, model, method=method, seed=1, **ASKED)
    assert other.trust != one.trust


def test_it_is_stored_and_read(why, tmp_path):
    again = glossator.load(why.save(tmp_path / "why.json"))
    mine, theirs = (store.to_json(each)["trust"] for each in (again, why))
    assert mine == theirs
    text = (tmp_path / "why.json").read_text()
    assert "NaN" not in text and "Infinity" not in text


def test_whoever_does_not_want_it_pays_nothing(model):
    why = glossator.explain(PROMPT, model, trust=False, **ASKED)
    assert why.trust is None
    assert (
        why.cost.forward_rows
        == inquire(PROMPT, model, **ASKED).run("leave_one_out").cost.forward_rows
    )
    with pytest.raises(InputError, match="True, False or 'full'"):
        glossator.explain(PROMPT, model, trust="much", **ASKED)


def test_full_holds_the_scores_against_another_removal(model):
    why = glossator.explain(PROMPT, model, trust="full", **ASKED)
    assert why.trust.other_removal == "delete"
    assert -1 <= why.trust.removal_agreement <= 1
    assert (why.trust.orders, len(why.trust.shares)) == (32, 5)
    exact = glossator.explain(PROMPT, model, removal="delete", trust=False, **ASKED).scores[0]
    scores = why.scores[0]
    ranks = torch.stack([row[~row.isnan()].argsort().argsort() for row in (scores, exact)]).double()
    assert why.trust.removal_agreement == pytest.approx(float(torch.corrcoef(ranks)[0, 1]))


@pytest.mark.parametrize("kind", list(CONFIGS))
def test_every_kind_of_model_has_trust(kind):
    family = next(iter(CONFIGS[kind]))
    asked = {
        "encoder_decoder": {"continuation": "Der Hund Max."},
        "masked": {"prompt": "Max didn't like the <mask>.", "continuation": "rain"},
        "question_answering": {"prompt": "What did Max not like?", "pair": "Max didn't like rain."},
    }.get(kind, {})
    prompt = asked.pop("prompt", "Max didn't like the rain.")
    why = glossator.explain(prompt, small(kind, family), **asked)
    assert len(why.trust.targets) == len(why.targets)
    assert why.trust.ood_rate is None
    json.dumps(store.to_json(why), allow_nan=False)


def test_a_pipeline_has_trust():
    text = "The film was good, not dull: a good film with a great cast and a lot of charm!"
    why = glossator.explain(text, pipelines.model("counts"), method="shapley")
    first, second = why.trust.targets
    assert first.verdict == "explained" and {"not", "dull"} <= set(names(why))
    assert (second.reason, second.decisive) == ("spread", ())  # the text speaks against it


@pytest.mark.parametrize("removal", ["resample:2", "infill:4"])
def test_removals_that_draw_are_believed_on_average(model, removal):
    why = glossator.explain(PROMPT, model, removal=removal, **ASKED)
    assert why.trust.targets[0].verdict == "explained"
    assert why.trust.rows <= 2 * 2 * allowance(13) + 33


def test_surprise_is_that_of_the_remaining_words_by_hand(model):
    inquiry = inquire(PROMPT, model, **ASKED)
    stand_in = absence("token:unk", model, inquiry.question)
    keep = torch.rand(6, len(inquiry.players), generator=torch.Generator().manual_seed(0)) < 0.8
    rate = ood_rate(
        model, inquiry.question, inquiry.players, stand_in, inquiry.budget, keep, Counts()
    )
    ids = torch.tensor(inquiry.question.ids)
    unknown = model.tokenizer.unk_token_id

    def surprise(row: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            logs = model.hf(row[None]).logits[0].log_softmax(-1)
        return -logs[:-1].gather(1, ids[1:, None])[:, 0]

    far = 0
    for kept in keep:
        row, there = ids.clone(), torch.zeros(len(ids), dtype=torch.bool)
        for player, unit in enumerate(inquiry.players):
            first, stop = inquiry.question.unit_tokens[unit]
            there[first:stop] = kept[player]
            if not kept[player]:
                row[first:stop] = unknown
        at = there[1:]
        now, before = (float(surprise(each)[at].mean()) for each in (row, ids))
        far += now > 2 * max(before, 0.1)
    assert rate == pytest.approx(far / 6)
    assert 0 < far <= 6


def test_probes_are_inputs_that_the_method_used():
    used = torch.tensor([[True, True, True], [True, False, True], [False, False, False]])
    found = drawn(used, 9, torch.Generator().manual_seed(0))
    assert sorted(found.tolist()) == [[False] * 3, [True, False, True]]


def test_targets_know_how_long_they_are(model):
    inquiry = inquire(PROMPT, model, continuation=" Mia. She was happy.", target_units="sequence")
    counts = token_counts(model, inquiry.question)
    assert counts.tolist() == [len(target.tokens) for target in inquiry.question.targets]
    assert 1 <= int(token_counts(pipelines.model("counts"), inquiry.question)) < int(counts)


def test_the_command_line_prints_the_verdict(capsys, tmp_path):
    assert main(["explain", PROMPT, "--continuation", " Mia", "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "✓ “Mia” is explained by" in shown
    assert "Trust: 1 of 1 explained" in shown
    assert main(["explain", PROMPT, "--continuation", " Mia", "--quiet", "--no-trust"]) == 0
    assert "Trust:" not in capsys.readouterr().out
    assert main(["explain", PROMPT, "--trust", "much"]) == 2
    assert "write yes or full" in capsys.readouterr().err
    assert main(["explain", PROMPT, "--trust", "full", "--no-trust"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_methods_that_look_inside_or_draw_have_it_too(model):
    for method in ("alti_logit", "owen", "smooth_grad"):
        assert method in METHODS
        why = glossator.explain(PROMPT, model, method=method, **ASKED)
        assert why.trust.targets[0].comprehensiveness is not None
