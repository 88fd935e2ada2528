"""The case study at a tiny scale: its measures on known relevances, and from texts to the page."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from glossator.trust import higher_order, multivariate, stability
from glossator.types import Estimate

pytest.importorskip("sklearn")

from recipes.training_randomness import families, texts
from recipes.training_randomness.__main__ import main
from recipes.training_randomness.measures import Measured, measure
from recipes.training_randomness.relevances import _of_words
from recipes.training_randomness.report import holds


def relevances(signal: float, runs: int = 8, count: int = 30, seed: int = 0) -> list[np.ndarray]:
    """Texts whose words differ by a variance of exactly `signal`, under noise of variance 1."""
    rng = np.random.default_rng(seed)
    made = []
    for size in rng.integers(6, 30, count):
        words = rng.normal(size=size)
        words = (words - words.mean()) / words.std(ddof=1) * signal**0.5
        made.append(words + rng.normal(size=(runs, size)))
    return made


@pytest.mark.parametrize("signal", [0.1, 1.0, 4.0])
def test_the_ratio_is_found_whatever_the_unit(signal: float) -> None:
    made = relevances(signal)
    found = measure(made)
    assert found.snr.low < signal < found.snr.high
    assert found.signal.value + found.noise.value == pytest.approx(1, abs=0.15)
    units = np.exp(np.random.default_rng(1).normal(size=(8, 1)))
    again = measure([units * text for text in made])
    assert again.snr.value == pytest.approx(found.snr.value)


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    held = sum(
        (found := measure(relevances(0.5, count=12, seed=seed)).snr).low < 0.5 < found.high
        for seed in range(40)
    )
    assert held >= 34


def test_definitions_are_those_of_the_library() -> None:
    (text,) = relevances(1.0, count=1)
    text /= np.sqrt((text**2).mean(1, keepdims=True))
    groups = [range(at, min(at + 2, text.shape[1])) for at in range(0, text.shape[1], 2)]
    for definition, expected in (
        ("words", stability(text)),
        ("pairs of words", multivariate(text, groups).groups),
        ("spread", higher_order(text)),
    ):
        found = measure([text, text], definition)
        assert found.signal.value == pytest.approx(expected.signal.value)
        assert found.noise.value == pytest.approx(expected.noise.value)
        assert found.by_text == pytest.approx(dict.fromkeys((0, 1), expected.snr.value))


def test_texts_without_relevance_are_counted() -> None:
    made = relevances(1.0, count=5)
    made[2][3] = 0
    found = measure(made)
    assert found.dropped == 1 and sorted(found.by_text) == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("signal", "noise", "says"),
    [
        ((2.0, 3.0), (0.0, 1.0), "holds"),
        ((0.0, 0.5), (5.0, 6.0), "is reversed"),
        ((0.0, 3.0), (0.0, 1.0), "is not shown"),
    ],
)
def test_the_papers_order(signal, noise, says) -> None:
    def of(signal: tuple[float, float], noise: tuple[float, float]) -> Measured:
        ends = [Estimate(sum(each) / 2, *each) for each in (signal, noise)]
        return Measured(*ends, ends[0], {}, 0)

    assert holds(of(signal, noise), of((1.0, 1.5), (2.0, 4.0))) == says


def test_reviews_say_what_their_label_says() -> None:
    corpus = texts.reviews(60, 40, 6)
    assert not {text.text for text in corpus.train} & {text.text for text in corpus.test}
    for text in corpus.train:
        total = 0
        for sentence in text.text.removesuffix(".").split("."):
            *_, before, word = sentence.split()
            total += 1 if (word in sum(texts.GOOD, ())) == (before != "not") else -1
        assert total and (total > 0) == text.positive
    sizes = {
        length: [len(texts.words(text.text)) for text in group]
        for length, group in corpus.explained.items()
    }
    assert max(sizes["short"]) < min(sizes["long"])


def sst(file: Path, count: int) -> Path:
    """Sentences of the treebank's form, of which one in three is neutral."""
    lines = [
        {"tokens": [*(["very"] * (n % 5)), ("bad", "so", "good")[n % 3], "film", "."],
         "label": 2 * (n % 3)}
        for n in range(count)
    ]  # fmt: skip
    file.write_text("\n".join(json.dumps(line) for line in lines))
    return file


def test_sentences_are_written_as_usual(tmp_path: Path) -> None:
    corpus = texts.sst(sst(tmp_path / "a", 30), sst(tmp_path / "b", 30), 4)
    assert {text.text for text in corpus.train} >= {"bad film.", "very very good film."}
    assert len(corpus.train) == 20
    joined = texts._joined("It is n't ( so ) bad -LRB- no -RRB- !".split())
    assert joined == "It isn't (so) bad (no)!"


def test_relevances_are_those_of_the_log_odds(tmp_path: Path) -> None:
    corpus = texts.reviews(60, 20, 2)
    family = families.FAMILIES["features, seed"]
    family.train(corpus, 0, tmp_path / "0")
    model = family.load(tmp_path / "0")
    text = corpus.explained["long"][0]
    scores = _of_words(model, text, "linear", family.methods["linear"])
    decision = model.pipeline.decision_function([text.text])[0]
    assert sum(scores) == pytest.approx(decision - model.pipeline[-1].intercept_[0])


@pytest.mark.slow
def test_from_the_texts_to_the_page_and_again(tmp_path: Path, capsys) -> None:
    tree = [str(sst(tmp_path / name, 30)) for name in ("train.jsonl", "dev.jsonl")]
    page = tmp_path / "page.md"
    typed = "--runs 6 --texts 2 --train 40".split()
    typed += ["--sst", *tree, "--work", str(tmp_path / "work"), "--out", str(page)]
    assert main(typed) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2 * 3 * 6
    written = page.read_text()
    assert "nan" not in written and "The paper's order **" in written
    assert written.count("**In short**") == 2 and written.count(" of 4;") >= 4
    for name in ("reviews-families", "reviews-words", "sst-families", "sst-words"):
        assert f"(page-{name}.svg)" in written
        assert (tmp_path / f"page-{name}.svg").read_text().startswith("<?xml")
    # What is on disk is not made again; what is not, is.
    (tmp_path / "work" / "SST" / "transformer" / "003.json").unlink()
    assert main(typed) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("SST: transformer, run 4 of 6")
    with pytest.raises(SystemExit):
        main(["--runs", "2"])
