"""Explanations made by hand, of every kind that has to be shown and stored."""

from __future__ import annotations

import dataclasses
import math
import random
import re
from typing import Any

import torch

from glossator.types import (
    Controlled,
    Cost,
    Explanation,
    Groups,
    Numbers,
    Part,
    Provenance,
    Target,
    TargetTrust,
    Trust,
    Unit,
    undefined,
)

HOSTILE = "</script><img src=x onerror=alert(1)>"


def provenance(**changes: Any) -> Provenance:
    """Where a sampled Shapley explanation of the bundled model came from."""
    values: dict[str, Any] = {
        "method": "shapley",
        "parameters": {"samples": 400, "antithetic": True},
        "readout": "logprob",
        "measure": "nats",
        "removal": "delete",
        "units": "words",
        "target_units": "words",
        "seed": 0,
        "generation": {"mode": "greedy", "max_new_tokens": 12},
        "model": {
            "name": "miniature",
            "revision": None,
            "architecture": "LlamaForCausalLM",
            "parameters": 2_100_000,
            "dtype": "float32",
            "device": "cpu",
            "attention": "sdpa",
        },
        "tokenizer": {"class": "PreTrainedTokenizerFast", "sha256": "ab" * 32},
        "engine": "trie",
        "versions": {"glossator": "0.1.0", "torch": "2.13.0", "python": "3.11"},
        "notes": {"samples": 400},
    }
    return Provenance(**{**values, **changes})


def spans(text: str, offset: int, part: Part) -> list[Unit]:
    """The words of a text, without knowing any tokenizer."""
    return [
        Unit(m[0], m.start() + offset, m.end() + offset, (offset + m.start(),), True, part)
        for m in re.finditer(r"\w+|[^\w\s]+", text)
    ]


def build(
    prompt: str,
    continuation: str,
    links: dict[tuple[str, str], float] | None = None,
    *,
    noise: float = 0.05,
    error: float | None = 0.04,
    seed: int = 0,
    fixed: str | None = None,
    **changes: Any,
) -> Explanation:
    """An explanation of each continuation word by the words before it.

    Args:
        links: (source word, target word) -> score; all other scores are noise.
        noise: standard deviation of the other scores.
        error: typical standard error; None for a method without sampling.
        fixed: text of a special token in front that is no player.
        changes: fields of the explanation to replace.
    """
    draw = random.Random(seed)
    units = spans(prompt, 0, "prompt") + spans(continuation, len(prompt), "continuation")
    if fixed:
        units.insert(0, Unit(fixed, 0, 0, (1,), False, "prompt"))
    written = [unit for unit in units if unit.part == "continuation"]
    scores, stderr = undefined((len(written), len(units))), undefined((len(written), len(units)))
    for t, target in enumerate(written):
        for u, unit in enumerate(units):
            if unit.player and unit.end <= target.start:
                link = (links or {}).get((unit.text, target.text))
                scores[t, u] = draw.gauss(0, noise) if link is None else link
                stderr[t, u] = (error or 0) * (0.5 + draw.random())
    full = torch.tensor([-0.02 - abs(draw.gauss(0, 0.4)) for _ in written], dtype=torch.float64)
    targets = [
        Target(unit.text, unit.start, unit.end, unit.tokens, float(value))
        for unit, value in zip(written, full, strict=True)
    ]
    values: dict[str, Any] = {
        "prompt": prompt,
        "continuation": continuation,
        "units": tuple(units),
        "targets": tuple(targets),
        "scores": scores,
        "stderr": None if error is None else stderr,
        "dof": None if error is None else 19,
        "full": full,
        "empty": full - scores.nansum(1),
        "cost": Cost(5_201, 0, 41_377, 1.234567891234, 812_000_000),
        "provenance": provenance(),
    }
    return Explanation(**{**values, **changes})


def kite() -> Explanation:
    """The example of the README: an indirect object."""
    links = {
        ("Mia", "Mia"): 3.1,
        ("and", "Mia"): 0.52,
        ("gave", "Mia"): 0.55,
        ("Tom", "Mia"): -1.4,
        ("to", "Mia"): 0.9,
        ("kite", "kite"): 2.2,
        ("She", "kite"): -0.3,
        ("Mia", "She"): 2.6,
        ("Tom", "She"): -0.8,
        ("the", "the"): 0.7,
        ("flew", "kite"): 1.9,
        ("park", "park"): 2.9,
        ("in", "park"): 0.8,
    }
    return build(
        "Mia and Tom went to the park. Tom gave the kite to",
        " Mia. She flew the kite in the park.",
        links,
        fixed="<s>",
    )


def single() -> Explanation:
    """One target, nothing sampled."""
    return build(
        "Mia and Tom went to the park. Tom gave the kite to",
        " Mia",
        {("Mia", "Mia"): 3.1, ("Tom", "Mia"): -1.4, ("gave", "Mia"): 0.55, ("to", "Mia"): 0.9},
        error=None,
        provenance=provenance(method="leave_one_out", parameters={}, seed=None, notes={}),
    )


def trusted() -> Explanation:
    """Trust of two targets, one of which was not measured."""
    explanation = build("Tom gave the kite to", " Mia.", {("Tom", "Mia"): 2.0})
    trust = Trust(
        targets=(
            TargetTrust(
                verdict="explained",
                reason="decisive",
                decisive=Numbers((0, 3)),
                explainability=0.75,
                comprehensiveness=Controlled(2.25, 0.5, 0.75, 2.75),
                sufficiency=Controlled(0.25, 1.5, -2.0, -0.5),
                p_value=0.0005,
                without=-3.5,
                alone=-0.25,
                noise=0.125,
            ),
            TargetTrust("unsure", "unmeasured", Numbers(), 0.5),
        ),
        completeness_gap=0.125,
        ood_rate=0.25,
        rows=83,
        orders=6,
        shares=(0.1, 0.2, 0.5),
    )
    return dataclasses.replace(explanation, trust=trust)


def phrased() -> Explanation:
    """Two phrases, one of them in two pieces, and the whole text; nothing sampled."""
    members = (tuple(range(13)), (0, 2), (8, 9, 10, 11, 12))
    scores = torch.tensor([[3.2, -1.25, 0.5]], dtype=torch.float64)
    groups = Groups("phrases", tuple(map(Numbers, members)), scores)
    return dataclasses.replace(single(), groups=groups)


def paired() -> Explanation:
    """Pairs with errors, some undefined."""
    explanation = kite()
    numbers = torch.arange(2.0 * len(explanation.targets), dtype=torch.float64).reshape(-1, 2)
    numbers[0, 1] = math.nan
    groups = Groups("pairs", (Numbers((1, 3)), Numbers((2, 9))), numbers - 4, numbers / 9)
    return dataclasses.replace(explanation, groups=groups)


def quiet() -> Explanation:
    """Nothing matters: scores of a hundredth of a nat, within their errors."""
    return build("The sky is blue and the", " grass grows", noise=0.004, error=0.01)


def classes() -> Explanation:
    """A classifier: targets without characters."""
    prompt = "A dull plot , but the acting is truly wonderful ."
    units = spans(prompt, 0, "prompt")
    pushes = {"dull": -1.9, "wonderful": 2.7, "but": 0.4, "truly": 0.6, "plot": -0.1}
    row = torch.tensor([pushes.get(unit.text, 0.01) for unit in units], dtype=torch.float64)
    scores = torch.stack([row, -1.3 * row])
    full = torch.tensor([-0.11, -2.26], dtype=torch.float64)
    return Explanation(
        prompt=prompt,
        continuation="",
        units=tuple(units),
        targets=(
            Target("positive", 0, 0, (1,), -0.11),
            Target("negative", 0, 0, (0,), -2.26),
        ),
        scores=scores,
        stderr=torch.full_like(scores, 0.05),
        dof=None,
        full=full,
        empty=full - scores.sum(1),
        cost=Cost(312, 0, 3_900, 0.4, 0),
        provenance=provenance(target_units="class", generation={"mode": "classes"}),
    )


def hostile() -> Explanation:
    """Words that try to leave the page, the terminal or the figure."""
    prompt = f'{HOSTILE} <b>bold</b> & "quotes" $x^2$ \x1b[31mred [bold]markup[/bold]\n\n<!--'
    explanation = build(prompt, " ]]> --> </style> {{7*7}}", {("img", "style"): 1.0})
    units = tuple(
        Unit(HOSTILE, 0, len(HOSTILE), unit.tokens, True, "prompt") if i == 0 else unit
        for i, unit in enumerate(explanation.units)
        if i == 0 or unit.start >= len(HOSTILE)
    )
    scores = undefined((len(explanation.targets), len(units)))
    scores[:, 0] = 1.5
    return Explanation(
        **{
            **{name: getattr(explanation, name) for name in explanation.__dataclass_fields__},
            "units": units,
            "scores": scores,
            "stderr": None,
            "provenance": provenance(method=HOSTILE, notes={HOSTILE: HOSTILE}),
        }
    )


def worldly() -> Explanation:
    """Emoji, combining marks, right-to-left and wide characters."""
    return build(
        "The family 👨‍👩‍👧 said שלום עולם and مرحبا to 東京 café 👍🏽 then",
        " привет 世界 नमस्ते 🎉",
        {("שלום", "привет"): 1.2, ("東京", "世界"): 2.0, ("مرحبا", "привет"): -0.9},
    )


def split_character() -> Explanation:
    """Byte-level tokens: one emoji in three units, and a unit of white space only."""
    units = (
        Unit("hi", 0, 2, (1,), True, "prompt"),
        Unit("\n", 2, 3, (2,), True, "prompt"),
        Unit("🎉", 3, 4, (3,), True, "prompt"),
        Unit("🎉", 3, 4, (4,), True, "prompt"),
        Unit("🎉", 3, 4, (5,), True, "prompt"),
        Unit("yes", 5, 8, (6,), True, "continuation"),
    )
    scores = torch.tensor([[0.5, 0.2, -0.7, 0.1, 0.3, math.nan]], dtype=torch.float64)
    return build(
        "hi\n🎉",
        " yes",
        units=units,
        targets=(Target("yes", 5, 8, (6,), -0.3),),
        scores=scores,
        stderr=None,
        dof=None,
        full=torch.tensor([-0.3], dtype=torch.float64),
        empty=torch.tensor([-0.7], dtype=torch.float64),
        provenance=provenance(units="tokens"),
    )


def unknown_errors() -> Explanation:
    """Sampled so little that no error is known."""
    explanation = kite()
    return build(
        explanation.prompt,
        explanation.continuation,
        units=explanation.units,
        scores=explanation.scores,
        stderr=undefined(tuple(explanation.scores.shape)),
    )


def undefined_only() -> Explanation:
    """A target that nothing can act on."""
    return build("Hm", " ok", scores=undefined((1, 2)), stderr=None)


def long(words: int = 2_000, targets: int = 300, seed: int = 1) -> Explanation:
    """A long text: the page must stay quick."""
    draw = random.Random(seed)
    stock = spans("the garden where old Anna kept her bees was quiet until rain came", 0, "prompt")
    text = [draw.choice(stock).text for _ in range(words)]
    text = [f"{word}." if i % 12 == 11 else word for i, word in enumerate(text)]
    prompt, continuation = " ".join(text[:-targets]), " " + " ".join(text[-targets:])
    prompt = prompt.replace(". ", ".\n\n", 30)
    return build(prompt, continuation, {("bees", "bees"): 1.1, ("rain", "quiet"): -0.8})


ALL = {
    function.__name__: function
    for function in (
        kite,
        single,
        trusted,
        phrased,
        paired,
        quiet,
        classes,
        hostile,
        worldly,
        split_character,
        unknown_errors,
        undefined_only,
    )
}
