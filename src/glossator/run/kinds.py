"""What each kind of model is asked, and which engine answers: one row of a table for each kind.

A new kind of model is one row here: how a request becomes a question, the engine that computes
values of coalitions, and the ways in which methods may ask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from glossator.errors import InputError, UnknownName
from glossator.game import (
    EncoderDecoderEngine,
    Engine,
    Evaluator,
    FeatureEngine,
    Readout,
    RegenerationEngine,
    RemoteEngine,
    WholeEngine,
)
from glossator.model import LanguageModel, Model, RemoteModel, decoder_start, generate
from glossator.registry import Needs
from glossator.run.text_models import Answer, of_classes, of_given_text, of_written_text
from glossator.text import (
    Encoded,
    Question,
    ask,
    ask_answer,
    ask_classes,
    ask_labels,
    ask_masked,
    continue_ids,
    continue_text,
    encode,
    encode_chat,
    encode_pair,
    encode_source,
)
from glossator.text.pieces import MARKER, find_pieces, split_at
from glossator.text.places import places_of, with_masks, word_places
from glossator.text.sides import BETWEEN
from glossator.text.units import shown

Messages = Sequence[dict[str, str]]
Spans = Sequence[tuple[int, int]]
Pieces = Sequence[str]


@dataclass(frozen=True)
class Request:
    """What a user wants explained; the fields are arguments of `glossator.explain`."""

    prompt: str | Messages
    pair: str | None
    continuation: str | None
    contrast: str | None
    classes: Sequence[str | int] | None
    language: str | None
    target_units: str | Spans
    players: str
    units: str | Spans | Pieces
    readout: Readout
    generation: dict[str, Any]


@dataclass(frozen=True)
class Posed:
    """A request as a question to a model, and how its text came about, for the record."""

    encoded: Encoded
    question: Question
    target_units: str
    generation: dict[str, Any]


DEFAULT_REMOVAL = "embedding:mean"
"""Measured in docs/design/default-removal.md."""


def _as_asked(_: Any, readout: Readout, units: Any, target_units: Any) -> Answer:
    return readout, target_units


@dataclass(frozen=True)
class Row:
    """How models of a kind are asked.

    Attributes:
        pose: makes a question of a request.
        engine: computes values of coalitions.
        ways: how methods may ask.
        takes: which of the fields that not all kinds have a use for this one has.
        answer: the readout and the kind of targets that it can answer with, given those asked for.
        removal: how an absent unit is represented, unless the user says how.
    """

    pose: Callable[[Any, Request], Posed]
    engine: type[Evaluator]
    ways: tuple[Needs, ...]
    takes: tuple[str, ...] = ()
    answer: Callable[[Any, Readout, Any, Any], Answer] = _as_asked
    removal: str = DEFAULT_REMOVAL


def pose(model: Model, request: Request) -> tuple[Posed, Readout]:
    """The question that a request is to a model, and the readout of its answer.

    Raises:
        InputError: something that this kind of model cannot be asked, or not in this way.
    """
    row = KINDS[model.kind]
    what = {
        "pair": "second text",
        "continuation": "continuation",
        "language": "language to answer in",
        "classes": "classes",
    }
    for name, meaning in what.items():
        if getattr(request, name) is not None and name not in row.takes:
            takers = ", ".join(kind for kind, other in KINDS.items() if name in other.takes)
            kind = model.kind.replace("_", " ")
            raise InputError(
                f"{model.name} is a {kind} model and takes no {meaning} ('{name}' is for: {takers})"
            )
    readout, targets = row.answer(model, request.readout, request.units, request.target_units)
    return row.pose(model, replace(request, target_units=targets)), readout


def _continued(model: Model, request: Request) -> Posed:
    """Prompt and continuation, given or generated."""
    if isinstance(request.prompt, str):
        start = encode(model.tokenizer, request.prompt)
    else:
        start = encode_chat(model.tokenizer, request.prompt)
    return _said(model, request, start)


def _answered(model: LanguageModel, request: Request) -> Posed:
    """A source and what the decoder says of it, given or generated."""
    begin = decoder_start(model, request.language)
    start = encode_source(model.tokenizer, _text(model, request), begin)
    return _said(model, request, start)


def _said(model: Model, request: Request, start: Encoded) -> Posed:
    _check_lengths(model, start)
    how = request.generation
    if request.continuation is not None:
        encoded = continue_text(model.tokenizer, start, request.continuation)
        generation: dict[str, Any] = {"mode": "given"}
    else:
        new = _generated(model, start, how)
        encoded = continue_ids(model.tokenizer, start, new)
        generation = {"mode": "sampled" if how["sample"] else "greedy"} | how
    foil = None
    if request.contrast is not None:
        foil = continue_text(model.tokenizer, start, request.contrast)
        generation["contrast"] = request.contrast
    if request.language is not None:
        generation["language"] = request.language
    kind = _named(request.target_units)
    question = ask(
        encoded,
        target_kind=kind,
        contrast=foil,
        players=request.players,
        **_cutting(start, request.units),
    )
    _check_lengths(model, encoded)
    return Posed(encoded, question, kind, generation)


def _generated(model: Model, start: Encoded, how: dict[str, Any]) -> tuple[int, ...]:
    if isinstance(model, LanguageModel):
        return generate(model, start.ids, source_length=start.source_length, **how)
    assert isinstance(model, RemoteModel)
    return tuple(map(ord, model.generate(start.text, **how)))


def _cutting(encoded: Encoded, units: str | Spans | Pieces) -> dict[str, Any]:
    """What the text is cut into: a kind of units, or spans of the prompt."""
    if isinstance(units, str):
        if units.startswith(MARKER):
            return {"spans": split_at(encoded.text, units.removeprefix(MARKER))}
        return {"kind": units}
    texts = [unit for unit in units if isinstance(unit, str)]
    spans = [unit for unit in units if not isinstance(unit, str)]
    if texts and spans:
        raise InputError("the units are both texts and spans: give one or the other")
    return {"spans": find_pieces(encoded.text, texts) if texts else spans}


def _classified(model: Model, request: Request) -> Posed:
    """Classes of a text, or of a pair: those named, else all but the one contrasted with."""
    encoded = _whole(model, request)
    foil = None if request.contrast is None else _class(model, request.contrast)
    named = [_class(model, name) for name in request.classes or _classes(model)]
    if request.classes is None:
        named = [entry for entry in named if entry != foil]
    question = ask_classes(encoded, named, contrast=foil, **_cutting(encoded, request.units))
    generation = {"mode": "classification", "contrast": request.contrast}
    return Posed(encoded, question, "classes", generation)


def _labelled(model: LanguageModel, request: Request) -> Posed:
    """Labels of words: those named, else each word's likeliest."""
    encoded = _whole(model, request)
    kind, spans = _chosen(request.target_units)
    foil = () if request.contrast is None else (_class(model, request.contrast),)
    best = _clean(model, encoded).argmax(-1).tolist()
    labels = []
    for place in word_places(encoded, kind, spans):
        for name in request.classes or [best[place[0]]]:
            pair = (_class(model, name), *foil)
            indices, names = zip(*pair, strict=True)
            if len(set(indices)) == len(indices):
                labels.append((place, indices, " − ".join(names)))
    if not labels:
        raise InputError(f"all words have the label '{request.contrast}': contrast another one")
    question = ask_labels(encoded, labels, **_cutting(encoded, request.units))
    generation = {"mode": "classification", "contrast": request.contrast}
    return Posed(encoded, question, "spans" if spans else kind, generation)


def _filled(model: LanguageModel, request: Request) -> Posed:
    """Masked words: those that the prompt masks, else every word in turn."""
    mask = model.tokenizer.mask_token_id
    if mask is None:
        raise InputError(f"the tokenizer of {model.name} has no mask token: nothing can be masked")
    encoded = _whole(model, request)
    if mask not in encoded.ids:
        return _each_masked(model, request, encoded, mask)
    words: list[tuple[int, tuple[int, ...], str]] = []
    generation: dict[str, Any] = {"mode": "filled", "contrast": request.contrast}
    foil = None if request.contrast is None else _word(model, request.contrast)
    if request.continuation is not None:
        if encoded.ids.count(mask) > 1:
            raise InputError("the prompt has several masks and one word to fill in: leave one mask")
        place, (ids, text) = encoded.ids.index(mask), _word(model, request.continuation)
        encoded = with_masks(encoded, model.tokenizer, place, len(ids))
        _check_lengths(model, encoded)
        words.append((place, ids, text))
        generation["mode"] = "given"
    else:
        best = _clean(model, encoded).argmax(-1).tolist()
        for place in (i for i, token in enumerate(encoded.ids) if token == mask):
            text = str(model.tokenizer.decode([best[place]])).strip()
            words.append((place, (best[place],), text))
    question = ask_masked(encoded, words, mask, contrast=foil, **_cutting(encoded, request.units))
    return Posed(encoded, question, "masks", generation)


def _each_masked(model: LanguageModel, request: Request, encoded: Encoded, mask: int) -> Posed:
    """The pseudo-log-likelihood of a text, word by word."""
    for name in ("continuation", "contrast"):
        if getattr(request, name) is not None:
            token = model.tokenizer.mask_token
            raise InputError(f"a {name} fills a mask: write {token} in the prompt where it goes")
    kind, spans = _chosen(request.target_units)
    places = word_places(encoded, kind, spans)
    words = [(a, encoded.ids[a:b], shown(encoded, a, b)[0]) for a, b in places]
    question = ask_masked(encoded, words, mask, **_cutting(encoded, request.units))
    return Posed(encoded, question, "spans" if spans else kind, {"mode": "masked in turn"})


def _found(model: LanguageModel, request: Request) -> Posed:
    """The answer to a question in a context, given or the likeliest."""
    if request.pair is None:
        raise InputError(
            f"{model.name} answers questions: give the question as the prompt and the text that "
            "holds the answer as the pair (--pair)"
        )
    encoded = _whole(model, request)
    begin = encoded.text.index(BETWEEN, len(str(request.prompt)))
    if request.continuation is None:
        answer, mode = _best_answer(_clean(model, encoded), encoded, begin), "found"
    else:
        answer, mode = _place(encoded, begin, request.continuation), "given"
    contrast = None if request.contrast is None else _place(encoded, begin, request.contrast)
    question = ask_answer(encoded, answer, contrast=contrast, **_cutting(encoded, request.units))
    return Posed(encoded, question, "answer", {"mode": mode, "contrast": request.contrast})


LONGEST_ANSWER = 30
"""Tokens of the longest answer that is looked for (`max_answer_length` of transformers' run_qa)."""


def _best_answer(logits: Tensor, encoded: Encoded, begin: int) -> tuple[int, int]:
    """(first, stop) token with the largest p(start) p(end), in the context."""
    inside = torch.tensor([not f for f in encoded.fixed])
    inside &= torch.tensor([start >= begin for start, _ in encoded.offsets])
    start, end = logits.masked_fill(~inside, -torch.inf)
    both = start[:, None] + end[None]
    far = torch.ones_like(both).tril(-1) + torch.ones_like(both).triu(LONGEST_ANSWER)
    first, last = divmod(int(both.masked_fill(far.bool(), -torch.inf).argmax()), len(start))
    return first, last + 1


def _place(encoded: Encoded, begin: int, answer: str) -> tuple[int, int]:
    at = encoded.text.find(answer, begin) if answer else -1
    place = None if at < 0 else places_of(encoded, at, at + len(answer))
    if place is None:
        raise InputError(f"'{answer}' is not in the context: an answer is a piece of it")
    return place


def _text(model: Model, request: Request) -> str:
    if not isinstance(request.prompt, str):
        raise InputError(f"{model.name} takes a text and no chat messages: give the prompt as text")
    return request.prompt


def _whole(model: Model, request: Request) -> Encoded:
    """The text, or both, with what the tokenizer adds around them."""
    if request.pair is not None:
        encoded = encode_pair(model.tokenizer, _text(model, request), request.pair)
    elif isinstance(request.prompt, str):
        encoded = encode(model.tokenizer, request.prompt, closing=True)
    else:
        encoded = encode_chat(model.tokenizer, request.prompt)
    _check_lengths(model, encoded)
    return encoded


def _check_lengths(model: Model, encoded: Encoded) -> None:
    model.check_length(len(encoded.ids) - encoded.source_length)
    model.check_length(encoded.source_length)


def _clean(model: LanguageModel, encoded: Encoded) -> Tensor:
    """Logits of the text as it is."""
    ids = torch.tensor([encoded.ids])
    segments = None if encoded.segments is None else torch.tensor(encoded.segments)
    with model.inference():
        inputs = model.embed(ids)
        return model.logits(inputs, None, torch.ones_like(ids), segments)[0].float().cpu()


def _named(target_units: str | Spans) -> str:
    if not isinstance(target_units, str):
        raise InputError("spans as target units are for labels and masked words: name a kind")
    return target_units


def _chosen(target_units: str | Spans) -> tuple[str, Spans | None]:
    """The kind of targets, and where they are when spans were given."""
    return (target_units, None) if isinstance(target_units, str) else ("words", target_units)


def _word(model: LanguageModel, text: str) -> tuple[tuple[int, ...], str]:
    """Tokens of a word that stands in the middle of a text."""
    ids = tuple(model.tokenizer(" " + text.strip(), add_special_tokens=False)["input_ids"])
    if not ids:
        raise InputError(f"'{text}' has no tokens: give a word to fill in")
    return ids, text.strip()


def _classes(model: Any) -> dict[int, str]:
    found: dict[int, str] = model.classes
    return found


def _class(model: Any, name: str | int) -> tuple[int, str]:
    for index, label in _classes(model).items():
        if name == label or str(name) == str(index):
            return index, label
    raise UnknownName("class", str(name), _classes(model).values())


EVERY_WAY: tuple[Needs, ...] = ("game", "tape", "trace")
BY_VALUE: tuple[Needs, ...] = ("game",)
BY_VALUE_OR_SLOPE: tuple[Needs, ...] = ("game", "tape")

KINDS: dict[str, Row] = {
    "causal": Row(_continued, Engine, EVERY_WAY, ("continuation",)),
    "encoder_decoder": Row(
        _answered, EncoderDecoderEngine, BY_VALUE_OR_SLOPE, ("continuation", "language")
    ),
    "classifier": Row(_classified, WholeEngine, EVERY_WAY, ("pair", "classes")),
    "masked": Row(_filled, WholeEngine, (*BY_VALUE_OR_SLOPE, "states"), ("pair", "continuation")),
    "token_classifier": Row(_labelled, WholeEngine, BY_VALUE_OR_SLOPE, ("classes",)),
    "question_answering": Row(_found, WholeEngine, BY_VALUE_OR_SLOPE, ("pair", "continuation")),
    "remote": Row(_continued, RemoteEngine, BY_VALUE, ("continuation",), of_given_text, "delete"),
    "regenerated": Row(
        _continued, RegenerationEngine, BY_VALUE, ("continuation",), of_written_text, "delete"
    ),
    "features": Row(
        _classified, FeatureEngine, (*BY_VALUE, "features"), ("classes",), of_classes, "delete"
    ),
}
