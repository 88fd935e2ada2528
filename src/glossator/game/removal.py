"""How an absent unit is represented to the model.

A removal turns a coalition into token rows. There are two kinds: an absent token is dropped
(and what follows closes up, or keeps its position), or its embedding is replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from glossator.errors import InputError
from glossator.model import LanguageModel, Model, TextModel
from glossator.model.encoder_decoder import answer_embedding, shares_embedding
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
        answer_baseline: the same for a decoder that looks tokens up in a table of its own.
        anchor: token that stands alone when everything has been dropped; None: none is known.
        fillings: where the model itself draws what stands in for absent tokens, anew for each
            coalition (see `Infill`, `MaskedInfill`): rows that this takes at most; 0: it does not.
        seed: of these draws.
        text: what is written in place of an absent unit, for models that are given text; None:
            nothing is.
        repeats: how often the same is asked where something is drawn anew each time.
    """

    name: str
    replacement: Int[np.ndarray, "draws tokens"] | None = None
    closes_up: bool = False
    baseline: Float[Tensor, " width"] | None = None
    anchor: int | None = None
    answer_baseline: Float[Tensor, " width"] | None = None
    fillings: int = 0
    seed: int = 0
    text: str | None = None
    repeats: int = 1

    @property
    def draws(self) -> int:
        """Number of different replacements, or answers, whose values are averaged."""
        return self.repeats if self.replacement is None else len(self.replacement)

    @property
    def infills(self) -> bool:
        """Whether the model itself draws what stands in for absent tokens."""
        return self.fillings > 0

    @property
    def drops(self) -> bool:
        """Whether absent tokens are left out of the row."""
        return self.replacement is None and not self.infills

    @property
    def passes(self) -> int:
        """Rows computed for each coalition: one to be scored, and those it takes to fill it in."""
        return 1 + self.fillings


@dataclass(frozen=True)
class Removal:
    """A registered removal: its name, what it does in a sentence, and how to prepare it."""

    name: str
    does: str
    argument: str | None
    prepare: Callable[..., Absence]


REMOVALS: Registry[Removal] = Registry("removal")

TEXT_REMOVALS = ("delete", "text")
"""Those that can be done to a text, without its tokens."""

Prepare = Callable[..., Absence]


def removal(name: str, *, does: str, argument: str | None = None) -> Callable[[Prepare], Prepare]:
    """Register `prepare(model, question, argument, **options) -> Absence` under a name."""

    def register(function: Prepare) -> Prepare:
        REMOVALS.add(name, Removal(name, does, argument, function))
        return function

    return register


def absence(
    name: str,
    model: Model,
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
    if bool(argument) != (found.argument is not None) and kind not in AVERAGED:
        takes = f"{kind}:{found.argument}" if found.argument else kind
        raise InputError(f"got the removal '{name}': write {takes}")
    if isinstance(model, TextModel) and kind not in TEXT_REMOVALS:
        raise InputError(
            f"{model.name} is given text, so '{name}' cannot be done to it: use --removal delete, "
            "or text:___ to write ___ in the place of each absent unit"
        )
    prepared = found.prepare(model, question, argument, seed=seed, references=references)
    if isinstance(model, TextModel):
        prepared = replace(prepared, repeats=model.regenerations)
    return prepared


@removal("delete", does="drop the tokens; what follows moves up")
def _delete(model: Model, question: Question, argument: str, **_: Any) -> Absence:
    return Absence("delete", closes_up=True, anchor=_anchor(model))


def _anchor(model: Model) -> int | None:
    """The token that stands before a text."""
    tokenizer = model.tokenizer
    anchor = tokenizer.eos_token_id if tokenizer.bos_token_id is None else tokenizer.bos_token_id
    return None if anchor is None else int(anchor)


@removal("text", does="write another text in its place", argument="TEXT")
def _text(model: Model, question: Question, argument: str, **_: Any) -> Absence:
    if not isinstance(model, TextModel):
        raise InputError(
            f"{model.name} is given tokens, and a text in a word's place would change those "
            "around it: use --removal token:ID; text:TEXT is for models that are given text"
        )
    return Absence(f"text:{argument}", text=argument)


@removal("attention", does="hide the tokens' keys from all other tokens; positions stay")
def _attention(model: LanguageModel, question: Question, argument: str, **_: Any) -> Absence:
    # Models that read whole rows, or that are asked in whole rows, count hidden tokens too.
    if model.kind == "causal" and not model.accepts_positions:
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
    if argument not in ("zero", "mean"):
        raise InputError(f"got the removal 'embedding:{argument}': write embedding:zero|mean")
    make = _zero if argument == "zero" else _mean
    codes = np.full((1, len(question.ids)), BASELINE)
    baseline = answer = make(model.embedding)
    if question.source_length and not shares_embedding(model):
        answer = make(answer_embedding(model))
    return Absence(f"embedding:{argument}", codes, baseline=baseline, answer_baseline=answer)


def _zero(table: Any) -> Float[Tensor, " width"]:
    return torch.zeros_like(table.weight.detach()[0])


def _mean(table: Any) -> Float[Tensor, " width"]:
    # Looked up through the module, which may scale what it looks up.
    weight = table.weight.detach()
    total = torch.zeros_like(weight[0], dtype=torch.float32)
    ids = torch.arange(weight.shape[0], device=weight.device)
    with torch.no_grad():
        for block in ids.split(8192):
            total += table(block).float().sum(0)
    mean: Tensor = (total / weight.shape[0]).to(weight.dtype)
    return mean


DRAWS = 8
"""Replacements averaged by `resample` and `infill` unless resample:N or infill:N asks for N."""

AVERAGED = ("resample", "infill")
"""Removals that may be followed by a number of draws."""


def _draws(name: str, argument: str) -> int:
    if argument and not (argument.isdigit() and int(argument) > 1):
        raise InputError(f"got the removal '{name}:{argument}': write {name}:N, N of 2 or more")
    return int(argument) if argument else DRAWS


@removal("resample", does="put drawn words of equal token length in their place, averaged")
def _resample(
    model: LanguageModel,
    question: Question,
    argument: str,
    *,
    seed: int,
    references: tuple[str, ...],
) -> Absence:
    if question.source_length:
        raise InputError(
            "resample draws from one text, and an encoder-decoder's source and answer are two: "
            "use another removal"
        )
    draws = _draws("resample", argument)
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


@removal("infill", does="put what the model itself draws for their place, averaged")
def _infill(
    model: LanguageModel, question: Question, argument: str, *, seed: int, **_: Any
) -> Absence:
    if model.kind not in ("causal", "masked"):
        raise InputError(
            f"{model.name} is a {model.kind.replace('_', ' ')} model: it has no distribution to "
            "draw absent words from; use --removal resample"
        )
    draws, fillings = _draws("infill", argument), 1
    if model.kind == "masked":  # one token after the other
        spans = [question.unit_tokens[player] for player in question.players]
        fillings = sum(stop - first for first, stop in spans)
    return Absence(
        f"infill:{draws}", anchor=_anchor(model), fillings=fillings, repeats=draws, seed=seed
    )


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
