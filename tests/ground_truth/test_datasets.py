from __future__ import annotations

import json

import pytest

from glossator.errors import InputError, StoreError
from glossator.ground_truth import (
    in_classes_of,
    marked_questions,
    minimal_edits,
    sentiment_phrases,
    word_counts,
)

NOT_GOOD = {
    "tokens": ["It", "is", "not", "good", "."],
    "label": 1,
    "phrases": [[0, 1, 2], [2, 3, 2], [3, 4, 3], [2, 4, 1], [1, 4, 1], [0, 5, 1]],
}
NEUTRAL = {"tokens": ["A", "film"], "label": 2, "phrases": [[0, 1, 2], [1, 2, 2], [0, 2, 2]]}
LOVELY = {"tokens": ["lovely", "film"], "label": 4, "phrases": [[0, 1, 3], [1, 2, 2], [0, 2, 4]]}


@pytest.fixture
def written(tmp_path):
    def write(*records):
        path = tmp_path / "data.jsonl"
        path.write_text("\n".join(r if isinstance(r, str) else json.dumps(r) for r in records))
        return path

    return write


def test_the_smallest_phrases_of_the_sentences_sentiment_decide(written):
    items = sentiment_phrases(written(NOT_GOOD, NEUTRAL, LOVELY), 9)
    found = {item.prompt: (item.answer, item.decisive_words) for item in items}
    assert found == {
        "It is not good .": ("negative", ("not", "good")),
        "lovely film": ("positive", ("lovely",)),
    }


def test_a_sentence_of_which_every_word_decides_tells_nothing(written):
    whole = {"tokens": ["great"], "label": 4, "phrases": [[0, 1, 4]]}
    assert sentiment_phrases(written(whole), 9) == []


def test_words_that_were_changed_or_taken_out_decide(written):
    pair = [
        {"pair": 1, "text": "A really bad film.<br />See it not.", "label": "Negative"},
        {"pair": 1, "text": "A good film. See it", "label": "Positive"},
    ]
    items = minimal_edits(written(*pair), 9)
    found = {item.answer: (item.prompt, item.decisive_words) for item in items}
    assert found["negative"] == ("A really bad film. See it not.", ("really", "bad", "not."))
    assert found["positive"] == ("A good film. See it", ("good",))


def test_a_text_that_was_only_added_to_has_no_deciding_word(written):
    pair = [
        {"pair": 1, "text": "It was good", "label": "Positive"},
        {"pair": 1, "text": "It was not good", "label": "Negative"},
    ]
    (item,) = minimal_edits(written(*pair), 9)
    assert item.decisive_words == ("not",)


def test_marked_questions_go_on_with_the_choice(written):
    question = {
        "text": "Where is a potato kept?",
        "choices": ["market", "cellar"],
        "label": 1,
        "rationale_chars": [[11, 17]],
    }
    (item,) = marked_questions(written(question, question | {"rationale_chars": []}), 9)
    assert item.prompt.endswith(" The answer is") and item.answer == " cellar"
    assert item.decisive_words == ("potato",) and item.instead == (" market",)
    assert item.asked["continuation"] == " cellar"


def test_items_are_drawn_by_their_seed(written):
    lines = [LOVELY | {"tokens": [f"lovely{i}", "film"]} for i in range(30)]
    path = written(*lines)
    assert sentiment_phrases(path, 5, 1) == sentiment_phrases(path, 5, 1)
    assert sentiment_phrases(path, 5, 1) != sentiment_phrases(path, 5, 2)


def test_what_is_no_record_is_named_by_its_line(written, tmp_path):
    with pytest.raises(InputError, match=r"line 2 .* tokens, label, phrases"):
        sentiment_phrases(written(LOVELY, {"tokens": []}), 1)
    with pytest.raises(InputError, match="line 1"):
        marked_questions(written("{torn"), 1)
    with pytest.raises(InputError, match="has 1 texts"):
        minimal_edits(written({"pair": 1, "text": "a", "label": "Positive"}), 1)
    with pytest.raises(StoreError, match="--data"):
        minimal_edits(tmp_path / "nowhere.jsonl", 1)


def test_a_classifier_of_word_counts_has_the_labels_of_the_items(written):
    path = written(*[LOVELY, NOT_GOOD] * 4)
    model = word_counts(path)
    assert set(model.classes.values()) == {"positive", "negative"}
    item = sentiment_phrases(path, 1)[0]
    assert in_classes_of(model, item).answer == item.answer
    model.classes = {0: "NEGATIVE", 1: "POSITIVE"}
    assert in_classes_of(model, item).asked["classes"][0].isupper()
    model.classes = {0: "no", 1: "yes"}
    with pytest.raises(InputError, match="no, yes"):
        in_classes_of(model, item)
