"""Sources of randomness: what may differ between one explanation of a text and the next."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from glossator.errors import InputError, UnknownName
from glossator.model import LanguageModel, Model, TextModel, load_model
from glossator.model.variants import in_precision, thinned, with_tokenizer
from glossator.registry import METHODS
from glossator.run.explain import Prompt
from glossator.text.segmentation import Resegmented


@dataclass(frozen=True)
class Setting:
    """What one explanation depends on, as far as a source may change it.

    Attributes:
        model, prompt: what is asked, and with which text.
        seed: of the method's draws. removal: None for the default.
        generation: seed of a continuation of its own; None: the same continuation in all runs.
        segmentation: seed of the tokens that the prompt is cut into; None: the tokenizer's own.
        thinning: seed of a dropout mask; None: nothing is dropped.
        dtype: precision; None: as loaded.
    """

    model: Model
    prompt: Prompt
    seed: int = 0
    removal: str | None = None
    generation: int | None = None
    segmentation: int | None = None
    thinning: int | None = None
    dtype: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A source of randomness.

    Attributes:
        field: of a `Setting` that its levels are values of.
        seeded: whether levels are seeds, so that a number of them will do.
        inner: whether runs that differ in it alone share a table of values, and cost little.
    """

    field: str
    seeded: bool = False
    inner: bool = False


SOURCES: dict[str, Source] = {
    "training": Source("model"),
    "sampling": Source("generation", seeded=True),
    "estimator": Source("seed", seeded=True, inner=True),
    "removal": Source("removal", inner=True),
    "tokenisation": Source("segmentation", seeded=True),
    "paraphrase": Source("prompt"),
    "dropout": Source("thinning", seeded=True),
    "precision": Source("dtype"),
}
"""What differs between their levels is in docs/stability.md."""

CONTINUE = ("causal", "encoder_decoder", "remote", "regenerated")
"""Kinds of model that continue a text."""

Levels = Sequence[Any] | int


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a source: what one field of a setting is.

    Attributes:
        label: for people.
        field, value: of the setting.
    """

    label: str
    field: str
    value: Any

    def of(self, setting: Setting) -> Setting:
        """The setting at this level."""
        return replace(setting, **{self.field: self.value})


def levels_of(sources: Mapping[str, Levels], seed: int = 0) -> dict[str, list[Level]]:
    """The levels of each source, checked.

    Args:
        sources: for each name its levels; for those with seeds a number of them will do.
        seed: the first of such a number.

    Raises:
        UnknownName: no such source.
        InputError: no source, one with less than two levels, or a number where levels are needed.
        ModelError: a model cannot be loaded.
    """
    if not sources:
        raise InputError(f"name a source of randomness: {', '.join(SOURCES)}")
    found = {}
    for name, levels in sources.items():
        if name not in SOURCES:
            raise UnknownName("source", name, SOURCES)
        source = SOURCES[name]
        if isinstance(levels, int):
            if not source.seeded:
                raise InputError(f"source '{name}' needs its levels, not how many: it has no seed")
            levels = range(seed, seed + levels)
        if isinstance(levels, str):
            levels = [levels]
        if len(levels) < 2:
            raise InputError(f"source '{name}' has {len(levels)} level(s): give at least 2")
        found[name] = [_level(source, level) for level in levels]
    return found


def _level(source: Source, value: Any) -> Level:
    if source.field == "model":
        if not isinstance(value, LanguageModel | TextModel):
            value = load_model(value)
        return Level(value.name, source.field, value)
    return Level(f"seed {value}" if source.seeded else str(value), source.field, value)


def check(sources: Mapping[str, Levels], method: str, setting: Setting) -> None:
    """Refuse sources that cannot vary anything for this model and method.

    Args:
        sources: as for `levels_of`. method: a registered one.
        setting: with the model that is asked.

    Raises:
        InputError: which, and what to do instead.
    """
    model = setting.model
    if "estimator" in sources and not METHODS.get(method).sampled:
        raise InputError(
            f"'{method}' draws nothing, so its seed changes nothing: leave the source estimator "
            "out, or take a sampled method (--method shapley)"
        )
    if "sampling" in sources and model.kind not in CONTINUE:
        raise InputError(f"{model.name} continues no text: leave the source sampling out")
    if "paraphrase" in sources and not isinstance(setting.prompt, str):
        raise InputError("paraphrases are of a text: give the prompt as one text")
    inside = [name for name in ("tokenisation", "dropout", "precision") if name in sources]
    if inside and not isinstance(model, LanguageModel):
        raise InputError(
            f"{model.name} is given text and shows no weights: leave the source {inside[0]} out"
        )


class Variants:
    """Models as settings want them; copies in another precision are made once."""

    def __init__(self) -> None:
        self._copies: dict[tuple[int, str], LanguageModel] = {}

    @contextlib.contextmanager
    def prepared(self, setting: Setting) -> Iterator[Model]:
        """The model of a setting, for a while; the one that was given is left as it was."""
        model = setting.model
        with contextlib.ExitStack() as stack:
            if isinstance(model, LanguageModel):
                if setting.dtype is not None:
                    model = self._copy(model, setting.dtype)
                if setting.segmentation is not None:
                    generator = np.random.default_rng(setting.segmentation)
                    text = _one_text(setting.prompt)
                    model = with_tokenizer(model, Resegmented(model.tokenizer, text, generator))
                if setting.thinning is not None:
                    stack.enter_context(thinned(model, setting.thinning))
            yield model

    def _copy(self, model: LanguageModel, dtype: str) -> LanguageModel:
        key = id(model), dtype
        if key not in self._copies:
            self._copies[key] = in_precision(model, dtype)
        return self._copies[key]


def _one_text(prompt: Prompt) -> str:
    if not isinstance(prompt, str):
        raise InputError("tokenisation varies for one text: give the prompt as one text")
    return prompt


def read_paraphrases(file: Path) -> list[str]:
    """Texts from a file, one on each line that is not blank.

    Raises:
        InputError: the file cannot be read or holds none.
    """
    try:
        texts = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the paraphrases from '{file}': {error}") from error
    if not texts:
        raise InputError(f"the file of paraphrases '{file}' is empty: give a text on each line")
    return texts
