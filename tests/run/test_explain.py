"""`explain` end to end on the bundled model: shapes, sums, seeds, nulls, refusals."""

from __future__ import annotations

import json

import pytest
import torch

import glossator
from glossator import store
from glossator.errors import InputError, MemoryBoundError, UnknownName
from glossator.registry import METHODS
from glossator.run import inquire

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"
SHORT = "The door is not open. The door is"
ON_WEIGHTS = [name for name in METHODS if METHODS.get(name).needs not in ("features", "states")]


@pytest.fixture(scope="module")
def model():
    return glossator.load_model()


def test_scores_are_null_where_a_unit_comes_after_the_target(model):
    why = glossator.explain(PROMPT, model, max_new_tokens=6)
    for t, target in enumerate(why.targets):
        for u, unit in enumerate(why.units):
            acts = unit.player and unit.end <= target.start
            assert why.scores[t, u].isnan().item() != acts, (target.text, unit.text)


def test_offsets_point_into_prompt_and_continuation(model):
    why = glossator.explain(PROMPT, model, max_new_tokens=6)
    for span in (*why.units, *why.targets):
        if span.end > span.start:
            assert why.text[span.start : span.end] == span.text
    ids = [token for unit in why.units for token in unit.tokens]
    assert model.tokenizer(PROMPT)["input_ids"] == ids[: len(model.tokenizer(PROMPT)["input_ids"])]


@pytest.mark.parametrize("method", ["shapley", "exact_shapley", "kernel_shap"])
@pytest.mark.parametrize("readout", ["logprob", "probability"])
def test_shapley_rows_sum_to_full_minus_empty(model, method, readout):
    why = glossator.explain(
        SHORT, model, continuation=" closed.", method=method, readout=readout, removal="token:unk"
    )
    total = why.scores.nan_to_num(0.0).sum(1)
    assert torch.allclose(total, why.full - why.empty, rtol=0, atol=1e-4)


@pytest.mark.parametrize("removal", ["embedding:mean", "token:unk"])
def test_integrated_gradients_sum_to_one_percent_at_64_steps(model, removal):
    why = glossator.explain(
        PROMPT, model, max_new_tokens=6, method="integrated_gradients", removal=removal
    )
    gap = why.scores.nan_to_num(0.0).sum(1) - (why.full - why.empty)
    assert (gap.abs() <= 0.01 * (why.full - why.empty).abs().clamp_min(1.0)).all()
    noted = torch.tensor(why.provenance.notes["completeness_gap"])
    assert torch.allclose(noted.double(), gap, atol=1e-3)


@pytest.mark.parametrize("removal", ["embedding:mean", "token:unk"])
def test_sequential_integrated_gradients_are_leave_one_out(model, removal):
    method = "sequential_integrated_gradients"
    asked = {"max_new_tokens": 4, "removal": removal}
    found = glossator.explain(PROMPT, model, method=method, **asked)
    exact = glossator.explain(PROMPT, model, method="leave_one_out", **asked).scores
    assert torch.equal(found.scores.isnan(), exact.isnan())
    off = (found.scores - exact).abs().nan_to_num(0)
    assert off.max() <= 0.01 * exact.nan_to_num(0).abs().max()
    noted = torch.tensor(found.provenance.notes["unit_gap"])
    assert torch.allclose(noted.double(), off.amax(1), atol=1e-3)


@pytest.mark.parametrize("rule", ["left", "trapezoid"])
def test_discretized_integrated_gradients_say_what_they_miss(model, rule):
    why = glossator.explain(
        PROMPT,
        model,
        max_new_tokens=4,
        method="discretized_integrated_gradients",
        options={"rule": rule},
    )
    gap = why.scores.nan_to_num(0.0).sum(1) - (why.full - why.empty)
    noted = torch.tensor(why.provenance.notes["completeness_gap"])
    assert torch.allclose(noted.double(), gap, atol=1e-3)


def test_phrases_get_scores_and_shares(model):
    text = "Mia and Tom went to the park."
    spans = {"Mia and Tom": [0, 11], text: [0, 29]}
    why = glossator.explain(
        PROMPT,
        model,
        max_new_tokens=1,
        method="integrated_directional_gradients",
        options={"groups": list(spans.values())},
    )
    notes = why.provenance.notes
    names, sentence = notes["groups"]
    assert (names["span"], sentence["span"]) == ([0, 11], [0, 29])
    words = [i for i, unit in enumerate(why.units) if unit.player and unit.end <= 11]
    alone = float(why.scores[0, words].abs().sum()) / notes["total"][0]
    assert names["value"][0] == pytest.approx(alone + names["dividend"][0])
    assert 0 < names["dividend"][0] < names["value"][0] < sentence["value"][0] < 1
    stored = store.to_json(why)["provenance"]["notes"]["groups"][0]
    assert stored["value"] == pytest.approx(names["value"])
    with pytest.raises(InputError, match="cuts the unit at characters 8-11"):
        glossator.explain(
            PROMPT,
            model,
            max_new_tokens=1,
            method="integrated_directional_gradients",
            options={"groups": [[0, 9]]},
        )


def test_expected_gradients_add_up_to_the_rise_above_the_reference_texts(model):
    texts = ["Ben and Sue went to the shop. Sue gave a ball to", "The lamp is red."]
    found = [
        glossator.explain(
            PROMPT,
            model,
            max_new_tokens=1,
            method="expected_gradients",
            references=references,
            samples=64,
        )
        for references in (texts, ())
    ]
    for why in found:
        notes, row = why.provenance.notes, why.scores[0].nansum()
        gap = row - (why.full[0] - notes["reference_value"][0])
        assert gap == pytest.approx(notes["completeness_gap"][0], abs=1e-3)
        assert abs(gap) < 4 * notes["completeness_gap_stderr"][0]
    assert not torch.equal(found[0].scores.nan_to_num(0), found[1].scores.nan_to_num(0))


def readout_for(method):
    return "probability" if method == "reagent" else "logprob"


@pytest.mark.parametrize("method", [m for m in ON_WEIGHTS if m != "exact_shapley"])
def test_the_same_seed_gives_the_same_record_at_any_batch_size(model, method):
    records = []
    for batch_rows in (None, 1, 5):
        why = glossator.explain(
            SHORT,
            model,
            max_new_tokens=3,
            method=method,
            batch_rows=batch_rows,
            seed=3,
            readout=readout_for(method),
        )
        record = store.to_json(why)
        del record["cost"]
        records.append(json.dumps(record))
    assert records[0] == records[1] == records[2]


@pytest.mark.parametrize("method", ON_WEIGHTS)
def test_the_rows_announced_are_an_upper_bound_of_those_run(model, method):
    told = []
    why = glossator.explain(
        SHORT,
        model,
        max_new_tokens=1,
        method=method,
        readout=readout_for(method),
        trust=False,
        progress=lambda name, done, planned: told.append((name, done, planned)),
    )
    name, done, planned = told[0]
    assert (name, done) == (method, 0)
    # A word of several tokens, and the empty row's anchor, may need a row of their own.
    assert why.cost.forward_rows <= planned + 2
    assert told[-1][1] > 0


def test_another_seed_gives_other_draws(model):
    first, second = (
        glossator.explain(SHORT, model, max_new_tokens=1, method="shapley", samples=4, seed=seed)
        for seed in (0, 1)
    )
    assert not torch.equal(first.scores, second.scores)


def test_a_removal_with_draws_reports_their_spread(model):
    texts = ["The cup is full and the lamp is broken.", "Tom saw a red kite near the old barn."]
    why = glossator.explain(PROMPT, model, max_new_tokens=1, removal="resample:4", references=texts)
    assert why.stderr is not None and why.dof == 3
    players = ~why.scores.isnan()
    assert (why.stderr[players] >= 0).all() and (why.stderr[players] > 0).any()


def test_sampling_is_seeded_and_leaves_the_global_generator_alone(model):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    texts = [
        glossator.explain(PROMPT, model, max_new_tokens=5, sample=True, seed=7).continuation
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    assert torch.equal(before, torch.random.get_rng_state())


def test_sequence_targets_have_the_prompt_as_players(model):
    why = glossator.explain(PROMPT, model, max_new_tokens=4, target_units="sequence")
    assert len(why.targets) == 1
    acts = ~why.scores[0].isnan()
    assert all(acts[i].item() == (u.player and u.part == "prompt") for i, u in enumerate(why.units))


def test_contrast_is_the_difference_of_two_sequences(model):
    asked = {"method": "leave_one_out", "target_units": "sequence"}
    first = glossator.explain(PROMPT, model, continuation=" Mia", **asked)
    second = glossator.explain(PROMPT, model, continuation=" Tom", **asked)
    both = glossator.explain(PROMPT, model, continuation=" Mia", contrast=" Tom")
    units = len([u for u in first.units if u.part == "prompt"])
    expected = (first.scores - second.scores)[0, :units]
    assert torch.allclose(both.scores[0, :units], expected, atol=1e-5, equal_nan=True)
    assert torch.allclose(both.full, first.full - second.full, atol=1e-5)


def test_spans_given_by_the_user_are_the_players(model):
    spans = [(0, 3), (8, 11)]
    why = glossator.explain(PROMPT, model, max_new_tokens=1, units=spans)
    players = [unit for unit in why.units if unit.player and unit.part == "prompt"]
    assert [(u.start, u.end) for u in players] == spans


def test_compare_shares_one_generation_and_one_table(model):
    found = glossator.compare(
        SHORT, model, methods=["exact_shapley", "leave_one_out", "gradient"], max_new_tokens=1
    )
    exact, one_out, slope = found.explanations
    assert exact.continuation == one_out.continuation == slope.continuation
    assert one_out.cost.forward_rows == 0  # every coalition was in the table already
    table = found.rank_agreement
    assert torch.equal(table, table.T) and torch.equal(table.diagonal(), torch.ones(3).double())
    assert ((found.top_agreement >= 0) & (found.top_agreement <= 1)).all()


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"method": "shaply"}, UnknownName, "did you mean 'shapley'"),
        ({"readout": "logprobs"}, UnknownName, "did you mean 'logprob'"),
        ({"removal": "delet"}, UnknownName, "did you mean 'delete'"),
        ({"removal": "token"}, InputError, "write token:ID"),
        ({"removal": "delete:x"}, InputError, "write delete"),
        ({"removal": "token:99999"}, InputError, "outside the vocabulary"),
        ({"units": "word"}, UnknownName, "did you mean 'words'"),
        ({"target_units": "sequences"}, UnknownName, "did you mean 'sequence'"),
        ({"continuation": ""}, InputError, "continuation"),
        ({"max_new_tokens": 0}, InputError, "at least 1"),
        ({"max_new_tokens": 100_000}, InputError, "context"),
        ({"sample": True, "temperature": 0.0}, InputError, "above 0"),
        ({"batch_rows": 0}, InputError, "at least 1 row"),
        ({"max_memory": "lots"}, InputError, "memory size"),
        ({"max_memory": 1000}, MemoryBoundError, "too small for one row"),
        ({"samples": 8}, InputError, "takes no 'samples'"),
        ({"method": "shapley", "samples": 3}, InputError, "in pairs"),
        ({"classes": ["positive"]}, InputError, "takes no classes"),
        ({"method": "integrated_gradients", "removal": "delete"}, InputError, "baseline"),
    ],
)
def test_what_cannot_be_used_is_refused_with_what_to_type(model, asked, error, message):
    with pytest.raises(error, match=message):
        glossator.explain(PROMPT, model, **asked)


def test_an_empty_prompt_is_refused(model):
    with pytest.raises(InputError, match="prompt"):
        inquire("", model)
