"""Feature-based models: every method that needs values, and exact relevances of words."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import glossator
import glossator.attribution  # registers the methods
from glossator.cli import main
from glossator.errors import GlossatorError, InputError, MissingExtra, ModelError
from glossator.model import FeatureModel, load_feature_model
from glossator.registry import METHODS
from tests.model import pipelines

TEXT = "The film was good, not dull: a good film!"
GAMES = [
    name
    for name in METHODS
    if METHODS.get(name).needs == "game"
    and METHODS.get(name).run.__module__.startswith("glossator")
]
VOCABULARY = "a good film and the great cast was not dull fun play of charm unknown".split()


@pytest.mark.parametrize("removal", ["delete", "text:film"])
@pytest.mark.parametrize("readout", ["logprob", "probability", "logit", "margin"])
def test_leave_one_out_is_the_pipelines_own_answer(readout: str, removal: str) -> None:
    model = pipelines.model("counts", classes=3)
    why = glossator.explain(TEXT, model, readout=readout, removal=removal)

    def values(text: str) -> np.ndarray:
        logs = model.pipeline.predict_log_proba([text])[0]
        if readout == "margin":
            return np.array([logs[i] - np.delete(logs, i).max() for i in range(3)])
        decisions = model.pipeline.decision_function([text])[0]
        return {"logprob": logs, "probability": np.exp(logs), "logit": decisions}[readout]

    full = values(TEXT)
    assert np.allclose(why.full, full)
    assert [target.text for target in why.targets] == ["down", "flat", "up"]
    for i, unit in enumerate(why.units):
        stand_in = "" if removal == "delete" else "film"
        start = unit.start - (TEXT[unit.start - 1 : unit.start] == " " and not stand_in)
        lost = TEXT[:start] + stand_in + TEXT[unit.end :]
        assert np.allclose(why.scores[:, i], full - values(lost))


@pytest.mark.parametrize("method", GAMES)
def test_every_method_that_needs_values(method: str) -> None:
    words = {} if method != "exact_shapley" else {"units": [(0, 17), (19, 27), (29, 41)]}
    why = glossator.explain(
        TEXT,
        pipelines.model("bayes" if method == "reagent" else "tfidf"),
        method=method,
        readout="probability" if method == "reagent" else "logit",
        classes=["up"],
        **words,
    )
    players = torch.tensor([unit.player for unit in why.units])
    assert torch.isfinite(why.scores[0, players]).all()
    assert why.provenance.removal == "delete"
    assert why.provenance.model["architecture"].startswith(("TfidfVectorizer", "CountVectorizer"))


def test_shapley_rows_sum_to_full_minus_empty() -> None:
    why = glossator.explain(TEXT, pipelines.model("bayes"), method="shapley", samples=8)
    assert torch.allclose(why.scores.sum(1), why.full - why.empty, atol=1e-9)


def slow_relevances(model: FeatureModel, text: str, column: int) -> dict[tuple[int, int], float]:
    """Relevance of each token of the text by its place: every feature, one occurrence at a time."""
    vectoriser, last = model.steps[0], model.steps[-1]
    pattern = re.compile(vectoriser.token_pattern)
    lower = text.lower() if vectoriser.lowercase else text
    stops = vectoriser.stop_words or []
    tokens = [found for found in pattern.finditer(lower) if found.group() not in stops]
    weights = np.atleast_2d(last.coef_)
    weight = weights[column] if len(weights) > 1 else weights[0] * (2 * column - 1)
    names = list(model.pipeline[:-1].get_feature_names_out())
    values = model.pipeline[:-1].transform([text]).toarray()[0]
    grams = [
        tokens[i : i + n]
        for n in range(vectoriser.ngram_range[0], vectoriser.ngram_range[1] + 1)
        for i in range(len(tokens) - n + 1)
    ]
    often = Counter(" ".join(token.group() for token in gram) for gram in grams)
    found: Counter[tuple[int, int]] = Counter()
    for gram in grams:
        name = " ".join(token.group() for token in gram)
        if name in names:
            index = names.index(name)
            for token in gram:
                found[token.span()] += weight[index] * values[index] / often[name] / len(gram)
    return dict(found)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", pipelines.LINEAR)
def test_linear_is_weight_times_value_shared_out(name: str, classes: int) -> None:
    model = pipelines.model(name, classes)
    why = glossator.explain(TEXT, model, method="linear", readout="logit")
    for column in range(classes):
        places = slow_relevances(model, TEXT, column)
        for i, unit in enumerate(why.units):
            inside = [v for (a, b), v in places.items() if a < unit.end and b > unit.start]
            assert float(why.scores[column, i]) == pytest.approx(sum(inside), abs=1e-12)


@settings(deadline=None, max_examples=40)
@given(
    words=st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=12),
    name=st.sampled_from(pipelines.LINEAR),
    classes=st.sampled_from([2, 3]),
)
def test_scores_add_up_to_the_decision_less_the_intercept(
    words: list[str], name: str, classes: int
) -> None:
    model = pipelines.model(name, classes)
    text = " ".join(words)
    why = glossator.explain(text, model, method="linear", readout="logit")
    intercepts = np.atleast_1d(model.steps[-1].intercept_)
    if classes == 2:
        intercepts = np.concatenate([-intercepts, intercepts])
    assert np.allclose(why.scores.sum(1), model.decisions([text])[0] - intercepts, atol=1e-9)
    assert np.allclose(why.provenance.notes["rest"], intercepts, atol=1e-9)


def test_linear_is_leave_one_out_where_each_word_is_a_feature_of_its_own() -> None:
    model = pipelines.model("counts")
    asked = {"readout": "logit", "classes": ["up"]}
    exact = glossator.explain(TEXT, model, method="leave_one_out", **asked)
    found = glossator.explain(TEXT, model, method="linear", trust=False, **asked)
    assert torch.allclose(found.scores, exact.scores, atol=1e-9)
    assert torch.allclose(found.full, exact.full) and torch.allclose(found.empty, exact.empty)
    assert found.cost.forward_rows == 2


def test_a_contrast_of_classes() -> None:
    model = pipelines.model("bigrams", classes=3)
    each = glossator.explain(TEXT, model, method="linear", readout="logit").scores
    both = glossator.explain(
        TEXT, model, method="linear", readout="logit", classes=["up"], contrast="down"
    )
    assert torch.allclose(both.scores[0], each[2] - each[0])


def test_accents_and_held_units() -> None:
    model = pipelines.model("tfidf")
    text = "A gréat film, not dull"
    why = glossator.explain(text, model, method="linear", readout="logit", units=[(2, 7)])
    notes = why.provenance.notes
    player = next(i for i, unit in enumerate(why.units) if unit.player)
    assert why.units[player].text == "gréat"
    assert float(why.scores[1, player]) == pytest.approx(notes["features"]["great"][1])
    assert notes["rest"][1] == pytest.approx(float(why.full[1] - why.scores[1, player]))


@pytest.mark.parametrize(
    ("name", "asked", "says"),
    [
        ("bayes", {"method": "linear", "readout": "logit"}, "CountVectorizer > MultinomialNB"),
        ("bayes", {"readout": "logit"}, "no decision function"),
        ("tfidf", {}, "--readout logit"),
        ("counts", {"method": "linear"}, "--readout logit"),
        ("counts", {"method": "gradient"}, "needs the weights"),
        ("counts", {"removal": "attention"}, "use --removal delete"),
        ("counts", {"units": "tokens"}, "not known"),
        ("counts", {"classes": ["upp"]}, "did you mean 'up'"),
    ],
)
def test_what_a_pipeline_does_not_show(name: str, asked: dict[str, Any], says: str) -> None:
    with pytest.raises(GlossatorError, match=says):
        glossator.explain(TEXT, pipelines.model(name), **asked)


def test_linear_is_for_feature_models() -> None:
    with pytest.raises(InputError, match="linear model on named features"):
        glossator.explain("Tom gave the kite to", method="linear", max_new_tokens=1)


def test_vectorisers_that_hide_their_words() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    for options, says in (
        ({"analyzer": "char"}, "analyzer is 'char'"),
        ({"tokenizer": lambda text: ["film"], "token_pattern": None}, "cannot tell|no word"),
        ({"preprocessor": lambda text: text[::-1] + "!"}, "moves characters|does not say"),
    ):
        pipeline = make_pipeline(CountVectorizer(**options), LogisticRegression())
        model = FeatureModel(pipeline.fit(pipelines.TEXTS, pipelines.TWO))
        with pytest.raises(ModelError, match=says):
            glossator.explain("good, dull", model, method="linear", readout="logit")


def test_what_is_no_model() -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    with pytest.raises(ModelError, match="neither predict_proba nor decision_function"):
        FeatureModel(CountVectorizer())
    with pytest.raises(ModelError, match="fit it"):
        FeatureModel(make_pipeline(CountVectorizer(), LogisticRegression()))


def test_a_pickle_is_loaded_only_where_it_is_allowed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import joblib

    file = tmp_path / "stars.joblib"
    joblib.dump(pipelines.model("counts").pipeline, file)
    asked = ["explain", TEXT, "--model", str(file), "--class", "up", "--quiet"]
    assert main(asked) == 2
    error = capsys.readouterr().err
    assert "runs any code that it holds" in error and error.count("\n") == 1
    assert main([*asked, "--allow-pickle", "--method", "linear", "--readout", "logit"]) == 0
    assert "good" in capsys.readouterr().out
    file.write_bytes(b"no pickle")
    with pytest.raises(ModelError, match="cannot load"):
        load_feature_model(file, allow_pickle=True)
    with pytest.raises(ModelError, match="there is no file"):
        load_feature_model(tmp_path / "nowhere.pkl", allow_pickle=True)


def test_skops_is_needed_for_its_files(tmp_path: Path) -> None:
    file = tmp_path / "stars.skops"
    file.write_bytes(b"")
    try:
        import skops.io
    except ImportError:
        with pytest.raises(MissingExtra, match=r"glossator\[sklearn\]"):
            load_feature_model(file)
        return
    skops.io.dump(pipelines.model("counts").pipeline, file)
    loaded = load_feature_model(file)
    here = pipelines.model("counts").log_probabilities([TEXT])
    assert np.allclose(loaded.log_probabilities([TEXT]), here)
