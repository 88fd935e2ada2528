"""Explain one text again and again, under every level of every source of randomness."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

import glossator.attribution  # noqa: F401  registers the methods
from glossator.errors import InputError
from glossator.model import LanguageModel, Model, TextModel, load_model
from glossator.registry import METHODS
from glossator.run.explain import Prompt, inquire
from glossator.run.inquiry import DEFAULT_METHOD, Inquiry, Progress
from glossator.run.sources import (
    CONTINUE,
    SOURCES,
    Level,
    Levels,
    Setting,
    Variants,
    check,
    levels_of,
)
from glossator.trust import Stability, VarianceTable, stability, variance_table
from glossator.types import Explanation, Unit

Place = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Repetition:
    """Explanations of one text under every combination of levels.

    Attributes:
        sources: names. levels: names of the levels of each.
        words: units that act on some target, as the first run has them.
        targets: texts of what is explained.
        values: [levels of source 1, ..., levels of source k, targets, words] scores, in the
            readout's unit; NaN where a run has no such word, or the word cannot act.
        first: the first run, for the record: its model, method and readout.
        forward_rows: what all runs cost.
    """

    sources: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    words: tuple[Unit, ...]
    targets: tuple[str, ...]
    values: Float[np.ndarray, "... targets words"]
    first: Explanation
    forward_rows: int

    def relevances(self, target: int = 0) -> Float[np.ndarray, "runs words"]:
        """Scores of one target, a row for each combination of levels."""
        found: np.ndarray = self.values[..., target, :].reshape(-1, len(self.words))
        return found

    def stability(self, target: int = 0, **options: Any) -> Stability:
        """Signal and noise of one target; see `glossator.stability`.

        With several sources the runs of one level of one source are not independent of each
        other. The values are right as descriptions of these runs; for intervals about sources
        see `table`.
        """
        return stability(self.relevances(target), **options)

    def table(self, target: int = 0) -> VarianceTable:
        """Noise of one target by source."""
        return variance_table(self.values[..., target, :], self.sources)


def repeat(
    prompt: Prompt,
    model: Model | str | Path | None = None,
    *,
    sources: Mapping[str, Levels],
    method: str = DEFAULT_METHOD,
    removal: str | None = None,
    continuation: str | None = None,
    target_units: str = "sequence",
    temperature: float = 1.0,
    seed: int = 0,
    samples: int | None = None,
    precision: float | None = None,
    options: dict[str, Any] | None = None,
    progress: Progress | None = None,
    **asked: Any,
) -> Repetition:
    """Explain one text under every combination of levels of sources of randomness.

    Unless `sampling` is a source, the same continuation is scored in all runs: the one given, or
    the one that the first model generates. Words are matched by their place in the text, and in
    paraphrases by what they say.

    Args:
        prompt, model, removal, continuation, samples, precision, options: as for `explain`.
        sources: levels by name. "training": models; "removal", "precision": names;
            "paraphrase": texts that stand beside the prompt; "sampling", "estimator",
            "tokenisation", "dropout": seeds, or how many.
        method: the same in all runs.
        target_units: what is explained; the whole continuation unless asked otherwise. It is that
            where continuations are drawn anew, since their words have no counterparts.
        temperature: of drawn continuations.
        seed: of the method where that is no source; the first of counted seeds.
        progress: called as by `explain`, over all runs.
        asked: further arguments of `inquire`.

    Returns:
        Scores of words that the first run has.

    Raises:
        InputError: a source that varies nothing, or as for `explain`.

    Example:
        >>> found = repeat("Mia and Tom went to the park. Tom gave the kite to", max_new_tokens=1,
        ...                sources={"estimator": 4}, method="shapley", samples=4)
        >>> found.values.shape[:2], len(found.words) == found.values.shape[2]
        ((4, 1), True)
    """
    if "paraphrase" in sources:
        sources = {**sources, "paraphrase": _beside(prompt, sources["paraphrase"])}
    levels = levels_of(sources, seed)
    if "training" in levels:
        model = levels["training"][0].value
    if not isinstance(model, LanguageModel | TextModel):
        model = load_model(model)
    start = Setting(model, prompt, seed, removal)
    check(sources, method, start)
    if model.kind not in CONTINUE and target_units == "sequence":
        target_units = "words"  # of labels and masked words; classes have none
    first = start
    for each in levels.values():
        first = each[0].of(first)
    if "sampling" in sources:
        if continuation is not None:
            raise InputError("the source sampling draws continuations: give none")
        target_units = "sequence"
    elif continuation is None:
        whole = inquire(first.prompt, first.model, target_units=target_units, **asked)
        continuation = whole.continuation or None
    given = {"samples": samples, "precision": precision}
    chosen = {key: value for key, value in given.items() if value is not None} | (options or {})
    METHODS.get(method).complete(chosen)
    question = asked | {"continuation": continuation, "target_units": target_units}
    runs = _Runs(method, chosen, question, temperature, progress)
    return runs.collect(start, levels)


def _beside(prompt: Prompt, paraphrases: Levels) -> Levels:
    """The prompt and its paraphrases."""
    if isinstance(paraphrases, int):
        return paraphrases  # refused with what is needed
    return [prompt, *(text for text in paraphrases if text != prompt)]


@dataclass
class _Runs:
    """Runs of one method on one question, in settings that differ."""

    method: str
    options: dict[str, Any]
    question: dict[str, Any]
    temperature: float
    progress: Progress | None
    total: int = 0
    begun: int = 0

    def collect(self, start: Setting, levels: Mapping[str, list[Level]]) -> Repetition:
        """All combinations of levels, put side by side."""
        names = tuple(levels)
        sizes = tuple(len(levels[name]) for name in names)
        self.total = math.prod(sizes)
        found = dict(self._explain(start, levels))
        first = found[(0,) * len(names)]
        targets = [
            target
            for target in _targets(first)
            if all(target in _targets(each) for each in found.values())
        ]
        if not targets:
            raise InputError(
                "no target is the same in all runs: type --target-units sequence to explain the "
                "whole continuation"
            )
        columns = [u for u in range(len(first.units)) if first.scores[:, u].isfinite().any()]
        values = np.full((*sizes, len(targets), len(columns)), np.nan)
        for place, each in found.items():
            values[place] = _matched(first, each, targets)[:, columns]
        return Repetition(
            sources=names,
            levels=tuple(tuple(level.label for level in levels[name]) for name in names),
            words=tuple(first.units[u] for u in columns),
            targets=tuple(first.targets[_targets(first)[target]].text for target in targets),
            values=values,
            first=first,
            forward_rows=sum(each.cost.forward_rows for each in found.values()),
        )

    def _explain(
        self, start: Setting, levels: Mapping[str, list[Level]]
    ) -> Iterator[tuple[Place, Explanation]]:
        """Runs that share a question one after the other, so that they share its values."""
        names = list(levels)
        outer = [axis for axis, name in enumerate(names) if not SOURCES[name].inner]
        places = product(*(range(len(levels[name])) for name in names))
        variants = Variants()
        inquiry: Inquiry | None = None
        asked_at: list[int] = []
        for place in sorted(places, key=lambda place: [place[axis] for axis in outer]):
            setting = start
            for name, number in zip(names, place, strict=True):
                setting = levels[name][number].of(setting)
            with variants.prepared(setting) as model:
                here = [place[axis] for axis in outer]
                if inquiry is None or here != asked_at:
                    inquiry, asked_at = self._inquire(setting, model), here
                inquiry.seed = setting.seed
                yield place, inquiry.run(self.method, setting.removal, self.options)

    def _inquire(self, setting: Setting, model: Model) -> Inquiry:
        how: dict[str, Any] = {}
        if setting.generation is not None:
            how = {"sample": True, "temperature": self.temperature, "seed": setting.generation}
        report = None if self.progress is None else self._report
        return inquire(setting.prompt, model, progress=report, **self.question | how)

    def _report(self, method: str, done: float | int, planned: int) -> None:
        """Rows of this run as rows of all."""
        assert self.progress is not None
        self.begun += done == 0
        if done or self.begun == 1:
            rows = (self.begun - 1) * planned + done
            self.progress(f"{self.total} runs of {method}", rows, planned * self.total)


def _targets(explanation: Explanation) -> dict[tuple[str, int, int], int]:
    """Targets by what they say and where, counted from the end of the prompt; one by itself."""
    after = len(explanation.prompt) if explanation.continuation else 0
    if len(explanation.targets) == 1:
        return {("", 0, 0): 0}
    return {
        (target.text, target.start - after, target.end - after): number
        for number, target in enumerate(explanation.targets)
    }


def _matched(
    first: Explanation, other: Explanation, targets: Sequence[tuple[str, int, int]]
) -> Float[np.ndarray, "targets units"]:
    """Scores of another run under the units of the first."""
    rows = [_targets(other)[target] for target in targets]
    scores = other.scores[rows].numpy()
    found = np.full((len(targets), len(first.units)), np.nan)
    for unit, counterpart in _counterparts(first, other):
        found[:, unit] = scores[:, counterpart]
    return found


def _counterparts(first: Explanation, other: Explanation) -> Iterator[tuple[int, int]]:
    """Pairs of units that are the same word of the text."""
    if first.prompt == other.prompt:
        where = {_place(first, unit): number for number, unit in enumerate(first.units)}
        for number, unit in enumerate(other.units):
            if _place(other, unit) in where:
                yield where[_place(other, unit)], number
        return
    for part in ("prompt", "continuation"):
        ours, theirs = _words_of(first, part), _words_of(other, part)
        same = SequenceMatcher(None, list(ours.values()), list(theirs.values()), autojunk=False)
        for a, b, size in same.get_matching_blocks():
            yield from zip(list(ours)[a : a + size], list(theirs)[b : b + size], strict=True)


def _words_of(explanation: Explanation, part: str) -> dict[int, str]:
    """Texts of the units of a part, by number."""
    return {u: unit.text for u, unit in enumerate(explanation.units) if unit.part == part}


def _place(explanation: Explanation, unit: Unit) -> tuple[str, int, int]:
    """Where a unit stands; fixed ones without characters by their text too."""
    shift = len(explanation.prompt) if unit.part == "continuation" else 0
    return (unit.part if unit.start < unit.end else unit.text), unit.start - shift, unit.end - shift
