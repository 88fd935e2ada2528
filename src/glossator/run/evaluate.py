"""Measure how good the explanations of several methods are, on one text or on many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

import glossator.evaluation  # noqa: F401  registers the metrics
from glossator.errors import InputError
from glossator.evaluation.control import control
from glossator.evaluation.paired import TESTS
from glossator.model import LanguageModel, Model, TextModel, load_model
from glossator.registry import METHODS, METRICS, Metric
from glossator.run.compare import fitting
from glossator.run.evidence import Scene
from glossator.run.explain import Prompt, inquire
from glossator.run.inquiry import Inquiry
from glossator.run.scoreboard import Evaluation, Key, Tally, scoreboard
from glossator.text.pieces import find_pieces
from glossator.types import Explanation

DEFAULT_METRICS = ("comprehensiveness", "sufficiency", "infidelity")

Rationale = Sequence[str] | Sequence[tuple[int, int]]
Options = Mapping[str, Mapping[str, Any]]
Budget = tuple[int | None, float | None]
"""Numbers of samples, and precision."""


@dataclass(frozen=True)
class Item:
    """One text of a data set.

    Attributes:
        prompt: as in `explain`.
        asked: further arguments of `explain` for this text (continuation, contrast, pair, ...).
        rationale: the words that people mark, as texts in the order in which they occur, or as
            spans of characters of prompt + continuation; None: none are marked.
    """

    prompt: Prompt
    asked: Mapping[str, Any] = field(default_factory=dict)
    rationale: Rationale | None = None


def evaluate(
    prompt: Prompt | Sequence[Item],
    model: Model | str | Path | None = None,
    *,
    methods: Sequence[str],
    metrics: Sequence[str] = DEFAULT_METRICS,
    rationale: Rationale | None = None,
    removal: str | None = None,
    samples: int | None = None,
    precision: float | None = None,
    options: Options | None = None,
    controls: int = 8,
    test: str = "permutation",
    level: float = 0.95,
    seed: int = 0,
    **asked: Any,
) -> Evaluation:
    """Explain one text or many by several methods, and measure every explanation.

    Every metric is measured beside a control, the same scores shuffled over the words. All methods
    are measured by the same random draws and on one table of values, but each pays for its own.

    Args:
        prompt: as in `explain`; or items of a data set.
        model: as in `explain`.
        methods: names of attribution methods. metrics: names of metrics.
        rationale: of one prompt: the marked words, as in `Item`.
        removal: how an absent unit is represented, for methods and for metrics.
        samples, precision: given to those methods that sample.
        options: parameters of metrics and of methods, by name.
        controls: how often scores are shuffled, at least 1.
        test: "permutation" or "wilcoxon", paired over items.
        level: confidence of the intervals.
        seed: of everything that is drawn.
        asked: further arguments of `explain`, for all items.

    Raises:
        InputError: no item, an unknown name, a metric that needs what is not there (a rationale,
            the weights), or as `explain`.

    Example:
        >>> found = evaluate("Mia and Tom went to the park. Tom gave the kite to",
        ...                  methods=["leave_one_out", "attention"], metrics=["comprehensiveness"],
        ...                  continuation=" Mia")
        >>> best = found.cell("leave_one_out", "comprehensiveness")
        >>> float(best.value) > float(best.null)
        True
    """
    items = _items(prompt, rationale)
    if controls < 1 or not items or not methods or not metrics:
        raise InputError("give at least one item, one method, one metric and one control")
    if test not in TESTS:
        raise InputError(f"the paired test is 'permutation' or 'wilcoxon', got '{test}'")
    options = options or {}
    for name in set(options) - {*methods, *metrics}:
        raise InputError(f"got parameters of '{name}', which is not evaluated")
    methods, metrics = list(dict.fromkeys(methods)), list(dict.fromkeys(metrics))
    runs = [_run_of(name, removal, (samples, precision), options) for name in methods]
    measures = [_Measure(METRICS.get(name), options, controls, seed) for name in metrics]
    if not isinstance(model, LanguageModel | TextModel):
        model = load_model(model)
    tallies: dict[Key, Tally] = {
        (run.name, measure.metric.name): Tally() for measure in measures for run in runs
    }
    rows, seconds = dict.fromkeys(methods, 0), dict.fromkeys(methods, 0.0)
    for item in items:
        inquiry = inquire(item.prompt, model, **({"seed": seed} | asked | dict(item.asked)))
        marked = _marked(inquiry, item.rationale)
        for run in runs:
            # Apart, so that no method is given what another has paid for.
            found = run(replace(inquiry, _games={}))
            rows[run.name] += found.cost.forward_rows
            seconds[run.name] += found.cost.seconds
            scores = found.scores[:, list(inquiry.players)]
            for measure in measures:
                scene = Scene(inquiry, run, removal, marked, seed)
                measure(scene, scores, tallies[run.name, measure.metric.name])
    return scoreboard(tallies, rows, seconds, test=test, level=level, seed=seed)


def _items(prompt: Prompt | Sequence[Item], rationale: Rationale | None) -> list[Item]:
    items = [] if isinstance(prompt, str) else [each for each in prompt if isinstance(each, Item)]
    if items:
        if rationale is not None:
            raise InputError("the rationale of a data set stands in its items: Item(rationale=...)")
        return items
    return [Item(prompt, rationale=rationale)] if prompt else []  # type: ignore[arg-type]


@dataclass(frozen=True)
class _Run:
    """A method with its parameters, as it is run on every item."""

    name: str
    removal: str | None
    options: Mapping[str, Any]

    def __call__(self, inquiry: Inquiry) -> Explanation:
        return inquiry.run(self.name, self.removal, dict(self.options))


def _run_of(name: str, removal: str | None, budget: Budget, options: Options) -> _Run:
    """Raises InputError: an unknown method, or a parameter that it does not take."""
    method = METHODS.get(name)
    own, known = fitting(method, removal, *budget)
    given = known | dict(options.get(name, {}))
    method.complete(given)
    return _Run(name, own, given)


@dataclass
class _Measure:
    """A metric with its parameters, and how its control is drawn."""

    metric: Metric
    options: Options
    controls: int
    seed: int

    def __post_init__(self) -> None:
        self.parameters = self.metric.complete(dict(self.options.get(self.metric.name, {})))

    def __call__(
        self, scene: Scene, scores: Float[Tensor, "targets players"], tally: Tally
    ) -> None:
        """Measure scores and shuffled scores."""
        evidence = scene.evidence(self.metric)

        def measured(these: Float[Tensor, "targets players"]) -> Float[Tensor, " targets"]:
            values: Tensor = self.metric.run(
                evidence, these, generator=self._generator(), **self.parameters
            )
            return values

        values = measured(scores)
        shuffles = control(measured, scores, draws=self.controls, generator=self._generator())
        tally.add(values, shuffles, scene.rows)

    def _generator(self) -> torch.Generator:
        """The same draws for every method and item of an evaluation, and for every control."""
        return torch.Generator().manual_seed(self.seed)


def _marked(
    inquiry: Inquiry, rationale: Rationale | None
) -> Bool[Tensor, "targets players"] | None:
    """Which players have a character in a marked span."""
    if rationale is None:
        return None
    texts = [each for each in rationale if isinstance(each, str)]
    spans = [each for each in rationale if not isinstance(each, str)]
    if texts:
        spans = list(find_pieces(inquiry.prompt + inquiry.continuation, texts))
    units = [inquiry.question.units[player] for player in inquiry.players]
    marked = [any(u.start < stop and start < u.end for start, stop in spans) for u in units]
    return torch.tensor(marked).expand_as(inquiry.before) & inquiry.before
