"""Two families of classifiers: small transformers, and linear models on named features."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import joblib
import numpy as np
import torch
from recipes.training_randomness.texts import LABELS, Corpus, Text
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

from glossator import FeatureModel, load_model
from glossator.model import Model

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_EPOCHS, _ROWS, _RATE, _LONGEST = 4, 64, 1e-3, 128


class Family(NamedTuple):
    """Classifiers that differ in one source of randomness.

    Attributes:
        train: `(corpus, seed, file or folder to write)`.
        load: what was written, as a model to explain.
        methods: attribution methods, with the readout that gives log odds.
        differs: what the seed decides.
    """

    train: Callable[[Corpus, int, Path], None]
    load: Callable[[Path], Model]
    methods: dict[str, str]
    differs: str


def _words(texts: list[Text]) -> PreTrainedTokenizerFast:
    """A vocabulary of the words that occur twice."""
    made = Tokenizer(models.WordLevel(unk_token="[UNK]"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()  # no token of two words ("--")
    trainer = trainers.WordLevelTrainer(min_frequency=2, special_tokens=list(_SPECIAL))
    made.train_from_iterator((text.text for text in texts), trainer)
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token"), _SPECIAL, strict=True))
    return PreTrainedTokenizerFast(tokenizer_object=made, **names)


def _train_transformer(corpus: Corpus, seed: int, folder: Path) -> None:
    """From random weights: first weights, order of the texts and dropout depend on the seed."""
    tokenizer = _words(corpus.train)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        config = BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            max_position_embeddings=_LONGEST,
            hidden_dropout_prob=0.2,
            attention_probs_dropout_prob=0.1,
            id2label=dict(enumerate(LABELS)),
            label2id={label: index for index, label in enumerate(LABELS)},
        )
        model = BertForSequenceClassification(config).train()
        batches = list(_batches(corpus.train, tokenizer, seed))
        optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.01)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, len(batches))
        for rows in batches:
            optimizer.zero_grad()
            model(**rows).loss.backward()
            optimizer.step()
            schedule.step()
    model.eval().save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _batches(texts: list[Text], tokenizer: Any, seed: int) -> Iterator[dict[str, Any]]:
    """Every text once an epoch, in an order of the seed."""
    random = Random(f"order {seed}")
    for _ in range(_EPOCHS):
        order = random.sample(texts, len(texts))
        for at in range(0, len(order), _ROWS):
            rows = order[at : at + _ROWS]
            labels = torch.tensor([int(text.positive) for text in rows])
            yield {**_encoded(rows, tokenizer), "labels": labels}


def _encoded(texts: list[Text], tokenizer: Any) -> Any:
    return tokenizer(
        [text.text for text in texts],
        padding=True,
        truncation=True,
        max_length=_LONGEST,
        return_tensors="pt",
    )


def _features() -> CountVectorizer:
    """Named features: a word of the text, or a pair of neighbours, that occurs twice."""
    return CountVectorizer(ngram_range=(1, 2), min_df=2, binary=True, token_pattern=r"\b\w+\b")


def _train_on_bootstrap(corpus: Corpus, seed: int, file: Path) -> None:
    """Fitted to its optimum, on as many texts as there are, drawn with repetition."""
    drawn = np.random.default_rng(seed).integers(len(corpus.train), size=len(corpus.train))
    _fit(LogisticRegression(C=0.3, max_iter=1000), [corpus.train[i] for i in drawn], file)


def _train_by_descent(corpus: Corpus, seed: int, file: Path) -> None:
    """On the same texts, by stochastic gradient descent in an order of the seed."""
    classifier = SGDClassifier(loss="log_loss", alpha=1e-3, max_iter=20, tol=None)
    _fit(classifier.set_params(random_state=seed), corpus.train, file)


def _fit(classifier: Any, texts: list[Text], file: Path) -> None:
    pipeline: Pipeline = make_pipeline(_features(), classifier)
    pipeline.fit([text.text for text in texts], [LABELS[text.positive] for text in texts])
    joblib.dump(pipeline, file)


def _load_transformer(folder: Path) -> Model:
    return load_model(folder, device="cpu")


def _load_linear(file: Path) -> Model:
    return FeatureModel(joblib.load(file), file.stem)


_OF_TRANSFORMERS = {"lrp": "margin", "integrated_gradients": "margin", "leave_one_out": "margin"}
_OF_LINEAR = {"linear": "logit", "leave_one_out": "margin"}

FAMILIES = {
    "transformer": Family(
        _train_transformer,
        _load_transformer,
        _OF_TRANSFORMERS,
        "first weights, order of the texts, dropout",
    ),
    "features, bootstrap": Family(
        _train_on_bootstrap, _load_linear, _OF_LINEAR, "the texts it was fitted to"
    ),
    "features, seed": Family(_train_by_descent, _load_linear, _OF_LINEAR, "order of the texts"),
}
"""LRP, integrated gradients and `linear` are the same thing for a linear model."""


def accuracy(model: Model, texts: list[Text]) -> float:
    """Share of texts whose label the model says."""
    if isinstance(model, FeatureModel):
        said = [LABELS.index(s) for s in model.pipeline.predict([text.text for text in texts])]
    else:
        with torch.inference_mode():
            said = [
                label
                for at in range(0, len(texts), _ROWS)
                for label in model.hf(**_encoded(texts[at : at + _ROWS], model.tokenizer))
                .logits.argmax(1)
                .tolist()
            ]
    return float(np.mean([s == text.positive for s, text in zip(said, texts, strict=True)]))
