"""Explain the distribution of the next token rather than the one token that was taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

import glossator.attribution  # noqa: F401  registers the methods
from glossator.errors import InputError
from glossator.game import READOUTS, Budget, Game, Readout
from glossator.game.readout import Ids, Logits, Values
from glossator.model import LanguageModel, Model, TextModel, decoder_start, load_model
from glossator.model.encoder_decoder import encode_source
from glossator.model.generate import next_logits
from glossator.model.load import parse_bytes
from glossator.registry import METHODS
from glossator.run.inquiry import DEFAULT_METHOD, Inquiry, Progress
from glossator.run.kinds import Messages, Spans
from glossator.text import (
    Asked,
    Branch,
    Encoded,
    continue_ids,
    cut,
    encode,
    encode_chat,
)
from glossator.text.question import pose
from glossator.text.sides import encode_source as encode_source_text
from glossator.text.units import shown
from glossator.types import Explanation

REST = "any other"
TOP = 5
_OTHERS = -1
"""Stands for all tokens but the top ones where a token id is expected."""


@dataclass(frozen=True, eq=False)
class Distribution:
    """Why the next token is distributed as it is: one game, read out twice.

    The targets are the likeliest tokens, likeliest first, and all others together.

    Attributes:
        logprob: scores in nats; positive = the word raises the log-probability of the target.
        probability: scores in probability; with every method whose scores are linear in the
            game's values, those of a word add up to 0 over the targets: what it gives to some
            tokens it takes from others.
    """

    logprob: Explanation
    probability: Explanation


def explain_distribution(
    prompt: str | Messages,
    model: Model | str | Path | None = None,
    *,
    top: int = TOP,
    method: str = DEFAULT_METHOD,
    removal: str | None = None,
    units: str | Spans = "words",
    language: str | None = None,
    seed: int = 0,
    samples: int | None = None,
    precision: float | None = None,
    options: dict[str, Any] | None = None,
    references: Sequence[str] | None = None,
    batch_rows: int | None = None,
    max_memory: int | str | None = None,
    progress: Progress | None = None,
) -> Distribution:
    """Explain the distribution over the token that follows a prompt.

    Args:
        prompt, model, removal, seed, samples, precision, options, references: as in `explain`.
        top: how many tokens are targets of their own.
        method: one that takes a game: the table of values is asked once for both readouts.
        units: "words", "tokens", "sentences", or spans of the prompt.
        language: of an encoder-decoder's answer, as in `explain`.
        batch_rows, max_memory, progress: as in `explain`.

    Raises:
        InputError: a model without a next token, another kind of method, a `top` that leaves no
            other token, or as `explain`.

    Example:
        >>> found = explain_distribution("Mia and Tom went to the park. Tom gave the kite to",
        ...                              top=2)
        >>> [target.text for target in found.probability.targets][-1]
        'any other'
        >>> bool(found.probability.scores.nansum(0).abs().max() < 1e-6)
        True
    """
    if not isinstance(model, LanguageModel | TextModel):
        model = load_model(model)
    if not isinstance(model, LanguageModel) or not model.continues:
        raise InputError(
            f"{model.name} shows no distribution of a next token: give a causal or an "
            "encoder-decoder model (the classes of a classifier are all explained at once)"
        )
    if METHODS.get(method).needs != "game":
        games = ", ".join(name for name in METHODS if METHODS.get(name).needs == "game")
        raise InputError(f"'{method}' takes no table of values: use one of {games}")
    start = _begun(model, prompt, language)
    ids = _likeliest(model, start, top)
    inquiry = Inquiry(
        model=model,
        question=pose(start, _cut(start, units), _targets(model, start, ids)),
        prompt=start.prompt,
        continuation="",
        readout=_readout(ids),
        units=units if isinstance(units, str) else "spans",
        target_units="tokens",
        generation={"mode": "distribution", "top": top},
        budget=Budget(parse_bytes(max_memory) or model.max_memory, batch_rows),
        seed=seed,
        references=tuple(references or ()),
        progress=progress,
    )
    given = {"samples": samples, "precision": precision}
    chosen = {key: value for key, value in given.items() if value is not None} | (options or {})
    logprob = inquiry.run(method, removal, chosen)
    return Distribution(logprob, _as_probability(inquiry).run(method, removal, chosen))


def _begun(model: LanguageModel, prompt: str | Messages, language: str | None) -> Encoded:
    if model.kind == "encoder_decoder":
        if not isinstance(prompt, str):
            raise InputError(f"{model.name} takes a text and no chat messages: give a text")
        return encode_source_text(model.tokenizer, prompt, decoder_start(model, language))
    if language is not None:
        raise InputError(f"{model.name} takes no language to answer in: leave it out")
    if isinstance(prompt, str):
        return encode(model.tokenizer, prompt)
    return encode_chat(model.tokenizer, prompt)


def _cut(start: Encoded, units: str | Spans) -> Any:
    return cut(start, units) if isinstance(units, str) else cut(start, spans=units)


def _likeliest(model: LanguageModel, start: Encoded, top: int) -> list[int]:
    """Ids of the likeliest next tokens, likeliest first."""
    size = start.source_length
    model.check_length(len(start.ids) - size + 1)
    model.check_length(size)
    with model.inference():
        states = None
        if size:
            embedded = model.embed(torch.tensor([start.ids[:size]]))
            states = encode_source(model, embedded, torch.ones(embedded.shape[:2]))
        ids = torch.tensor([start.ids[size:]], device=model.device)
        logits: Float[Tensor, " vocabulary"] = next_logits(model, ids, None, states)[0][0]
    if not 1 <= top < len(logits):
        raise InputError(f"got the top {top}: ask for 1 to {len(logits) - 1} tokens")
    found: list[int] = logits.float().cpu().topk(top).indices.tolist()
    return found


def _targets(model: LanguageModel, start: Encoded, ids: Sequence[int]) -> tuple[Asked, ...]:
    """A target for each token, and one for all others."""
    end = len(start.ids)
    targets = []
    for token in ids:
        said = continue_ids(model.tokenizer, start, [token])
        text, _, _ = shown(said, end, end + 1)
        targets.append(Asked(text, 0, 0, (token,), end, (Branch((token,), 0, 1.0),)))
    return (*targets, Asked(REST, 0, 0, (), end, (Branch((_OTHERS,), 0, 1.0),)))


def _readout(top: Sequence[int]) -> Readout:
    """Log-probability of a token, or of all but the top ones together."""

    def read(logits: Logits, ids: Ids, _: Logits | None) -> Values:
        logs = logits.double().log_softmax(1)
        named = logs.gather(1, ids.clamp_min(0)[:, None])[:, 0]
        logs[:, list(top)] = -torch.inf
        return torch.where(ids >= 0, named, logs.logsumexp(1))

    plain = READOUTS.get("logprob")
    return replace(plain, does="log-probability of a token, or of all others", read=read)


def _as_probability(inquiry: Inquiry) -> Inquiry:
    """The same question in probabilities, whose games read the tables of the first."""
    readout = READOUTS.get("probability")
    games = {key: (engine, _exp(game, readout)) for key, (engine, game) in inquiry._games.items()}
    return replace(inquiry, readout=readout, _games=games, progress=None)


def _exp(game: Game, readout: Readout) -> Game:
    return Game(
        lambda keep: game(keep).exp(),
        game.before,
        phrases=game.phrases,
        decision=readout.decision,
        measure=readout.measure,
    )
