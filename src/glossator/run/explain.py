"""Explain what a language model generated: the public functions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import glossator.attribution  # noqa: F401  registers the methods
from glossator.errors import InputError
from glossator.game import READOUTS, Budget
from glossator.model import LanguageModel, Model, RemoteModel, TextModel, load_model
from glossator.model.load import parse_bytes
from glossator.run.believe import believed
from glossator.run.inquiry import DEFAULT_METHOD, Inquiry, Progress
from glossator.run.kinds import Messages, Pieces, Request, Spans, pose
from glossator.text.pieces import MARKER
from glossator.types import Explanation

Prompt = str | Messages | tuple[str, str]


def explain(
    prompt: Prompt,
    model: Model | str | Path | None = None,
    *,
    pair: str | None = None,
    continuation: str | None = None,
    max_new_tokens: int = 16,
    sample: bool = False,
    temperature: float = 1.0,
    seed: int = 0,
    method: str = DEFAULT_METHOD,
    units: str | Spans | Pieces = "words",
    target_units: str | Spans = "words",
    players: str = "all",
    readout: str = "logprob",
    contrast: str | None = None,
    classes: Sequence[str | int] | None = None,
    language: str | None = None,
    removal: str | None = None,
    references: Sequence[str] | None = None,
    samples: int | None = None,
    precision: float | None = None,
    options: dict[str, Any] | None = None,
    trust: bool | str | None = None,
    batch_rows: int | None = None,
    max_memory: int | str | None = None,
    progress: Progress | None = None,
) -> Explanation:
    """Explain every output of one generation, or of one classification, at once.

    Args:
        prompt: the text, or chat messages ({"role", "content"}) for the chat template, or a
            pair of texts. A text with a mask token asks a masked model what stands there.
        model: a loaded model, a `RemoteModel`, a `FeatureModel`, a folder or hub name, or None
            for the bundled miniature.
        pair: the second text (a hypothesis; the context of a question), players too.
        continuation: the text to explain (the word behind the mask, the answer); None: the
            model generates it (its likeliest word or answer).
        max_new_tokens, sample, temperature: how it is generated (greedy unless `sample`).
        seed: of sampling, of the method's draws and of the removal's.
        method: a registered attribution method; see `glossator methods`.
        units: the players: "words", "tokens", "sentences", "marker:TEXT" (what lies between the
            occurrences of TEXT in the prompt), character spans (start, end) of the prompt, or
            texts in the order in which they occur in it. Earlier generated words are players for
            later ones, unless spans, texts or a marker are given.
        target_units: "words", "tokens", "sentences" or "sequence": what gets one row of scores;
            or spans of characters, for labels and masked words.
        players: "all", or "prompt" to hold the continuation fixed.
        readout: "logprob" (nats), "probability", "logit", "margin", "entropy" or "kl".
        contrast: explain why the continuation (or class) rather than this text (or class).
        classes: classes of a classifier, or labels of words, to explain, by name or index;
            None: all classes, or each word's likeliest label.
        language: what a translator answers in, as its tokenizer names it ("fr_XX", "fr").
        removal: how an absent unit is represented; None: embedding:mean, or delete for a model
            that is given text.
        references: texts that the removal `resample` draws words from, and
            `expected_gradients` its baselines.
        samples, precision: budget of a sampled method; see the method's page.
        options: further parameters of the method, by name.
        trust: whether to measure how far the scores can be believed, for a quarter of the rows
            of a Shapley run at most; "full": for more, with another removal beside. None: yes,
            but not of a model behind an endpoint, where each row is a call.
        batch_rows: at most so many rows at once. max_memory: bytes, or "2GB".
        progress: called with (method, forward rows done, forward rows planned).

    Returns:
        Signed scores [targets units]; positive = the unit raises the target's readout.

    Raises:
        InputError: anything about the request that cannot be used.
        ModelError: the model cannot be loaded or answers NaN.
        MemoryBoundError: the bound does not hold one row.

    Example:
        >>> why = explain("Mia and Tom went to the park. Tom gave the kite to", max_new_tokens=1)
        >>> len(why.targets), why.scores.shape[1] == len(why.units), why.provenance.measure
        (1, True, 'nats')
    """
    inquiry = inquire(
        prompt,
        model,
        pair=pair,
        continuation=continuation,
        max_new_tokens=max_new_tokens,
        sample=sample,
        temperature=temperature,
        seed=seed,
        units=units,
        target_units=target_units,
        players=players,
        readout=readout,
        contrast=contrast,
        classes=classes,
        language=language,
        references=references,
        batch_rows=batch_rows,
        max_memory=max_memory,
        progress=progress,
    )
    given = {"samples": samples, "precision": precision}
    chosen = {key: value for key, value in given.items() if value is not None}
    if trust not in (None, True, False, "full"):
        raise InputError(f"got trust={trust!r}: write True, False or 'full'")
    if trust is None:
        trust = not isinstance(inquiry.model, RemoteModel)
    why = inquiry.run(method, removal, chosen | (options or {}))
    return believed(inquiry, why, full=trust == "full") if trust else why


def inquire(
    prompt: Prompt,
    model: Model | str | Path | None = None,
    *,
    pair: str | None = None,
    continuation: str | None = None,
    max_new_tokens: int = 16,
    sample: bool = False,
    temperature: float = 1.0,
    seed: int = 0,
    units: str | Spans | Pieces = "words",
    target_units: str | Spans = "words",
    players: str = "all",
    readout: str = "logprob",
    contrast: str | None = None,
    classes: Sequence[str | int] | None = None,
    language: str | None = None,
    references: Sequence[str] | None = None,
    batch_rows: int | None = None,
    max_memory: int | str | None = None,
    progress: Progress | None = None,
) -> Inquiry:
    """Prepare a question once, to be asked by several methods; arguments as in `explain`."""
    if batch_rows is not None and batch_rows < 1:
        raise InputError(f"batch_rows is {batch_rows}: at least 1 row is needed")
    form = READOUTS.get(readout)
    if not isinstance(model, LanguageModel | TextModel):
        model = load_model(model)
    first, second = _texts(prompt, pair)
    how: dict[str, Any] = {"max_new_tokens": max_new_tokens, "sample": sample}
    how |= {"temperature": temperature, "seed": seed} if sample else {}
    posed, form = pose(
        model,
        Request(
            prompt=first,
            pair=second,
            continuation=continuation,
            contrast=contrast,
            classes=classes,
            language=language,
            target_units=target_units,
            players=players,
            units=units,
            readout=form,
            generation=how,
        ),
    )
    return Inquiry(
        model=model,
        question=posed.question,
        prompt=posed.encoded.prompt,
        continuation=posed.encoded.continuation,
        readout=form,
        units=units if isinstance(units, str) and not units.startswith(MARKER) else "spans",
        target_units=posed.target_units,
        generation=posed.generation,
        budget=Budget(parse_bytes(max_memory) or model.max_memory, batch_rows),
        seed=seed,
        references=tuple(references or ()),
        progress=progress,
    )


def _texts(prompt: Prompt, pair: str | None) -> tuple[str | Messages, str | None]:
    """The text or messages, and the second text of a pair however it was given."""
    if isinstance(prompt, str):
        return prompt, pair
    texts = [part for part in prompt if isinstance(part, str)]
    if not texts:
        return [part for part in prompt if not isinstance(part, str)], pair
    if pair is not None or len(texts) != 2 or len(prompt) != 2:
        raise InputError("give a pair of two texts once: as the prompt, or as prompt and pair")
    return texts[0], texts[1]
