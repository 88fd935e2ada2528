"""Explain what a model may say rather than what it happened to say: outputs drawn and pooled."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from glossator.errors import InputError
from glossator.model import LanguageModel, Model, TextModel, load_model
from glossator.render.reading import DEFAULT_FLOOR, FLOOR
from glossator.run.explain import Prompt, inquire
from glossator.run.inquiry import DEFAULT_METHOD
from glossator.run.predictions import CONTINUING
from glossator.trust.pooled import Pooled, pool
from glossator.types import Explanation, Unit

OUTPUTS = 8


@dataclass(frozen=True, eq=False)
class SampledExplanation:
    """Why a model says what it says after a prompt, over outputs drawn from it.

    Attributes:
        prompt: the text. units: its units that have scores.
        explanations: of each distinct output, in the order in which they were drawn; the output
            is one target, on which the prompt's units act.
        counts: how often each was drawn.
        pooled: mean, variance within and between outputs, and verdict, of each unit.
        measure: unit of the scores ("nats"). per: "output", or "token" where the scores are
            divided by the length of the output.
        places: index of each unit among those of the explanations.
        floor: the effect below which a unit does nothing.
    """

    prompt: str
    units: tuple[Unit, ...]
    explanations: tuple[Explanation, ...]
    counts: tuple[int, ...]
    pooled: Pooled
    measure: str
    per: str
    places: tuple[int, ...]
    floor: float


def explain_samples(
    prompt: Prompt,
    model: Model | str | Path | None = None,
    *,
    samples: int = OUTPUTS,
    per: str = "output",
    temperature: float = 1.0,
    method: str = DEFAULT_METHOD,
    removal: str | None = None,
    options: dict[str, Any] | None = None,
    seed: int = 0,
    **asked: Any,
) -> SampledExplanation:
    """Draw outputs, explain each by the words of the prompt, and pool the scores.

    Args:
        prompt, model, removal: as in `explain`.
        samples: how many outputs are drawn, with the seeds `seed`, `seed + 1`, ... An output that
            is drawn again is not explained again.
        per: "output" for the effect on all of what is said; "token" to divide by its length, so
            that long outputs do not count for more.
        temperature: of the drawn tokens.
        method: a registered method. options: its parameters, the size of its own sample
            (`{"samples": 64}`) among them.
        seed: of the outputs and of the method's draws.
        asked: further arguments of `inquire` (max_new_tokens, units, readout, progress, ...).

    Raises:
        InputError: fewer than two samples, a model that continues no text, or as `explain`.

    Example:
        >>> found = explain_samples("Mia and Tom went to the park. Tom gave the kite to",
        ...                         samples=4, max_new_tokens=1)
        >>> sum(found.counts), len(found.pooled.verdict) == len(found.units)
        (4, True)
    """
    if samples < 2:
        raise InputError(f"got {samples} sample(s): draw at least 2 outputs")
    if per not in ("output", "token"):
        raise InputError(f"got per='{per}': write 'output' or 'token'")
    if not isinstance(model, LanguageModel | TextModel):
        model = load_model(model)
    if model.kind not in CONTINUING:
        raise InputError(f"{model.name} continues no text, so no outputs can be drawn from it")
    fixed = [name for name in ("continuation", "contrast", "target_units") if name in asked]
    if fixed:
        raise InputError(f"the outputs are drawn and are the targets: leave out '{fixed[0]}'")
    found: dict[tuple[int, ...], Explanation] = {}
    counts: dict[tuple[int, ...], int] = {}
    for draw in range(samples):
        inquiry = inquire(
            prompt,
            model,
            sample=True,
            temperature=temperature,
            seed=seed + draw,
            target_units="sequence",
            **asked,
        )
        said = inquiry.question.ids
        counts[said] = counts.get(said, 0) + 1
        if said not in found:
            found[said] = inquiry.run(method, removal, options)
    return _pooled(tuple(found.values()), tuple(counts.values()), per)


def _pooled(
    explanations: tuple[Explanation, ...], counts: tuple[int, ...], per: str
) -> SampledExplanation:
    first = explanations[0]
    places = [
        i
        for i, unit in enumerate(first.units)
        if unit.part == "prompt" and bool(first.scores[0, i].isfinite())
    ]
    sizes = [len(each.targets[0].tokens) if per == "token" else 1 for each in explanations]
    scores = torch.stack(
        [each.scores[0, places] / size for each, size in zip(explanations, sizes, strict=True)]
    )
    errors = [
        each.stderr[0, places] / size
        for each, size in zip(explanations, sizes, strict=True)
        if each.stderr is not None
    ]
    measure = first.provenance.measure
    floor = FLOOR.get(measure, DEFAULT_FLOOR)
    return SampledExplanation(
        prompt=first.prompt,
        units=tuple(first.units[i] for i in places),
        explanations=explanations,
        counts=counts,
        pooled=pool(scores, torch.stack(errors) if errors else None, counts, floor=floor),
        measure=measure,
        per=per,
        places=tuple(places),
        floor=floor,
    )
