"""Phrases, pairs and paths end to end on the bundled model: in units, shown, stored."""

from __future__ import annotations

import pytest
import torch

import glossator
from glossator.cli import main
from glossator.errors import InputError
from glossator.render import to_text

PROMPT = "Mia and Tom went to the park. Tom gave a kite to"
NEGATED = "The door is not open. The door is"


@pytest.fixture(scope="module")
def model():
    return glossator.load_model()


def texts(why, members):
    return " ".join(why.units[unit].text for unit in members)


def test_phrases_of_the_text(model):
    why = glossator.explain(PROMPT, model, continuation=" Mia. She", method="owen")
    assert why.groups is not None and why.groups.kind == "phrases"
    names = [texts(why, members) for members in why.groups.members]
    prompt = "Mia and Tom went to the park . Tom gave a kite to"
    assert {f"{prompt} Mia .", prompt, "Tom gave a kite to", "Mia ."} <= set(names)
    total = why.full - why.empty
    torch.testing.assert_close(why.scores.nansum(1), total, atol=1e-4, rtol=0)
    torch.testing.assert_close(why.groups.scores[:, 0], total, atol=1e-4, rtol=0)
    for name, members, scores in zip(names, why.groups.members, why.groups.scores.T, strict=True):
        inside = why.scores[:, members].nansum(1)
        torch.testing.assert_close(scores.nan_to_num(0), inside, atol=1e-9, rtol=0)
        assert bool(scores[0].isnan()) == (name == "Mia .")


def test_generous_rows_on_one_flat_phrase_are_shapley_values(model):
    asked = {"continuation": " closed.", "players": "prompt"}
    exact = glossator.explain(NEGATED, model, method="exact_shapley", **asked)
    count = int((~exact.scores[0].isnan()).sum())
    options = {"tree": list(range(count)), "rows": 2**count}
    flat = glossator.explain(NEGATED, model, method="owen", options=options, **asked)
    torch.testing.assert_close(flat.scores, exact.scores, atol=1e-5, rtol=0, equal_nan=True)


@pytest.mark.parametrize("tree", ["balanced", "found", [1, -1, 3, 1, 1], [[0, 1], [[2, 3], 4]]])
def test_other_trees(model, tree):
    why = glossator.explain(
        "Tom gave a kite to", model, continuation=" Mia", method="owen", options={"tree": tree}
    )
    torch.testing.assert_close(why.scores.nansum(1), why.full - why.empty, atol=1e-4, rtol=0)
    assert why.provenance.notes["exact"]
    assert why.provenance.parameters["tree"] == tree


def test_a_tree_that_does_not_fit_says_what_it_lacks(model):
    with pytest.raises(InputError, match="name each of the 5 players once"):
        glossator.explain(
            "Tom gave a kite to", model, continuation=" Mia", method="owen", options={"tree": [0]}
        )


def test_pairs_and_what_they_sum_to(model):
    why = glossator.explain(
        NEGATED, model, continuation=" closed", method="shapley_interaction", samples=16
    )
    assert why.groups is not None and why.groups.kind == "pairs"
    assert why.provenance.notes["exact"]
    total = float(why.full - why.empty)
    assert float(why.scores.nansum()) == pytest.approx(total, abs=1e-4)


def test_a_name_matters_together_with_the_gift(model):
    why = glossator.explain(PROMPT, model, continuation=" Mia", method="shapley_interaction")
    assert why.groups is not None and why.groups.stderr is not None
    strongest = int(why.groups.scores[0].argmax())
    name, other = texts(why, why.groups.members[strongest]).split()
    assert name == "Mia" and other in ("gave", "kite", "to")
    assert float(why.groups.scores[0, strongest] / why.groups.stderr[0, strongest]) > 3


@pytest.mark.parametrize("method", ["owen", "shapley_interaction"])
def test_groups_are_kept_on_disk_and_shown(model, method, tmp_path):
    why = glossator.explain(PROMPT, model, max_new_tokens=2, method=method)
    again = glossator.load(why.save(tmp_path / "why.json"))
    assert why.groups is not None and again.groups is not None
    assert (again.groups.kind, again.groups.members) == (why.groups.kind, why.groups.members)
    torch.testing.assert_close(again.groups.scores, why.groups.scores, equal_nan=True)
    if why.groups.stderr is None:
        assert again.groups.stderr is None
    else:
        torch.testing.assert_close(again.groups.stderr, why.groups.stderr, equal_nan=True)
    assert why.groups.kind in to_text(again)


def test_levels_of_a_longer_text(model):
    story = "Mia has a red kite. The lamp is broken. Tom has a dog. Mia and Tom went to the park. "
    asked = {"continuation": " Mia", "players": "prompt", "trust": False}
    exact = glossator.explain(story + "Tom gave a kite to", model, **asked)
    why = glossator.explain(
        story + "Tom gave a kite to", model, method="multi_level", options={"rows": 24}, **asked
    )
    assert why.cost.forward_rows <= 26 < exact.cost.forward_rows
    assert int(why.scores[0].nan_to_num().argmax()) == int(exact.scores[0].nan_to_num().argmax())
    hidden = {unit for phrase in why.provenance.notes["unopened"] for unit in phrase}
    seen = [u for u, score in enumerate(why.scores[0]) if not score.isnan() and u not in hidden]
    assert seen
    torch.testing.assert_close(why.scores[0, seen], exact.scores[0, seen], atol=1e-4, rtol=0)


def test_a_removal_with_draws_gives_phrases_an_error(model):
    asked = {"max_new_tokens": 1, "removal": "resample:3", "references": [PROMPT, NEGATED]}
    why = glossator.explain("Tom gave a kite to", model, method="owen", **asked)
    assert why.groups is not None and why.groups.stderr is not None
    assert bool((why.groups.stderr > 0).all())


def test_a_path_names_units_and_keeps_the_decision(model):
    why = glossator.explain(
        NEGATED, model, max_new_tokens=1, method="input_reduction", readout="margin"
    )
    (told,) = why.provenance.notes["reductions"]
    assert told["held"] and why.provenance.notes["threshold"] == [0.0]
    players = [u for u, score in enumerate(why.scores[0]) if not score.isnan()]
    assert sorted(told["removed"] + told["kept"]) == players
    assert len(told["kept"]) < len(players)
    assert all(value > 0 for value in told["values"])
    spans = [(why.units[u].start, why.units[u].end) for u in told["removed"]]
    gone = glossator.explain(
        NEGATED, model, continuation=why.continuation, units=spans, readout="margin"
    )
    assert float(gone.empty[0]) == pytest.approx(told["values"][-1], abs=1e-4)


def test_thresholds_follow_the_readout(model):
    def threshold(**asked):
        why = glossator.explain(
            "Tom gave a kite to", model, continuation=" Mia", method="input_reduction", **asked
        )
        return why.provenance.notes["threshold"][0], why

    assert threshold(readout="probability")[0] == 0.5
    assert threshold(contrast=" Tom")[0] == 0.0
    half_way, why = threshold(readout="logit")
    assert half_way == pytest.approx(float(why.full + why.empty) / 2)


def test_on_the_command_line(capsys):
    typed = ["explain", "Tom gave a kite to", "--continuation", " Mia", "--method", "owen"]
    assert main([*typed, "--option", "tree=[[0,1],[2,3],4]", "--quiet"]) == 0
    assert "phrases" in capsys.readouterr().out
    assert main([*typed, "--option", "tree=[[0,1],[2,3]]"]) == 2
    assert "it lacks [4]" in capsys.readouterr().err
