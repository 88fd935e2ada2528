"""Pairs on the bundled model: predictions, effects, explanations side by side, coherency."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import glossator
from glossator import explain, pairs
from glossator.cli import main
from glossator.errors import InputError
from glossator.evaluation.coherency import coherency
from glossator.evaluation.likeness import likenesses
from glossator.miniature import generate
from glossator.text.perturb import Pair
from tests.run.small_models import small

DOOR = "The door is not open. The cup is still full. So the door is"
FEW = {"random_changes": 4, "permutations": 50}
AFFIRMED = DOOR.replace("not", "still")
DENIED = Pair(DOOR, AFFIRMED, "negation", (((12, 15), (12, 17)),), "changes")


@pytest.fixture(scope="module")
def model() -> glossator.LanguageModel:
    return glossator.load_model(device="cpu")


def twin(item, **more):
    edits = zip(item.edited, _spans_in_twin(item), strict=True)
    return Pair(item.prompt, item.twin, item.phenomenon, tuple(edits), **more)


def _spans_in_twin(item):
    """A twin has the same words but for those edited."""
    found, shift = [], 0
    for start, end in item.edited:
        begin = start + shift
        stop = begin
        while stop < len(item.twin) and item.twin[stop].isalpha():
            stop += 1
        found.append((begin, stop))
        shift += (stop - begin) - (end - start)
    return found


@pytest.mark.parametrize("phenomenon", ["negation", "agreement", "sentiment"])
def test_predictions_change_where_the_world_says_so(model, phenomenon):
    made = [
        twin(item, expectation="changes", expected=item.foil)
        for item in generate(phenomenon, 6, seed=1)
    ]
    found = pairs(model=model, perturb=made, **FEW)
    assert sum(result.as_expected is True for result in found.results) >= 5
    changed = [result for result in found.results if result.changed]
    assert all(result.effect < -0.5 for result in changed)
    assert {line.kind for line in found.coherency} == {phenomenon}
    # Alike words in both, and the part that was changed apart.
    for result in found.results:
        assert len(result.alignment.part) == len(result.pair.places)
        assert result.alignment.alone == ((), ())


def test_direct_is_the_held_prediction_and_through_is_the_models_own(model):
    (result,) = pairs(model=model, perturb=DENIED, **FEW).results
    original = explain(DOOR, model, max_new_tokens=1, target_units="sequence")
    said = original.continuation
    perturbed = result.pair.perturbed
    direct = explain(perturbed, model, continuation=said, target_units="sequence")
    through = explain(perturbed, model, max_new_tokens=1, target_units="sequence")
    assert result.original.said == said and result.direct.said == said
    assert result.through is not None and result.through.said == through.continuation
    for view, why in ((result.original, original), (result.direct, direct),
                      (result.through, through)):  # fmt: skip
        assert view.scores.tolist() == pytest.approx(why.scores[0, view.places].tolist(), abs=1e-5)
        assert view.value == pytest.approx(float(why.full[0]), abs=1e-5)
    assert result.effect == pytest.approx(float(direct.full[0] - original.full[0]), abs=1e-5)
    ours = result.original.scores[[i for i, _ in result.alignment.rest]]
    theirs = result.through.scores[[j for _, j in result.alignment.rest]]
    expected = likenesses(ours, theirs, generator=np.random.default_rng(0))
    for name, each in result.comparison["through"].rest.items():
        assert each is not None and expected[name] is not None
        assert each.value == pytest.approx(expected[name].value, abs=1e-9)


def test_the_same_seed_gives_the_same_study(model):
    asked = {"perturb": ["near:0.9", "move"], "limit": 3, "seed": 5, **FEW}
    one, two = (pairs(DOOR, model, **asked) for _ in range(2))
    assert [each.pair for each in one.results] == [each.pair for each in two.results]
    assert [each.comparison for each in one.results] == [each.comparison for each in two.results]
    assert [each.effect_size for each in one.results] == [each.effect_size for each in two.results]
    assert one.coherency == two.coherency and len(one.results) == 3


def test_an_effect_is_held_against_random_changes(model):
    (strong,) = pairs(model=model, perturb=DENIED, random_changes=30).results
    at = DOOR.index("still")
    places = (((at, at + 5), (at, at + 3)),)
    weak = Pair(DOOR, DOOR.replace("still", "now"), "own", places, "same")
    (weak_one,) = pairs(model=model, perturb=weak, random_changes=30).results
    assert strong.effect_size is not None and weak_one.effect_size is not None
    assert strong.effect_size.low > 0.5 > weak_one.effect_size.value
    assert weak_one.as_expected is True and strong.as_expected is True
    (none,) = pairs(model=model, perturb=DENIED, random_changes=0).results
    assert none.effect_size is None


def test_coherency_is_over_the_pairs_that_declare_something(model):
    items = generate("negation", 3, seed=2)
    made = [twin(item, expectation="changes") for item in items]
    made += [twin(items[0])]  # nothing declared
    found = pairs(model=model, perturb=made, **FEW)
    line = next(
        each for each in found.coherency if (each.effect, each.measure) == ("through", "cosine")
    )
    judged = [("changes", result.comparison["through"].aligned["cosine"])
              for result in found.results[:3]]  # fmt: skip
    assert line.coherency == coherency(judged)
    assert line.coherency is not None and line.coherency.pairs == 3


def test_a_given_continuation_is_held(model):
    found = pairs(model=model, perturb=DENIED, continuation=" closed", **FEW)
    (result,) = found.results
    assert result.through is None and result.changed is None and result.as_expected is None
    assert set(result.comparison) == {"direct"}
    assert {line.effect for line in found.coherency} == {"direct"}


def test_expectations_of_the_user_come_first(model):
    (result,) = pairs(model=model, perturb=DENIED, expect="changes: open", **FEW).results
    assert result.pair.expected == " open" and result.as_expected is True
    with pytest.raises(InputError, match="write same or changes"):
        pairs(DOOR, model, perturb="negation", expect="perhaps", **FEW)


def test_reformulation_is_aligned_without_places(model):
    asked = {"rewriter_template": "{text} Tom gave the kite to", **FEW}
    (result,) = pairs(DOOR, model, perturb="reformulate", **asked).results
    assert result.pair.places == () and result.pair.perturbed.endswith("So the door is")
    words = [result.original.units[i].text for i, _ in result.alignment.rest]
    assert words[-4:] == ["So", "the", "door", "is"]
    assert result.pair.record["rewriter"] == model.name


def test_a_classifier_predicts_a_class():
    model = small("classifier", "bert")
    made = Pair("Max didn't like the rain.", "Max did like the rain.", "negation",
                (((4, 10), (4, 7)),), "changes")  # fmt: skip
    (result,) = pairs(model=model, perturb=made, **FEW).results
    assert result.original.said in model.classes.values()
    why = explain(made.original, model)
    assert result.original.value == pytest.approx(float(why.full.max()), abs=1e-5)
    assert result.direct.explanation is result.through.explanation
    assert result.effect_size is not None
    (given,) = pairs(model=model, perturb=made, continuation="LABEL_1", **FEW).results
    assert given.original.target == 1 and given.through is None
    with pytest.raises(InputError, match="no class 'up'"):
        pairs(model=model, perturb=made, continuation="up", **FEW)


def test_a_pipeline_predicts_a_class_and_has_no_random_words():
    pipelines = pytest.importorskip("tests.model.pipelines")
    pipeline = pipelines.model("counts")
    (result,) = pairs("a good film", pipeline, perturb="replace:good=dull", expect="changes",
                      readout="logprob").results  # fmt: skip
    assert result.effect < 0 and result.effect_size is None
    assert result.comparison["direct"].part.before > result.comparison["direct"].part.after
    with pytest.raises(InputError, match="embeddings"):
        pairs("a good film", pipeline, perturb="near:0.5")


def test_an_encoder_decoder_answers():
    asked = {"perturb": "replace:rain=dog", "max_new_tokens": 2, **FEW}
    (result,) = pairs("Max didn't like the rain.", small("encoder_decoder", "t5"), **asked).results
    assert result.direct.value == pytest.approx(result.original.value + result.effect)
    with pytest.raises(InputError, match="nothing to say"):
        pairs("Max didn't like the rain.", small("encoder_decoder", "bart"), **asked)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"perturb": "negation", "limit": 0}, "limit is 0"),
        ({"perturb": "negation", "random_changes": -1}, "random_changes is -1"),
        ({"perturb": []}, "nothing to perturb"),
        ({"perturb": "negation", "contrast": " open"}, "no 'contrast' to choose"),
        ({"perturb": "negation", "layer": 99}, "there is no layer 99"),
    ],
)
def test_what_cannot_be_studied(model, asked, says):
    with pytest.raises(InputError, match=says):
        pairs(DOOR, model, **asked)
    if asked["perturb"] == []:
        with pytest.raises(InputError, match="needs a prompt"):
            pairs(model=model, perturb="negation")
        with pytest.raises(InputError, match="predictions of pairs"):
            pairs("Max ran.", small("masked", "bert"), perturb="replace:ran=sat")


def test_from_the_shell(capsys, tmp_path: Path):
    file = tmp_path / "pairs.jsonl"
    line = {"original": DOOR, "perturbed": AFFIRMED, "kind": "own",
            "expected": " open", "author": "E. K."}  # fmt: skip
    file.write_text(json.dumps(line) + "\n")
    quick = ["--random-changes", "3", "--quiet"]
    out = tmp_path / "found.json"
    asked = ["pairs", "--pairs-file", str(file), *quick]
    assert main([*asked, "--json", "--out", str(out)]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["schema"] == "glossator.pairs/1" and json.loads(out.read_text()) == record
    (pair,) = record["pairs"]
    assert pair["as_expected"] is True and pair["record"] == {"author": "E. K."}
    assert pair["comparison"]["direct"]["rest"]["spearman"]["words"] > 5
    units = pair["explanations"]["direct"]["explanation"]["units"]
    first, second = pair["alignment"]["rest"][0]
    assert units[second]["text"] == "The" and first == second
    assert main(["pairs", DOOR, "--perturb", "negation", "--perturb", "move", *quick]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "negation; prediction expected: changes (as expected)" in shown
    assert "move; prediction expected: same" in shown
    assert "Coherency of leave_one_out" in shown and "random changes of a word" in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([DOOR, "--pairs-file", "nowhere.jsonl"], "a prompt needs --perturb"),
        ([DOOR], "name a perturbation with --perturb"),
        ([], "name a perturbation with --perturb"),
        ([DOOR, "--perturb", "negatoin"], "did you mean 'negation'"),
        (["--perturb", "negation"], "got no prompt"),
        (["--pairs-file", "nowhere.jsonl"], "cannot read the pairs"),
        ([DOOR, "--perturb", "move", "--out", "x.html"], "ends in .json"),
    ],
)
def test_what_the_shell_refuses(capsys, words, says):
    assert main(["pairs", *words]) == 2
    assert says in capsys.readouterr().err
