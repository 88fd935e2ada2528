"""Coalitions of a text that a model reads as a whole: classes, labels, answers, masked words.

Such a model reads a row in both directions, or answers once for the whole row, so rows share no
prefixes: distinct rows are run in batches of one length, without padding (decoder classifiers
read their answer off the last token, wherever padding would put it).

A masked word is read in a text of its own, in which it is masked; all else is read in one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.errors import InputError, ModelError
from glossator.game.evaluator import Evaluator
from glossator.game.infill import MaskedInfill
from glossator.game.readout import Readout
from glossator.game.removal import BASELINE, Absence
from glossator.game.rows import scored
from glossator.game.sides import player_of_tokens, segments_of
from glossator.model import LanguageModel
from glossator.model.shortcuts import read_at
from glossator.text import Question

Array = np.ndarray

TOGETHER = 16
"""Rows are filled up to a multiple of it: other numbers of rows take other kernels, or are shared
among threads otherwise, and the last digit would depend on how the work was cut."""


@dataclass(frozen=True)
class Version:
    """One text in which coalitions are read.

    Attributes:
        ids: [tokens] the text, with a word masked where that word is what is read.
        held: [players] present whatever the coalition, since they are what is read.
        scored: indices of the scored tokens read in it. at: the place of each.
    """

    ids: Int[Array, " tokens"]
    held: Bool[Array, " players"]
    scored: tuple[int, ...]
    at: tuple[int, ...]


def versions(question: Question, players: tuple[int, ...]) -> list[Version]:
    """The texts in which a question's targets are read; one unless words are masked in turn.

    Args:
        question: about a text that is read as a whole.
        players: unit index of each player.
    """
    table, column = scored(question), {unit: i for i, unit in enumerate(question.players)}
    before = question.before[:, [column[unit] for unit in players]].numpy()
    found: dict[bytes, Version] = {}
    for k, (t, b, step) in enumerate(zip(table.target, table.branch, table.step, strict=True)):
        ids, target = np.array(question.ids, dtype=np.int64), question.targets[t]
        held = np.zeros(len(players), dtype=bool)
        if question.mask is not None:
            tokens, place = target.branches[b].tokens, target.place
            ids[place : place + step] = tokens[:step]
            ids[place + step : place + len(tokens)] = question.mask
            held = ~before[t]
        key = ids.tobytes() + held.tobytes()
        old = found.get(key, Version(ids, held, (), ()))
        at = target.place + int(step)
        found[key] = Version(ids, held, (*old.scored, k), (*old.at, at))
    return list(found.values())


class WholeRows:
    """Rows of one text with some of its players absent.

    Args:
        owner: [tokens] index of each token's player, -1 where the token is held fixed.
        absence: what stands in for absent tokens.
        draw: which replacement, below `absence.draws`.
    """

    def __init__(self, owner: Int[Array, " tokens"], absence: Absence, draw: int = 0) -> None:
        self.owner, self.absence = owner, absence
        replacement = absence.replacement
        self.codes = None if replacement is None else replacement[draw][: len(owner)]

    def present(self, keep: Bool[Array, "rows players"]) -> Bool[Array, "rows tokens"]:
        """Which tokens are there."""
        always = np.ones((len(keep), 1), dtype=bool)
        return np.concatenate([keep, always], axis=1)[:, self.owner]

    def lengths(self, present: Bool[Array, "rows tokens"]) -> Int[Array, " rows"]:
        """How many tokens each row has when it is laid out."""
        if not self.absence.closes_up:
            return np.full(len(present), present.shape[1])
        lengths: Array = np.maximum(present.sum(axis=1), 1)
        return lengths

    def lay_out(
        self, present: Bool[Array, "rows tokens"], ids: Int[Array, "rows tokens"], length: int
    ) -> tuple[Array, Array, Array]:
        """Rows of one length: token ids or BASELINE, which can be seen, and their old places.

        Raises:
            InputError: nothing is left to read.
        """
        columns = np.broadcast_to(np.arange(ids.shape[1]), ids.shape)
        bare = ~present.any(axis=1)
        if self.absence.closes_up:
            columns = np.argsort(~present, axis=1, kind="stable")[:, :length]
            codes = np.take_along_axis(ids, columns, axis=1)
            if bare.any() and self.absence.anchor is None:
                raise InputError(
                    "deleting every word leaves nothing to read, and the tokenizer has no bos or "
                    "eos token: use --removal attention or token:ID"
                )
            codes[bare, 0] = self.absence.anchor or 0
            return codes, np.ones_like(codes, dtype=bool), columns
        if self.codes is not None:
            return np.where(present, ids, self.codes), np.ones_like(present), columns
        if bare.any():
            raise InputError(
                "hiding every word leaves nothing to look at: use --removal delete or token:ID"
            )
        return ids, present, columns


def look_up(
    embed: Callable[[Tensor], Tensor], codes: Array, baseline: Float[Tensor, " width"] | None
) -> Float[Tensor, "rows length width"]:
    """Embeddings of token ids, and the baseline where BASELINE stands."""
    ids = torch.from_numpy(np.ascontiguousarray(codes))
    embedded = embed(ids.clamp_min(0))
    if baseline is not None:
        embedded[(ids == BASELINE).to(embedded.device)] = baseline
    return embedded


def filled_up(rows: Int[Array, " rows"]) -> Int[Array, " more"]:
    """Indices of rows, the last one again and again up to a multiple of `TOGETHER`."""
    return np.pad(rows, (0, -len(rows) % TOGETHER), mode="edge")


def read_off(
    model: LanguageModel,
    readout: Readout,
    logits: Float[Tensor, "reads vocabulary"],
    token: Int[Array, " reads"],
    reference: Float[Tensor, "reads vocabulary"] | None,
) -> Float[Array, " reads"]:
    """Values of scored tokens.

    Raises:
        ModelError: they are not numbers.
    """
    ids = torch.from_numpy(token).to(logits.device)
    values: Array = readout.read(logits, ids, reference).cpu().numpy()
    if not np.isfinite(values).all():
        raise ModelError(
            f"{model.name} returned logits that are not numbers (NaN or infinite): "
            "try --dtype float32, or check the weights"
        )
    return values


@dataclass
class WholeEngine(Evaluator):
    """Runs coalitions of one question through one model; see `Evaluator` for the fields."""

    model: LanguageModel
    path: str | None = "batched"
    reason: str | None = "it reads whole rows"

    def __post_init__(self) -> None:
        if self.absence.closes_up and self.question.reads in ("token", "span"):
            raise InputError(
                "a deleted word would take its place in the text with it, from which labels and "
                "answers are read: use --removal embedding:mean, token:ID or attention"
            )
        owner = player_of_tokens(self.question, self.players).numpy()
        self._rows = WholeRows(owner, self.absence, self.draw)
        self._versions = versions(self.question, self.players)
        self._ids = np.stack([version.ids for version in self._versions])
        self._scored = scored(self.question)
        self._at, self._version = np.zeros((2, len(self._scored.token)), dtype=np.int64)
        for v, version in enumerate(self._versions):
            self._at[list(version.scored)] = version.at
            self._version[list(version.scored)] = v
        self._head = self.model.hf.get_output_embeddings()
        self._reference: Tensor | None = None
        self._states: Tensor | None = None
        self._infill = self._infiller() if self.absence.infills else None

    def evaluate(
        self, keep: Bool[Tensor, "coalitions players"]
    ) -> Float[Tensor, "coalitions targets"]:
        """Values of coalitions, in the readout's measure.

        Raises:
            ModelError: the logits are not numbers.
            MemoryBoundError: one row does not fit the bound.
        """
        if self.readout.needs_reference and self._reference is None:
            self._reference = self._whole(states=False)
        return self._scored.join(torch.from_numpy(self._values(keep.numpy())), self.readout.joins)

    def distances(
        self, keep: Bool[Tensor, "coalitions players"]
    ) -> Float[Tensor, "coalitions scored"]:
        """How far the model's idea of each scored token is from that with every player present.

        Returns:
            Euclidean distances of the last layer's output at the token's place; never negative.

        Raises:
            ModelError: the states are not numbers.
            MemoryBoundError: one row does not fit the bound.
        """
        if self._states is None:
            self._states = self._whole(states=True)
        return torch.from_numpy(self._values(keep.numpy(), states=True))

    def _values(self, keep: Array, states: bool = False) -> Float[Array, "coalitions scored"]:
        present, version, row_of = self._distinct(keep)
        values = np.full((len(present), len(self._scored.token)), np.nan)
        for rows, k, found in self._reads(present, version, states):
            values[rows, k] = self._moved(found, k) if states else self._read(found, k)
        each: Array = values[row_of[:, self._version], np.arange(values.shape[1])]
        return each

    def _read(self, logits: Tensor, k: Array) -> Float[Array, " reads"]:
        reference = None if self._reference is None else self._reference[k]
        return read_off(self.model, self.readout, logits, self._scored.token[k], reference)

    def _moved(self, states: Tensor, k: Array) -> Float[Array, " reads"]:
        assert self._states is not None
        distance: Array = (states - self._states[k]).double().norm(dim=-1).cpu().numpy()
        if not np.isfinite(distance).all():
            raise ModelError(f"{self.model.name} returned states that are not numbers (NaN)")
        return distance

    def _whole(self, states: bool) -> Float[Tensor, "scored some"]:
        """Logits, or states, of the unperturbed text at every scored token."""
        present, version, _ = self._distinct(np.ones((1, len(self.players)), dtype=bool))
        blocks = [(k, found) for _, k, found in self._reads(present, version, states)]
        order = np.argsort(np.concatenate([k for k, _ in blocks]))
        return torch.cat([found for _, found in blocks])[torch.from_numpy(order)]

    def _infiller(self) -> MaskedInfill:
        assert self.question.mask is not None
        absence, segments = self.absence, segments_of(self.question)
        return MaskedInfill(
            self.model, self.question.mask, segments, absence.seed, self.draw, self.budget
        )

    def _filled(self, present: Array, version: Array) -> Int[Array, "rows tokens"] | None:
        """The text of each row where the model itself draws the tokens of absent players."""
        if self._infill is None:
            return None
        before = self._infill.rows
        filled = self._infill(self._ids[version], present)
        self.counts.forward_rows += self._infill.rows - before
        self.counts.token_positions += (self._infill.rows - before) * present.shape[1]
        return filled

    def _distinct(self, keep: Array) -> tuple[Array, Array, Array]:
        """Distinct rows: present tokens, version; and the row of each coalition and version."""
        blocks = [self._rows.present(keep | version.held) for version in self._versions]
        present = np.concatenate(blocks)
        version = np.repeat(np.arange(len(blocks)), len(keep))
        keyed = np.column_stack([version, np.packbits(present, axis=1)])
        _, first, where = np.unique(keyed, axis=0, return_index=True, return_inverse=True)
        return present[first], version[first], where.reshape(len(blocks), len(keep)).T

    def _reads(
        self, present: Array, version: Array, states: bool
    ) -> Iterator[tuple[Array, Array, Tensor]]:
        """All reads, in blocks: (row of each, scored token of each, its logits or its state)."""
        filled = self._filled(present, version)
        shown = present if filled is None else np.ones_like(present)
        lengths = self._rows.lengths(shown)
        order = np.argsort(lengths, kind="stable")
        reads = max(len(version.scored) for version in self._versions)
        most = self.budget.read_rows(self.model, reads)
        for batch in self.budget.batches(self.model, lengths[order]):
            for first in range(0, len(batch), most):
                rows = order[batch[first : first + most]]
                with self.model.inference():
                    found, k = np.nonzero(version[rows, None] == self._version)
                    padded = filled_up(rows)
                    ids = self._ids[version[padded]] if filled is None else filled[padded]
                    read = self._run(shown[padded], ids, found, k, states)
                self.counts.forward_rows += len(rows)
                self.counts.token_positions += int(lengths[rows].sum())
                if self.progress is not None:
                    self.progress(self.counts.forward_rows)
                yield rows[found], k, read

    def _run(self, shown: Array, ids: Array, found: Array, k: Array, states: bool) -> Tensor:
        """Logits or states of the scored tokens `k` in the rows `found`, which have one length."""
        length = int(self._rows.lengths(shown)[0])
        codes, seen, columns = self._rows.lay_out(shown, ids, length)
        at = self._at[k]
        if self.absence.closes_up and self.question.reads == "mask":
            at = shown.cumsum(axis=1)[found, at] - 1
        segments = segments_of(self.question)
        if segments is not None:
            segments = segments[torch.from_numpy(columns.copy())]
        mask = torch.from_numpy(seen).long()
        # Embeddings, not ids: a decoder then answers at its last token, whatever its padding id.
        inputs = look_up(self.model.embed, codes, self.absence.baseline)
        forward: Callable[..., Tensor] = self.model.body if states else self.model.logits
        try:
            return read_at(
                None if states else self._head,
                lambda: forward(inputs, None, mask, segments=segments),
                *(torch.from_numpy(index).to(inputs.device) for index in (found, at)),
            ).float()
        except NotImplementedError as error:
            raise ModelError(
                f"{type(self.model.hf).__name__} cannot be asked for coalitions: {error}"
            ) from error
