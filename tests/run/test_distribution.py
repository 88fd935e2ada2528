"""The distribution of the next token, and of whole outputs, explained rather than one string."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import glossator
from glossator import explain, explain_distribution, explain_samples
from glossator.cli import main
from glossator.errors import InputError
from tests.run.small_models import small

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"
SHORT = "The cup is full. It is"


@pytest.fixture(scope="module")
def model() -> glossator.LanguageModel:
    return glossator.load_model(device="cpu")


@pytest.mark.parametrize("method", ["leave_one_out", "shapley", "exact_shapley", "banzhaf"])
def test_what_a_word_gives_it_takes_elsewhere(model, method):
    found = explain_distribution(SHORT, model, top=4, method=method)
    scores = found.probability.scores
    defined = scores.isfinite().all(0)
    assert defined.sum() == 7
    assert scores[:, defined].sum(0).abs().max() < 1e-7 < scores[:, defined].abs().max()
    assert found.probability.full.sum() == pytest.approx(1, abs=1e-7)
    assert found.probability.empty.sum() == pytest.approx(1, abs=1e-7)
    assert torch.allclose(found.logprob.full.exp(), found.probability.full)
    assert found.probability.cost.forward_rows == 0 < found.logprob.cost.forward_rows


def test_targets_are_the_likeliest_tokens_and_the_rest(model):
    found = explain_distribution(PROMPT, model, top=5)
    ids = torch.tensor([model.tokenizer(PROMPT)["input_ids"]])
    with torch.no_grad():
        p = model.hf(input_ids=ids).logits[0, -1].double().softmax(0)
    best = p.topk(5)
    targets = found.probability.targets
    assert [target.tokens for target in targets] == [(i,) for i in best.indices.tolist()] + [()]
    expected = [*best.values.tolist(), 1 - float(best.values.sum())]
    assert [target.value for target in targets] == pytest.approx(expected, abs=1e-6)
    assert targets[0].text == "Mia" and targets[-1].text == "any other"


@pytest.mark.parametrize("readout", ["logprob", "probability"])
def test_a_token_of_the_distribution_is_explained_as_if_it_had_been_said(model, readout):
    found = getattr(explain_distribution(PROMPT, model, top=2, method="shapley"), readout)
    for t, target in enumerate(found.targets[:2]):
        said = {"continuation": f" {target.text}", "target_units": "tokens"}
        alone = explain(PROMPT, model, method="shapley", readout=readout, **said)
        units = len(found.units)
        assert torch.allclose(found.scores[t], alone.scores[0, :units], atol=1e-5, equal_nan=True)


def test_the_rest_is_what_the_others_leave(model):
    """Leave-one-out of the rest, from the model's own softmax."""
    found = explain_distribution(SHORT, model, top=3, removal="token:unk").probability
    ids = [token for unit in found.units for token in unit.tokens]
    top = [target.tokens[0] for target in found.targets[:-1]]

    def rest(row):
        with torch.no_grad():
            p = model.hf(input_ids=torch.tensor([row])).logits[0, -1].double().softmax(0)
        return 1 - float(p[top].sum())

    begin = 0
    for u, unit in enumerate(found.units):
        stop = begin + len(unit.tokens)
        if unit.player:
            unk = [model.tokenizer.unk_token_id] * (stop - begin)
            without = rest(ids[:begin] + unk + ids[stop:])
            assert float(found.scores[-1, u]) == pytest.approx(rest(ids) - without, abs=1e-6)
        begin = stop


@pytest.mark.parametrize("family", ["t5", "bart", "m2m"])
def test_encoder_decoders_have_a_next_token_too(family):
    model = small("encoder_decoder", family)
    asked = {"language": "de"} if family == "m2m" else {}
    found = explain_distribution("Max didn't like the rain.", model, top=3, **asked)
    scores = found.probability.scores
    defined = scores.isfinite().all(0)
    assert defined.sum() > 4 and scores[:, defined].sum(0).abs().max() < 1e-6


def test_removals_that_draw_are_averaged_in_both_readouts(model):
    found = explain_distribution(SHORT, model, top=2, removal="resample:3")
    assert found.probability.stderr is not None and found.probability.cost.forward_rows == 0
    assert found.probability.scores.nansum(0).abs().max() < 1e-6


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"method": "gradient"}, "takes no table of values"),
        ({"top": 0}, "ask for 1 to"),
        ({"top": 10**6}, "ask for 1 to"),
        ({"language": "fr"}, "takes no language"),
    ],
)
def test_what_cannot_be_explained(model, asked, says):
    with pytest.raises(InputError, match=says):
        explain_distribution(SHORT, model, **asked)


def test_a_classifier_has_no_next_token():
    with pytest.raises(InputError, match="no distribution of a next token"):
        explain_distribution("Max ran.", small("classifier", "bert"))
    with pytest.raises(InputError, match="continues no text"):
        explain_samples("Max ran.", small("classifier", "bert"))


def test_pooled_samples_are_the_explanations_of_what_was_drawn(model):
    found = explain_samples(PROMPT, model, samples=6, max_new_tokens=3, temperature=2.0)
    drawn = {}
    for seed in range(6):
        why = explain(
            PROMPT, model, sample=True, temperature=2.0, seed=seed, max_new_tokens=3,
            target_units="sequence",
        )  # fmt: skip
        drawn.setdefault(why.continuation, []).append(why.scores[0, list(found.places)])
    assert [each.continuation for each in found.explanations] == list(drawn)
    assert found.counts == tuple(len(scores) for scores in drawn.values())
    assert 1 < found.pooled.distinct <= found.pooled.outputs == 6
    every = torch.stack([scores for each in drawn.values() for scores in each])
    assert torch.allclose(found.pooled.mean, every.mean(0))
    assert torch.allclose(found.pooled.between, every.var(0))
    assert [unit.text for unit in found.units][:3] == ["Mia", "and", "Tom"]
    assert all(unit.part == "prompt" for unit in found.units)
    tokens = explain_samples(
        PROMPT, model, samples=6, max_new_tokens=3, temperature=2.0, per="token"
    )
    long = [len(each.targets[0].tokens) for each in found.explanations]
    mean = sum(
        count * each.scores[0, list(found.places)] / size
        for count, each, size in zip(found.counts, found.explanations, long, strict=True)
    )
    assert torch.allclose(tokens.pooled.mean, mean / 6)


def test_a_sampled_method_has_variance_within_outputs(model):
    found = explain_samples(
        PROMPT, model, samples=3, max_new_tokens=2, method="shapley", options={"samples": 8}
    )
    assert (found.pooled.within > 0).any() and found.pooled.share_between is not None
    again = explain_samples(
        PROMPT, model, samples=3, max_new_tokens=2, method="shapley", options={"samples": 8}
    )
    assert torch.equal(found.pooled.between, again.pooled.between)


def test_without_temperature_there_is_one_output(model):
    found = explain_samples(PROMPT, model, samples=4, max_new_tokens=1, temperature=1e-4)
    assert found.counts == (4,) and found.pooled.distinct == 1
    assert found.pooled.between.abs().max() == 0
    decisive = [u.text for u, v in zip(found.units, found.pooled.verdict, strict=True)
                if v == "stable"]  # fmt: skip
    assert {"Mia", "Tom"} <= set(decisive)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"samples": 1}, "at least 2"),
        ({"per": "word"}, "'output' or 'token'"),
        ({"continuation": " Mia"}, "leave out 'continuation'"),
    ],
)
def test_what_cannot_be_pooled(model, asked, says):
    with pytest.raises(InputError, match=says):
        explain_samples(PROMPT, model, **asked)


def test_the_distribution_from_the_shell(capsys, tmp_path: Path):
    out = tmp_path / "why.json"
    asked = ["explain", PROMPT, "--distribution", "top:2", "--quiet"]
    assert main([*asked, "--json", "--out", str(out)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["schema"] == "glossator.distribution/1"
    assert [target["text"] for target in printed["probability"]["targets"]][-1] == "any other"
    assert json.loads(out.read_text()).keys() == printed.keys()
    assert glossator.store.from_json(printed["logprob"]).targets[0].text == "Mia"
    assert main(asked) == 0
    shown = capsys.readouterr().out
    assert "any other" in shown and "A row adds up to 0" in shown and "Mia" in shown


def test_samples_from_the_shell(capsys):
    asked = ["explain", PROMPT, "--distribution", "samples:3", "--max-new-tokens", "2", "--quiet"]
    assert main([*asked, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["schema"] == "glossator.samples/1" and sum(printed["counts"]) == 3
    assert printed["words"][0].keys() >= {"text", "mean", "between", "within", "verdict"}
    assert main([*asked, "--method", "shapley", "--samples", "4"]) == 0
    shown = capsys.readouterr().out
    assert "between outputs" in shown and "stable" in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--distribution", "best:3"], "write top:5, or samples:8"),
        (["--distribution", "top:3", "--continuation", " Mia"], "takes no --continuation"),
        (["--distribution", "top:3", "--class", "x"], "takes no --class"),
        (["--distribution", "samples:3", "--contrast", " Tom"], "takes no --contrast"),
        (["--distribution", "top:3", "--out", "why.html"], "ends in .json"),
    ],
)
def test_what_the_shell_refuses(capsys, words, says):
    assert main(["explain", PROMPT, *words]) == 2
    assert says in capsys.readouterr().err
