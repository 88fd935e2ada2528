"""How an absent unit is represented to the model.

A removal turns a coalition into token rows. There are two kinds: an absent token is dropped
(and what follows closes up, or keeps its position), or its embedding is replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from glossator.errors import InputError
from glossator.model import LanguageModel
from glossator.registry import Registry
from glossator.text import Question, cut, encode
from glossator.types import Unit

BASELINE = -1
"""Stands for the baseline embedding where a token id is expected."""


@dataclass(frozen=True)
class Absence:
    """What stands in for absent tokens of one question.

    Attributes:
        name: the removal as typed, recorded in the provenance.
        replacement: [draws tokens] token id (or BASELINE) in place of each token; None when
            absent tokens are dropped.
        closes_up: whether what follows a dropped token moves up, as if it had not been there.
        baseline: embedding that BASELINE stands for.
        anchor: token that stands alone when everything has been dropped; None: none is known.
    """

    name: str
    replacement: Int[np.ndarray, "draws tokens"] | None = None
    closes_up: bool = False
    baseline: Float[Tensor, " width"] | None = None
    anchor: int | None = None

    @property
    def draws(self) -> int:
        """Number of different replacements whose values are averaged."""
        return 1 if self.replacement is None else len(self.replacement)


@dataclass(frozen=True)
class Removal:
    """A registered removal: its name, what it does in a sentence, and how to prepare it."""

    name: str
    does: str
    argument: str | None
    prepare: Callable[..., Absence]


REMOVALS: Registry[Removal] = Registry("removal")

Prepare = Callable[..., Absence]


def removal(name: str, *, does: str, argument: str | None = None) -> Callable[[Prepare], Prepare]:
    """Register `prepare(model, question, argument, **options) -> Absence` under a name."""

    def register(function: Prepare) -> Prepare:
        REMOVALS.add(name, Removal(name, does, argument, function))
        return function

    return register


def absence(
    name: str,
    model: LanguageModel,
    question: Question,
    *,
    seed: int = 0,
    references: tuple[str, ...] = (),
) -> Absence:
    """Prepare a removal written as NAME or NAME:ARGUMENT.

    Args:
        name: e.g. "delete", "token:unk", "token:0", "embedding:mean", "resample".
        seed: of what is drawn (resample only).
        references: texts to draw replacement words from (resample only).

    Raises:
        UnknownName: no removal of that name.
        InputError: an argument it cannot use.
    """
    kind, _, argument = name.partition(":")
    found = REMOVALS.get(kind)
    if bool(argument) != (found.argument is not None) and kind != "resample":
        takes = f"{kind}:{found.argument}" if found.argument else kind
        raise InputError(f"got the removal '{name}': write {takes}")
    return found.prepare(model, question, argument, seed=seed, references=references)


@removal("delete", does="drop the tokens; what follows moves up")
def _delete(model: LanguageModel, question: Question, argument: str, **_: Any) -> Absence:
    anchor = model.tokenizer.bos_token_id
    if anchor is None:
        anchor = model.tokenizer.eos_token_id
    return Absence("delete", closes_up=True, anchor=anchor)


@removal("attention", does="hide the tokens' keys from all other tokens; positions stay")
def _attention(model: LanguageModel, question: Question, argument: str, **_: Any) -> Absence:
    if not model.accepts_positions:
        raise InputError(
            f"{model.name} takes no positions, so tokens cannot be hidden in place: "
            "use --removal delete"
        )
    return Absence("attention")


@removal("token", does="put one token in the place of each", argument="ID|mask|pad|unk|eos|bos")
def _token(model: LanguageModel, question: Question, argument: str, **_: Any) -> Absence:
    vocabulary = model.embedding.weight.shape[0]
    if argument.lstrip("-").isdigit():
        token: int | None = int(argument)
    elif argument in ("mask", "pad", "unk", "eos", "bos"):
        token = getattr(model.tokenizer, f"{argument}_token_id")
        if token is None:
            raise InputError(
                f"the tokenizer of {model.name} has no {argument} token: "
                "use another removal, or token:ID with an id"
            )
    else:
        raise InputError(f"got the removal 'token:{argument}': write token:ID|mask|pad|unk|eos|bos")
    if token is None or not 0 <= token < vocabulary:
        raise InputError(f"token id {token} is outside the vocabulary 0..{vocabulary - 1}")
    return Absence(f"token:{argument}", np.full((1, len(question.ids)), token))


@removal("embedding", does="put a baseline embedding in the place of each", argument="zero|mean")
def _embedding(model: LanguageModel, question: Question, argument: str, **_: Any) -> Absence:
    weight = model.embedding.weight.detach()
    if argument == "zero":
        baseline = torch.zeros_like(weight[0])
    elif argument == "mean":
        # Looked up through the module, which may scale what it looks up.
        total = torch.zeros_like(weight[0], dtype=torch.float32)
        ids = torch.arange(weight.shape[0], device=weight.device)
        with torch.no_grad():
            for block in ids.split(8192):
                total += model.embedding(block).float().sum(0)
        baseline = (total / weight.shape[0]).to(weight.dtype)
    else:
        raise InputError(f"got the removal 'embedding:{argument}': write embedding:zero|mean")
    codes = np.full((1, len(question.ids)), BASELINE)
    return Absence(f"embedding:{argument}", codes, baseline=baseline)


DRAWS = 8
"""Replacements averaged by `resample` unless resample:N asks for N."""


@removal("resample", does="put drawn words of equal token length in their place, averaged")
def _resample(
    model: LanguageModel,
    question: Question,
    argument: str,
    *,
    seed: int,
    references: tuple[str, ...],
) -> Absence:
    if argument and not (argument.isdigit() and int(argument) > 1):
        raise InputError(f"got the removal 'resample:{argument}': write resample:N, N of 2 or more")
    draws = int(argument) if argument else DRAWS
    pool = _pool(model, question, references)
    generator = torch.Generator().manual_seed(seed)
    codes = np.tile(np.asarray(question.ids), (draws, 1))
    for player in question.players:
        first, stop = question.unit_tokens[player]
        own = question.ids[first:stop]
        others = [words for words in pool.get(stop - first, []) if words != own]
        others = others or _pairs(pool, stop - first)
        if not others:
            raise InputError(
                f"resample found nothing of {stop - first} token(s) to put in place of "
                f"'{question.units[player].text}': give reference texts, or another removal"
            )
        picks = torch.randint(len(others), (draws,), generator=generator)
        for draw, pick in enumerate(picks.tolist()):
            codes[draw, first:stop] = others[pick]
    return Absence(f"resample:{draws}", codes)


def _pairs(pool: dict[int, list[tuple[int, ...]]], length: int) -> list[tuple[int, ...]]:
    """Two words that together have so many tokens."""
    return [
        first + second
        for size in range(1, length)
        for first in pool.get(size, [])
        for second in pool.get(length - size, [])
    ]


def _pool(
    model: LanguageModel, question: Question, references: tuple[str, ...]
) -> dict[int, list[tuple[int, ...]]]:
    """Distinct words by token length: from the references, else from the text itself."""
    pool: dict[int, dict[tuple[int, ...], None]] = {}
    for unit in _reference_units(model, question, references):
        pool.setdefault(len(unit.tokens), {})[unit.tokens] = None
    return {length: list(words) for length, words in pool.items()}


def reference_tokens(
    model: LanguageModel, question: Question, references: tuple[str, ...]
) -> list[int]:
    """The references' tokens, one text after the other; those of the text itself without any."""
    units = _reference_units(model, question, references)
    return [token for unit in units for token in unit.tokens]


def _reference_units(
    model: LanguageModel, question: Question, references: tuple[str, ...]
) -> list[Unit]:
    """Words of the reference texts; the text's own units when there are none."""
    if not references:
        return [question.units[player] for player in question.players]
    return [
        unit for text in references for unit in cut(encode(model.tokenizer, text)) if unit.player
    ]
