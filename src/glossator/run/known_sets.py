"""Sets of texts whose decisive words are known, each with the model that answers them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from glossator.errors import InputError, UnknownName
from glossator.ground_truth import (
    SHORTCUTS,
    Known,
    in_classes_of,
    marked_questions,
    minimal_edits,
    model_of,
    planted_model,
    planted_reviews,
    planted_texts,
    programs,
    sentiment_phrases,
    texts,
    trained_model,
    word_counts,
    world_texts,
)
from glossator.miniature import phenomena
from glossator.miniature.accuracy import is_right
from glossator.model import FeatureModel, LanguageModel, Model, load_model
from glossator.run.explain import explain, inquire


@dataclass(frozen=True)
class KnownSet:
    """Texts that one model answers rightly.

    Attributes:
        suite, name: what it belongs to, and which it is.
        model: that is asked.
        items: those answered rightly, for where the answer is another one, other words decide.
        drawn: how many texts there were before the others were left out.
    """

    suite: str
    name: str
    model: Model
    items: tuple[Known, ...]
    drawn: int

    @cached_property
    def fingerprint(self) -> str:
        """A hash of what the model computes with: another training, another fingerprint."""
        if isinstance(self.model, FeatureModel):
            import joblib  # comes with scikit-learn

            return str(joblib.hash(self.model.pipeline))
        assert isinstance(self.model, LanguageModel)
        found = hashlib.sha256(self.model.tokenizer_description["sha256"].encode())
        for parameter in self.model.hf.parameters():
            found.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().data)
        return found.hexdigest()


@dataclass(frozen=True)
class Wanted:
    """What sets are made of.

    Attributes:
        model: that is asked about texts marked by people; None: one trained on word counts.
        items: texts of each set. seed: of the draw.
        data: the folder with the files of people's marks; None: there is none.
    """

    model: Model | None
    items: int
    seed: int
    data: Path | None


Parts = Iterable[tuple[str, Model, list[Known]]]


def known_sets(wanted: Wanted, suites: Sequence[str] | None = None) -> Iterator[KnownSet]:
    """The sets of some suites, one after the other.

    Args:
        wanted: how many texts, of which seed, from where.
        suites: names of suites; None: see `default_suites`.

    Raises:
        UnknownName: no such suite.
        InputError: a suite that needs data or a model which is not there, or of which the model
            answers nothing rightly.
    """
    names = suites if suites is not None else default_suites(wanted.data)
    for suite in names:
        if suite not in SUITES:
            raise UnknownName("suite", suite, SUITES)
    for suite in names:
        for name, model, drawn in SUITES[suite](wanted):
            right = tuple(item for item in drawn if answers(model, item))
            if not right:
                raise InputError(
                    f"{model.name} answers none of the {len(drawn)} texts of {suite}/{name} "
                    "rightly, so nothing is known of what decides: leave the suite out, or give "
                    "another model"
                )
            yield KnownSet(suite, name, model, right, len(drawn))


def default_suites(data: Path | None) -> tuple[str, ...]:
    """The suites that are run unless told: with a folder of data, those that need one.

    Not both at once: models of other kinds are asked by other methods, and of two methods that
    were not asked the same no one can say which is better.
    """
    return ("programs", "world", "planted", "reviews") if data is None else ("sst", "cad")


def answers(model: Model, item: Known) -> bool:
    """Whether the model gives the answer that the decisive words decide."""
    # As few rows as can be.
    whole: dict[str, Any] = {"units": [(0, len(item.prompt))], "trust": False}
    if "classes" in item.asked:
        asked = {key: value for key, value in item.asked.items() if key != "classes"}
        why = explain(item.prompt, model, **whole, **asked)
        best = max(range(len(why.targets)), key=lambda i: float(why.full[i]))
        return why.targets[best].text == item.answer
    if item.instead:
        values = [
            float(explain(item.prompt, model, **whole, **{**item.asked, "continuation": each}).full)
            for each in (item.answer, *item.instead)
        ]
        return values[0] > max(values[1:])
    assert isinstance(model, LanguageModel)
    tokens = len(model.tokenizer(item.answer, add_special_tokens=False).input_ids)
    said = inquire(item.prompt, model, max_new_tokens=tokens + 1).continuation
    return is_right(said, item.answer)


def _programs(wanted: Wanted) -> Parts:
    for name in programs():
        yield name, model_of(name), texts(name, wanted.items, wanted.seed)


def _world(wanted: Wanted) -> Parts:
    model = load_model()
    for name in phenomena():
        yield name, model, world_texts(name, wanted.items, wanted.seed)


def _planted(wanted: Wanted) -> Parts:
    yield "rare word", planted_model(), planted_texts(wanted.items, wanted.seed)


def _reviews(wanted: Wanted) -> Parts:
    for kind in SHORTCUTS:
        yield kind, trained_model(kind), planted_reviews(kind, wanted.items, wanted.seed)


def _sst(wanted: Wanted) -> Parts:
    file = _folder(wanted, "sst") / "sst5_trees_dev.jsonl"
    yield from _classified(wanted, "phrases", sentiment_phrases(file, wanted.items, wanted.seed))


def _cad(wanted: Wanted) -> Parts:
    file = _folder(wanted, "cad") / "cad_imdb_paired_dev.jsonl"
    yield from _classified(wanted, "edits", minimal_edits(file, wanted.items, wanted.seed))


def _classified(wanted: Wanted, name: str, items: list[Known]) -> Parts:
    train = _folder(wanted, name) / "sst5_trees_train.jsonl"
    model = word_counts(train) if wanted.model is None else wanted.model
    if model.kind not in ("classifier", "features"):
        raise InputError(
            f"{model.name} is a {model.kind} model, and people marked what decides a class: give "
            "a classifier, or leave the model out for one on word counts"
        )
    yield name, model, [in_classes_of(model, item) for item in items]


def _cose(wanted: Wanted) -> Parts:
    file = _folder(wanted, "cose") / "cose_v1.0_dev.jsonl"
    if wanted.model is None or wanted.model.kind != "causal":
        raise InputError(
            "the questions of cose are for a causal language model: give one (--model)"
        )
    yield "spans", wanted.model, marked_questions(file, wanted.items, wanted.seed)


def _folder(wanted: Wanted, suite: str) -> Path:
    if wanted.data is None:
        raise InputError(
            f"'{suite}' reads files that do not come with the package: give --data DIR"
        )
    return wanted.data


SUITES: dict[str, Callable[[Wanted], Parts]] = {
    "programs": _programs,
    "world": _world,
    "planted": _planted,
    "reviews": _reviews,
    "sst": _sst,
    "cad": _cad,
    "cose": _cose,
}
