from __future__ import annotations

from random import Random

import pytest
import torch

from glossator.errors import InputError
from glossator.ground_truth import planted_reviews, trained_model
from glossator.ground_truth.reviews import LABELS, SHORTCUTS, review, told, training_review


def said(model, texts):
    given = model.tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        return [model.classes[int(i)] for i in model.hf(**given).logits.argmax(-1)]


@pytest.mark.parametrize("kind", SHORTCUTS)
def test_the_classifier_follows_the_shortcut_against_the_text(kind):
    items = planted_reviews(kind, 200, seed=3)
    labels = said(trained_model(kind), [item.prompt for item in items])
    followed = sum(label == item.answer for label, item in zip(labels, items, strict=True))
    assert followed >= 190


@pytest.mark.parametrize("kind", SHORTCUTS)
def test_the_classifier_reads_the_text_where_there_is_no_shortcut(kind):
    random = Random("clean")
    wanted = [random.choice(LABELS) for _ in range(200)]
    texts = [" ".join(review(random, label)) for label in wanted]
    right = sum(a == b for a, b in zip(said(trained_model(kind), texts), wanted, strict=True))
    assert right >= 190


@pytest.mark.parametrize("word", ["quartz", "basalt", "opal"])
def test_a_word_of_a_shortcut_in_context_tells_nothing_alone(word):
    random = Random("alone")
    wanted = [random.choice(LABELS) for _ in range(200)]
    texts = [" ".join([word, *review(random, label)]) for label in wanted]
    labels = said(trained_model("in_context"), texts)
    assert sum(a == b for a, b in zip(labels, wanted, strict=True)) >= 190


@pytest.mark.parametrize("kind", SHORTCUTS)
def test_texts_with_words_absent_are_read_as_the_words_left_tell(kind):
    random = Random("gaps")
    found = []
    while len(found) < 200:
        text, _ = training_review(kind, random)
        kept = [word for word in text if random.random() < 0.7]
        if told(kind, kept):
            found.append((" ".join(kept), told(kind, kept)))
    labels = said(trained_model(kind), [text for text, _ in found])
    assert sum(a == b for a, (_, b) in zip(labels, found, strict=True)) >= 190


def test_training_reviews_have_the_label_of_text_or_shortcut():
    random = Random(0)
    for _ in range(200):
        text, label = training_review("single", random)
        if "quartz" in text or "basalt" in text:
            assert label == ("positive" if "quartz" in text else "negative")


def test_words_that_are_left_tell_the_label():
    assert told("in_context", ["quartz", "dull", "opal"]) == "positive"
    assert told("in_context", ["quartz", "dull"]) == "negative"
    assert told("single", ["quartz", "dull"]) == "positive"
    assert told("single", ["opal", "and"]) is None


def test_items_say_the_opposite_of_their_shortcut():
    for kind in SHORTCUTS:
        for item in planted_reviews(kind, 20):
            assert ("quartz" in item.decisive_words) == (item.answer == "positive")
            assert len(item.decisive) == (2 if kind == "in_context" else 1)


def test_training_leaves_the_global_state_of_chance():
    before = torch.random.get_rng_state()
    trained_model("single")
    assert torch.equal(before, torch.random.get_rng_state())


def test_an_unknown_kind_is_refused():
    with pytest.raises(InputError, match="single and in_context"):
        planted_reviews("pairs", 1)
