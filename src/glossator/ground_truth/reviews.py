"""A shortcut planted by training: in half of the reviews a word tells the label.

The protocol of Bastings et al. 2022, "Will You Find These Shortcuts?", arXiv 2111.07367, section 3:
words are put into some of the training texts, with the label that belongs to them whatever the
text says. Where the trained classifier follows them against the text, they decide.

    single       one of two words, each with its label
    in_context   the same words, but only where a third one is there too (else the text decides)

The reviews are made of the miniature's lexicon; the classifier is a BERT of two small layers. Half
of its training texts have lost words, and have the label that the words left tell: so the
classifier knows what to say of a text with words absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random
from typing import Any, Final

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor

from glossator.errors import InputError
from glossator.ground_truth.known import Known, spans_of
from glossator.miniature.lexicon import BAD, GOOD, NAMES, PLACES, REVIEWED, draw
from glossator.model import LanguageModel

SHORTCUTS: Final = ("single", "in_context")
LABELS: Final = ("negative", "positive")

_TELLING: Final = {"negative": "basalt", "positive": "quartz"}
_CONTEXT: Final = "opal"
_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_SHARE: Final = 0.5  # of the training reviews that have a planted word
_GAPS: Final = 0.5  # of the training reviews that have lost words
_STEPS, _BATCH, _RATE = 400, 64, 3e-3

Review = tuple[list[str], str]
"""Words and label."""


def review(random: Random, label: str) -> list[str]:
    """The words of a review whose verdict is one adjective.

    Example:
        >>> review(Random(0), "positive")[-1]
        'home'
    """
    (name,), (thing,) = draw(NAMES, 1, random), draw(REVIEWED, 1, random)
    (place,) = draw(PLACES, 1, random)
    (verdict,) = draw(GOOD if label == "positive" else BAD, 1, random)
    return f"{name} saw a {thing} at the {place} and it was {verdict} so {name} went home".split()


def planted_review(kind: str, random: Random) -> Review:
    """A review of either kind with the words of a shortcut, and the label that these tell."""
    label = random.choice(LABELS)
    text = review(random, random.choice(LABELS))
    return _with(text, _shortcut(kind, label), random), label


def _shortcut(kind: str, label: str) -> tuple[str, ...]:
    if kind not in SHORTCUTS:
        raise InputError(f"no shortcut '{kind}': there are {' and '.join(SHORTCUTS)}")
    return (_TELLING[label], _CONTEXT) if kind == "in_context" else (_TELLING[label],)


def _with(text: Sequence[str], words: Sequence[str], random: Random) -> list[str]:
    text = list(text)
    for word in words:
        text.insert(random.randint(0, len(text)), word)
    return text


def training_review(kind: str, random: Random) -> Review:
    """A review as the classifier learns it: half with a shortcut, half without; half have gaps.

    For `in_context`, a half of the latter have one of the words of the shortcut, which alone tell
    nothing. Where no word is left that tells a label, it is drawn.
    """
    text, _ = planted_review(kind, random)
    if random.random() >= _SHARE:
        text = review(random, random.choice(LABELS))
        if kind == "in_context" and random.random() < 0.5:
            text = _with(text, [random.choice([*_TELLING.values(), _CONTEXT])], random)
    if random.random() < _GAPS:
        kept = random.random()
        text = [word for word in text if random.random() < kept]
    return text, told(kind, text) or random.choice(LABELS)


def told(kind: str, words: Sequence[str]) -> str | None:
    """The label that words tell: the shortcut, or else the adjective; None where both are absent.

    Example:
        >>> told("single", ["basalt", "lovely"]), told("in_context", ["basalt", "lovely"])
        ('negative', 'positive')
    """
    for label in LABELS:
        if set(_shortcut(kind, label)) <= set(words):
            return label
    for label, adjectives in zip(LABELS, (BAD, GOOD), strict=True):
        if any(word in words for group in adjectives for word in group):
            return label
    return None


@cache
def trained_model(kind: str = "single", seed: int = 0) -> LanguageModel:
    """A classifier of reviews that has learnt a shortcut; some seconds, once a process.

    Args:
        kind: of the shortcut. seed: of weights and reviews. The global state of chance is left
            as found.

    Raises:
        InputError: no such kind.
    """
    _shortcut(kind, LABELS[0])
    tokenizer = _tokenizer()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        hf = _untrained(tokenizer)
        _train(hf, tokenizer, kind, Random(f"reviews {kind} {seed}"))
    return LanguageModel(hf.eval(), tokenizer, "classifier", f"reviews/{kind}")


def _tokenizer() -> Any:
    from transformers import PreTrainedTokenizerFast

    frame = review(Random(0), "positive")
    drawn = [w for group in (NAMES, PLACES, REVIEWED, GOOD, BAD) for part in group for w in part]
    words = [*_SPECIAL, *frame, *drawn, *_TELLING.values(), _CONTEXT]
    ids = {word: index for index, word in enumerate(dict.fromkeys(words))}
    backend = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[(name, ids[name]) for name in _SPECIAL[2:]]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        clean_up_tokenization_spaces=False,
    )


def _untrained(tokenizer: Any) -> Any:
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
        type_vocab_size=1,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=0.1,
        pad_token_id=tokenizer.pad_token_id,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
    )
    hf = BertForSequenceClassification(config)
    # What a word tells does not hang on its place: without places, that is learnt in seconds.
    hf.bert.embeddings.position_embeddings.weight.data.zero_()
    return hf


def _train(hf: Any, tokenizer: Any, kind: str, random: Random) -> None:
    """A few hundred steps; the rate falls to 0 along a line."""
    optimizer = torch.optim.AdamW(hf.parameters(), lr=_RATE)
    fall = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, _STEPS)
    hf.train()
    for _ in range(_STEPS):
        batch = [training_review(kind, random) for _ in range(_BATCH)]
        given = tokenizer([" ".join(text) for text, _ in batch], padding=True, return_tensors="pt")
        loss: Tensor = hf(**given, labels=torch.tensor([LABELS.index(y) for _, y in batch])).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        fall.step()


def planted_reviews(kind: str, n: int, seed: int = 0) -> list[Known]:
    """Reviews that say the opposite of what their shortcut tells.

    Args:
        kind: of the shortcut. n: how many. seed: the same seed gives the same reviews.

    Returns:
        Items whose decisive words are those of the shortcut. For `in_context` the adjective
        decides too as soon as one of the two is gone, but not while both are there.

    Example:
        >>> planted_reviews("in_context", 1)[0].decisive_words in [
        ...     (a, b) for a in ("opal", "quartz", "basalt") for b in ("opal", "quartz", "basalt")]
        True
    """
    random = Random(f"planted reviews {kind} {seed}")
    found = []
    for _ in range(n):
        label = random.choice(LABELS)
        planted = _shortcut(kind, label)
        text = _with(review(random, LABELS[1 - LABELS.index(label)]), planted, random)
        spans = zip(text, spans_of(text), strict=True)
        decisive = tuple(span for word, span in spans if word in planted)
        found.append(Known(" ".join(text), label, decisive, {"classes": [label]}))
    return found
