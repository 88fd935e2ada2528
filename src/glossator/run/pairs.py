"""Pairs of texts: how prediction and explanation move when a text is perturbed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from glossator.errors import InputError
from glossator.evaluation.coherency import Coherency, coherency
from glossator.evaluation.effect_size import superiority
from glossator.evaluation.likeness import PERMUTATIONS
from glossator.evaluation.likeness_measures import MEASURES, TOP
from glossator.evaluation.score_comparison import ScoreComparison, compare_scores
from glossator.model import LanguageModel, Model, TextModel, load_model
from glossator.model.neighbours import Neighbours
from glossator.model.rewriter import TEMPLATE, Rewriter
from glossator.run.inquiry import DEFAULT_METHOD
from glossator.run.predictions import Predictions, View
from glossator.text.alignment import Alignment, align
from glossator.text.perturb import Means, Pair, changed_at_random, expectation_named, perturb
from glossator.types import Estimate

EFFECTS = ("direct", "through")
RANDOM_CHANGES = 40


@dataclass(frozen=True, eq=False)
class PairResult:
    """What a perturbation does to a prediction and to its explanation.

    Attributes:
        pair: the two texts.
        original: the explanation of the original's prediction.
        direct: that of the same prediction after the perturbed text: the prediction is held.
        through: that of the perturbed text's own prediction; None where the prediction was given.
        effect: readout of the held prediction after the perturbed text, less that after the
            original; negative = it has become less likely.
        effect_size: probability that this is larger than what a random word elsewhere does; None
            where no random change could be drawn.
        alignment: of the words that have scores, in each text's order.
        comparison: of the scores, by effect: "direct" and, where there is one, "through".
    """

    pair: Pair
    original: View
    direct: View
    through: View | None
    effect: float
    effect_size: Estimate | None
    alignment: Alignment
    comparison: dict[str, ScoreComparison]

    @property
    def changed(self) -> bool | None:
        """Whether the model predicts something else; None where the prediction was given."""
        return None if self.through is None else self.through.said != self.original.said

    @property
    def as_expected(self) -> bool | None:
        """Whether the prediction did what the pair declares; None where nothing is to compare."""
        if self.changed is None or self.through is None or self.pair.expectation is None:
            return None
        if self.pair.expectation == "same":
            return not self.changed
        wanted = (self.pair.expected or "").strip()
        return self.changed and self.through.said.strip().startswith(wanted)


@dataclass(frozen=True, slots=True)
class CoherencyLine:
    """Coherency of the method over the pairs of one type.

    Attributes:
        kind: type of perturbation; "all" over several types.
        effect: "direct" or "through". measure: of likeness, over all aligned words.
        coherency: None where no pair could be scored.
    """

    kind: str
    effect: str
    measure: str
    coherency: Coherency | None


@dataclass(frozen=True, eq=False)
class PairStudy:
    """Pairs, and how coherent the method's explanations of them are.

    Attributes:
        results: one for each pair.
        coherency: over the pairs with a declared expectation, by type, effect and measure.
        method: that explained them.
    """

    results: tuple[PairResult, ...]
    coherency: tuple[CoherencyLine, ...]
    method: str


def pairs(
    prompt: str | None = None,
    model: Model | str | Path | None = None,
    *,
    perturb: str | Pair | Sequence[str | Pair],
    expect: str | None = None,
    limit: int | None = None,
    layer: int = 0,
    rewriter: Model | str | Path | None = None,
    rewriter_template: str = TEMPLATE,
    random_changes: int = RANDOM_CHANGES,
    permutations: int = PERMUTATIONS,
    top: int = TOP,
    method: str = DEFAULT_METHOD,
    removal: str | None = None,
    samples: int | None = None,
    precision: float | None = None,
    options: dict[str, Any] | None = None,
    continuation: str | None = None,
    max_new_tokens: int = 1,
    seed: int = 0,
    **asked: Any,
) -> PairStudy:
    """Perturb a text and compare prediction and explanation before and after.

    Args:
        prompt: the text; not needed where `perturb` holds pairs only.
        model: as in `explain`; one that continues a text, or a classifier.
        perturb: perturbations by name ("number", "gender", "negation", "move", "near:R", "far:R",
            "replace:OLD=NEW", "reformulate"), or pairs; see `glossator.text.perturb`.
        expect: what they should do to the prediction, in place of what is declared: "same",
            "changes", or "changes:TEXT".
        limit: at most so many pairs, drawn at random.
        layer: where distances between words are measured: 0 = input embeddings, k = after block k.
        rewriter: the model that reformulates; None: `model` itself. rewriter_template: its prompt.
        random_changes: how many random words the effect is held against, a forward row each; 0:
            none. Models that are given text have no vocabulary to draw from.
        permutations, top: of the measures of likeness.
        method, removal, samples, precision, options, seed: as in `explain`.
        continuation: the prediction to explain; None: the model's own (its likeliest class). One
            that is given is held, and there is no effect through the prediction.
        max_new_tokens: length of the model's own prediction.
        asked: further arguments of `inquire` (units, readout, batch_rows, progress, ...).

    Raises:
        InputError: a perturbation that does not apply, a model that does neither, or as `explain`.

    Example:
        >>> found = pairs("The door is not open. So the door is", perturb="negation",
        ...               random_changes=8)
        >>> found.results[0].pair.perturbed
        'The door is open. So the door is'
    """
    if not isinstance(model, LanguageModel | TextModel):
        model = load_model(model)
    if limit is not None and limit < 1:
        raise InputError(f"limit is {limit}: at least 1 pair is needed")
    if random_changes < 0:
        raise InputError(f"random_changes is {random_changes}: give 0 for none")
    neighbours = Neighbours(model, layer, seed) if isinstance(model, LanguageModel) else None
    generator = torch.Generator().manual_seed(seed)
    means = Means(generator, neighbours, _rewriter(perturb, rewriter, model, rewriter_template))
    made = _made(prompt, perturb, means, expect)
    if limit is not None and limit < len(made):
        drawn = torch.randperm(len(made), generator=generator)[:limit]
        made = [made[i] for i in sorted(drawn.tolist())]
    given = {"samples": samples, "precision": precision}
    chosen = {key: value for key, value in given.items() if value is not None} | (options or {})
    if continuation is None:
        asked["max_new_tokens"] = max_new_tokens
    predictions = Predictions(model, method, removal, chosen, asked | {"seed": seed}, continuation)
    random = np.random.default_rng(seed)
    study = _Study(predictions, neighbours, random, random_changes, permutations, top)
    results = tuple(study.result(pair) for pair in made)
    return PairStudy(results, _coherency(results), method)


def _rewriter(
    perturb: str | Pair | Sequence[str | Pair],
    rewriter: Model | str | Path | None,
    model: Model,
    template: str,
) -> Rewriter | None:
    """What reformulates, where it is asked for: loading a second model takes time."""
    if "reformulate" not in ([perturb] if isinstance(perturb, str | Pair) else perturb):
        return None
    if rewriter is not None and not isinstance(rewriter, LanguageModel | TextModel):
        rewriter = load_model(rewriter)
    return Rewriter(rewriter or model, template)


def _made(
    prompt: str | None,
    asked: str | Pair | Sequence[str | Pair],
    means: Means,
    expect: str | None,
) -> list[Pair]:
    """All pairs, with the expectation that the user declares."""
    found: list[Pair] = []
    for each in [asked] if isinstance(asked, str | Pair) else asked:
        if isinstance(each, Pair):
            found.append(each)
        elif prompt is None:
            raise InputError(f"'{each}' needs a prompt to change: give one")
        else:
            found += perturb(prompt, each, means)
    if not found:
        raise InputError("nothing to perturb: name a perturbation, or give pairs")
    if expect is None:
        return found
    expectation, _, expected = expect.partition(":")
    return [
        replace(pair, expectation=expectation_named(expectation), expected=expected or None)
        for pair in found
    ]


@dataclass(frozen=True, eq=False)
class _Study:
    """What all pairs share."""

    predictions: Predictions
    neighbours: Neighbours | None
    random: np.random.Generator
    random_changes: int
    permutations: int
    top: int

    def result(self, pair: Pair) -> PairResult:
        original = self.predictions.of(pair.original)
        direct = self.predictions.held(pair.perturbed, original.said)
        through = None
        if not self.predictions.given:
            through = self.predictions.of(pair.perturbed)
        alignment = align(original.units, direct.units, pair.places)
        views = {"direct": direct} | ({} if through is None else {"through": through})
        comparison = {
            name: compare_scores(
                original.scores,
                view.scores,
                alignment,
                generator=self.random,
                permutations=self.permutations,
                top=self.top,
            )
            for name, view in views.items()
        }
        effect = direct.value - original.value
        size = self._effect_size(pair, original, effect)
        return PairResult(pair, original, direct, through, effect, size, alignment, comparison)

    def _effect_size(self, pair: Pair, original: View, effect: float) -> Estimate | None:
        if self.neighbours is None:
            return None
        texts = changed_at_random(
            pair.original,
            self.neighbours.words,
            self.random_changes,
            spared=[ours for ours, _ in pair.places],
            generator=self.random,
        )
        values = [self.predictions.value(text, original.said) for text in texts]
        others = [value - original.value for value in values]
        return superiority(effect, others) if others else None


def _coherency(results: Sequence[PairResult]) -> tuple[CoherencyLine, ...]:
    declared = [result for result in results if result.pair.expectation is not None]
    kinds = list(dict.fromkeys(result.pair.kind for result in declared))
    lines = []
    for kind in [*kinds, *(["all"] if len(kinds) > 1 else [])]:
        members = [each for each in declared if kind in ("all", each.pair.kind)]
        for effect in EFFECTS:
            found = [each for each in members if effect in each.comparison]
            for measure in MEASURES if found else ():
                judged = [
                    (each.pair.expectation, each.comparison[effect].aligned[measure])
                    for each in found
                    if each.pair.expectation is not None
                ]
                lines.append(CoherencyLine(kind, effect, measure, coherency(judged)))
    return tuple(lines)
