"""What the model itself would have written in the place of absent words.

Input marginalisation (Kim et al. 2020, "Interpretation of NLP models through input
marginalization", arXiv:2010.13984): an absent word is drawn from the distribution that a
language model has for its place. Absent tokens are drawn from left to right. A causal model has a
distribution given what stands before: the words that are present and those drawn already. A masked
model has one given both sides, in which what is yet to be drawn is masked.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.errors import InputError
from glossator.game.budget import Budget
from glossator.model import LanguageModel
from glossator.model.generate import next_logits
from glossator.model.shortcuts import read_at

Array = np.ndarray

_TOGETHER = 16
"""Rows are filled up to a multiple of it: matrix products of a few rows take other kernels, and a
last digit might decide a draw."""


@dataclass
class Infill:
    """Fills the absent tokens of coalitions of one text.

    The same draw takes the same chances at the same place in every coalition (common random
    numbers): coalitions that agree on what stands before a place agree on what is drawn there.

    Attributes:
        ids: the text. anchor: token to start from where the first token is absent.
        seed, draw: of the chances.
        rows, positions: rows filled, and token positions computed for them, so far.
    """

    model: LanguageModel
    ids: Int[Array, " tokens"]
    anchor: int | None
    seed: int
    draw: int
    budget: Budget
    rows: int = 0
    positions: int = 0

    def __call__(
        self, present: Bool[Array, "coalitions tokens"]
    ) -> Int[Array, "coalitions tokens"]:
        """The tokens of each coalition's row, those absent replaced by drawn ones.

        Args:
            present: whether the token is there, or held fixed.

        Raises:
            InputError: the first token is absent and nothing can stand before it.
        """
        distinct, where = np.unique(present, axis=0, return_inverse=True)
        filled = np.tile(self.ids, (len(distinct), 1))
        gaps = np.flatnonzero(~distinct.all(axis=1))
        lengths = np.full(len(gaps), len(self.ids))
        with self.model.inference():
            for batch in self.budget.batches(self.model, lengths):
                filled[gaps[batch]] = self._fill(filled[gaps[batch]], ~distinct[gaps[batch]])
        self.rows += len(gaps)
        return filled[where.ravel()]

    def _fill(self, tokens: Array, absent: Array) -> Array:
        """Draw column by column; equal beginnings are read once, and not beyond their use."""
        last = absent.shape[1] - 1 - absent[:, ::-1].argmax(axis=1)
        reader = _Reader(self.model)
        for column in np.flatnonzero(absent.any(axis=0)):
            due = np.flatnonzero(absent[:, column])
            if column == 0:
                logits = self._first()
                tokens[due, 0] = self._drawn(logits, 0)
                continue
            waiting = np.flatnonzero(last >= column)
            logits, of = reader.read(tokens[waiting, :column])
            entry = of[np.searchsorted(waiting, due)]
            tokens[due, column] = self._drawn(logits, int(column))[entry]
        self.positions += reader.positions
        return tokens

    def _first(self) -> Float[Tensor, "one vocabulary"]:
        if self.anchor is None:
            raise InputError(
                "the first word has nothing before it that infill could go on from, and the "
                "tokenizer has no bos or eos token: use --removal resample"
            )
        logits, _ = _Reader(self.model).read(np.array([[self.anchor]]))
        self.positions += 1
        return logits

    def _drawn(self, logits: Float[Tensor, "rows vocabulary"], column: int) -> Int[Array, " rows"]:
        return _drawn(self.model, logits, chances(self.seed, self.draw, column, logits.shape[1]))


@dataclass
class MaskedInfill:
    """Fills the absent tokens of coalitions by a masked model, which reads both sides.

    A masked model has no distribution of several words at once. Which order they are drawn in makes
    a difference, so it is fixed: from left to right, each given what is present, what was drawn,
    and masks in the places that are still empty. Words that are asked for stay masked throughout.
    Chances are as in `Infill`.

    Attributes:
        mask: id of the mask token. segments: [tokens] which of two texts each belongs to, or None.
        seed, draw: of the chances.
        rows: texts read to draw a token, so far.
    """

    model: LanguageModel
    mask: int
    segments: Int[Tensor, " tokens"] | None
    seed: int
    draw: int
    budget: Budget
    rows: int = 0

    def __call__(
        self, ids: Int[Array, "texts tokens"], present: Bool[Array, "texts tokens"]
    ) -> Int[Array, "texts tokens"]:
        """The tokens of each text, those absent replaced by drawn ones.

        Args:
            ids: the texts. present: whether the token is there, or held fixed.
        """
        filled: Array = np.where(present, ids, self.mask)
        with self.model.inference():
            for column in np.flatnonzero(~present.all(axis=0)):
                due = np.flatnonzero(~present[:, column])
                filled[due, column] = self._draw(filled[due], int(column))
        return filled

    def _draw(self, texts: Int[Array, "texts tokens"], column: int) -> Int[Array, " texts"]:
        """A token for one place; equal texts are read once."""
        distinct, of = np.unique(texts, axis=0, return_inverse=True)
        drawn = np.empty(len(distinct), dtype=np.int64)
        most = self.budget.read_rows(self.model, 1)
        for batch in self.budget.batches(self.model, np.full(len(distinct), texts.shape[1])):
            for first in range(0, len(batch), most):
                rows = batch[first : first + most]
                logits = self._logits(distinct[rows], column)
                noise = chances(self.seed, self.draw, column, logits.shape[1])
                drawn[rows] = _drawn(self.model, logits, noise)
        self.rows += len(distinct)
        each: Array = drawn[of.ravel()]
        return each

    def _logits(self, texts: Array, column: int) -> Float[Tensor, "texts vocabulary"]:
        padded = np.pad(texts, ((0, -len(texts) % _TOGETHER), (0, 0)), mode="edge")
        ids = torch.from_numpy(padded)
        row = torch.arange(len(texts), device=self.model.device)
        segments = None if self.segments is None else self.segments.expand(ids.shape)
        return (
            read_at(
                self.model.hf.get_output_embeddings(),
                lambda: self.model.logits(
                    self.model.embed(ids), None, torch.ones_like(ids), segments
                ),
                row,
                torch.full_like(row, column),
            )
            .double()
            .cpu()
        )


def _drawn(
    model: LanguageModel,
    logits: Float[Tensor, "rows vocabulary"],
    noise: Float[Tensor, " vocabulary"],
) -> Int[Array, " rows"]:
    """A token for each row, by the Gumbel-max trick; special tokens are none to draw."""
    logits[:, model.tokenizer.all_special_ids] = -torch.inf
    return (logits + noise).argmax(1).numpy()


def chances(seed: int, draw: int, column: int, size: int) -> Float[Tensor, " size"]:
    """Gumbel noise of one place of the text: added to logits, the largest sum is a fair draw.

    Example:
        >>> bool((chances(0, 1, 2, 5) == chances(0, 1, 2, 5)).all())
        True
    """
    state = np.random.SeedSequence([seed, draw, column]).generate_state(1, np.uint64)[0]
    generator = torch.Generator().manual_seed(int(state >> np.uint64(1)))
    uniform = torch.rand(size, generator=generator, dtype=torch.float64)
    return -torch.log(-torch.log(uniform.clamp_min(1e-300)))


class _Reader:
    """Next-token logits of beginnings that grow: keys and values of what was read are kept."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model
        self._cache: object | None = None
        self._read: Array | None = None  # [entries read] the beginnings in the cache
        self.positions = 0

    def read(self, starts: Array) -> tuple[Float[Tensor, "entries vocabulary"], Array]:
        """Logits after each distinct start, and which of them is that of each row.

        Args:
            starts: [rows length] tokens; each begins as some start of the last call did.
        """
        entries, of = np.unique(starts, axis=0, return_inverse=True)
        padded = np.pad(entries, ((0, -len(entries) % _TOGETHER), (0, 0)), mode="edge")
        known = 0
        if self._cache is not None and self._read is not None:
            known = self._read.shape[1]
            parent = _find(self._read, padded[:, :known])
            self._cache.batch_select_indices(torch.from_numpy(parent))  # type: ignore[attr-defined]
        ids = torch.from_numpy(np.ascontiguousarray(padded[:, known:]))
        logits, self._cache = next_logits(self._model, ids, self._cache)
        self._read = padded
        self.positions += len(entries) * ids.shape[1]
        return logits[: len(entries)].double().cpu(), of.ravel()


def _find(table: Array, rows: Array) -> Int[Array, " rows"]:
    """Index in a table of the row that equals each of the given ones."""
    _, first, inverse = np.unique(
        np.concatenate([table, rows]), axis=0, return_index=True, return_inverse=True
    )
    return first[inverse.ravel()[len(table) :]]
