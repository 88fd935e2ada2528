"""The engine: values of coalitions of one text, every distinct prefix computed once.

`Engine.evaluate` is what a `Game` calls: coalitions -> rows -> trie -> chunks -> logits at the
read positions only -> readout -> targets. Models that can attend along paths run the trie;
the others run whole rows in plain batches, with the same numbers. Which of the two is right
for a model is tested on its first use, on the rows at hand.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.errors import InputError, ModelError
from glossator.game.evaluator import Evaluator
from glossator.game.infill import Infill
from glossator.game.removal import BASELINE
from glossator.game.rows import RowBuilder, Rows, scored
from glossator.game.trie import Chunk, Trie, build_trie, cut
from glossator.model import LanguageModel
from glossator.model.path_attention import Carried, PathAttention, Queries, along_paths, paths

Array = np.ndarray
PARITY = 2e-3
"""Largest difference in logits between the two paths, relative to their spread, in float32."""

PARITY_READS = 32
"""Positions at which they are compared: all of them would take more memory than the run."""


@dataclass
class Engine(Evaluator):
    """Runs coalitions of one question through one model.

    Attributes:
        path: "trie" or "batched"; None until the first use. reason: why it is "batched".
    """

    model: LanguageModel

    def __post_init__(self) -> None:
        self._builder = RowBuilder(self.question, self.players, self.absence, self.draw)
        self._scored = scored(self.question)
        self._reference: Tensor | None = None
        self._infill = self._infiller() if self.absence.infills else None
        self._splits, _ = self.model.splits, self.model.narrow_modules  # tried now, in plain rows

    def evaluate(
        self, keep: Bool[Tensor, "coalitions players"]
    ) -> Float[Tensor, "coalitions targets"]:
        """Values of coalitions, in the readout's measure.

        Raises:
            ModelError: the logits are not numbers.
            MemoryBoundError: one row does not fit the bound.
        """
        if self.readout.needs_reference and self._reference is None:
            self._reference = self._full_logits()
        rows = self._builder.build(keep.numpy(), self._filled(keep.numpy()))
        trie = build_trie(rows)
        read_node = trie.node[trie.rank[rows.read_row], rows.read_depth]
        scored = np.broadcast_to(np.arange(read_node.shape[1]), read_node.shape)
        pairs = np.stack([read_node.ravel(), scored.ravel()], axis=1)
        asked, where = np.unique(pairs, axis=0, return_inverse=True)
        values = self._read(trie, asked)
        self.counts.token_positions += self._positions(trie)
        self.counts.forward_rows += int((trie.fresh > 0).sum())
        each = torch.from_numpy(values[where.ravel()].reshape(read_node.shape))
        return self._scored.join(each, self.readout.joins)

    def _infiller(self) -> Infill:
        ids = np.asarray(self.question.ids, dtype=np.int64)
        absence = self.absence
        return Infill(self.model, ids, absence.anchor, absence.seed, self.draw, self.budget)

    def _filled(self, keep: Array) -> Array | None:
        """The tokens of each coalition where the model itself draws those of absent players."""
        if self._infill is None:
            return None
        rows, positions = self._infill.rows, self._infill.positions
        filled = self._infill(self._builder.present(keep))
        self.counts.forward_rows += self._infill.rows - rows
        self.counts.token_positions += self._infill.positions - positions
        return filled

    def _positions(self, trie: Trie) -> int:
        if self.path == "trie":
            return trie.nodes
        leaves, _ = trie.leaves()
        return int(trie.lengths[leaves].sum())

    def _read(self, trie: Trie, asked: Array) -> Array:
        """Value of each asked (node, scored token) pair, in order of nodes."""
        values = np.full(len(asked), np.nan)
        with self.model.inference():
            for found, logits in self._logits(trie, asked[:, 0]):
                token = torch.from_numpy(self._scored.token[asked[found, 1]]).to(logits.device)
                reference = None
                if self._reference is not None:
                    reference = self._reference[asked[found, 1]]
                read = self.readout.read(logits, token, reference).cpu().numpy()
                if not np.isfinite(read).all():
                    raise ModelError(
                        f"{self.model.name} returned logits that are not numbers (NaN or "
                        "infinite): try --dtype float32, or check the weights"
                    )
                values[found] = read
        return values

    def _full_logits(self) -> Tensor:
        """Logits of the unperturbed text at every scored token."""
        rows = self._builder.build(np.ones((1, len(self.players)), dtype=bool))
        trie = build_trie(rows)
        nodes = trie.node[trie.rank[rows.read_row[0]], rows.read_depth[0]]
        asked, where = np.unique(nodes, return_inverse=True)
        with self.model.inference():
            blocks = [logits for _, logits in self._logits(trie, asked)]
        return torch.cat(blocks)[torch.from_numpy(where).to(blocks[0].device)]

    def _logits(self, trie: Trie, nodes: Array) -> Iterator[tuple[Array, Tensor]]:
        """Logits at sorted nodes, in blocks: (indices into nodes, logits in float32 or wider)."""
        if self.path is None:
            self._choose_path(int(trie.lengths.max()))
        run = self._run_trie if self.path == "trie" else self._run_batches
        return run(trie, nodes)

    def _choose_path(self, length: int) -> None:
        """Try both ways on two rows; the trie must give the logits of plain rows."""
        # Longer rows may cross a sliding window or a scaling threshold: each scale is tested.
        scale = 1 << (length - 1).bit_length()
        if scale not in self.model.parity:
            self.model.parity[scale] = self._differs(length)
        self.reason = self.model.parity[scale]
        self.path = "trie" if self.reason is None else "batched"

    def _differs(self, length: int) -> str | None:
        """Why the trie cannot be used on this model; None when its logits are the same."""
        whole = np.resize(np.asarray(self.question.ids), length)
        twin = whole.copy()
        twin[length // 2] = (twin[length // 2] + 1) % self.model.embedding.weight.shape[0]
        places = np.tile(np.arange(length), (2, 1))
        none = np.zeros((0, 0), dtype=np.int64)
        trie = build_trie(Rows(np.stack([whole, twin]), places, np.full(2, length), none, none))
        nodes = np.unique(np.linspace(0, trie.nodes - 1, PARITY_READS).astype(np.int64))
        name = type(self.model.hf).__name__
        try:
            ours = torch.cat([block for _, block in self._run_trie(trie, nodes)])
        except (NotImplementedError, RuntimeError, TypeError, IndexError, KeyError) as error:
            return f"{name} cannot attend along paths ({error})"
        plain = torch.zeros_like(ours)
        for found, block in self._run_batches(trie, nodes):
            plain[torch.from_numpy(found)] = block
        bound = PARITY if self.model.dtype == torch.float32 else 30 * PARITY
        spread = float(plain.std())
        if spread > 0 and float((ours - plain).abs().max()) > bound * spread:
            return f"{name} does not attend along paths as it does along a plain row"
        return None

    def _run_trie(self, trie: Trie, nodes: Array) -> Iterator[tuple[Array, Tensor]]:
        carried: Carried = {}
        chunks = cut(trie, *self.budget.trie_chunk(self.model, int(trie.lengths.max())))
        with along_paths(self.model) as able:
            if not able:
                raise NotImplementedError("its attention is its own")
            for chunk, after in zip(chunks, [*chunks[1:], None], strict=True):
                found = np.flatnonzero((nodes >= chunk.begin) & (nodes < chunk.end))
                at = nodes[found] - chunk.begin
                last = (self.model.unread_block, at) if self._splits else None
                plan = _plan(trie, chunk, after, carried, last, self.model.device)
                order = np.arange(chunk.first, chunk.stop)
                tokens, places = _new_tokens(trie, order)
                with paths(plan):
                    yield from self._forward(tokens, places, found, at)
                self._tell(trie, chunk.end / trie.nodes)

    def _forward(
        self, tokens: Array, places: Array, found: Array, at: Array
    ) -> Iterator[tuple[Array, Tensor]]:
        """One ragged list through the model; logits at the given indices, in blocks.

        Lists and blocks are padded to a multiple of 16: matrix products of a few rows take
        other kernels, whose last digit would depend on how the work was cut.
        """
        pad = -len(tokens) % 16
        inputs = self._inputs(np.pad(tokens, (0, pad)))[None]
        positions = torch.from_numpy(np.pad(places, (0, pad)))[None]
        if self._splits:
            hidden = self.model.body(inputs, positions, None, self._reads(at))[0]
            yield from self._head(hidden, found, at)
        else:
            logits = self.model.logits(inputs, positions, None)[0]
            yield found, _wide(logits[torch.from_numpy(at).to(logits.device)])

    def _head(
        self, hidden: Float[Tensor, "tokens width"], found: Array, at: Array
    ) -> Iterator[tuple[Array, Tensor]]:
        block = self.budget.head_rows(self.model)
        for first in range(0, len(at), block):
            part = at[first : first + block]
            logits = self.model.head(hidden[self._reads(part)])
            yield found[first : first + block], _wide(logits)[: len(part)]

    def _reads(self, at: Array) -> Tensor:
        """Positions to read, the last one again and again up to a multiple of 16."""
        padded = np.concatenate([at, np.repeat(at[-1:], -len(at) % 16)])
        return torch.from_numpy(padded).to(self.model.device)

    def _run_batches(self, trie: Trie, nodes: Array) -> Iterator[tuple[Array, Tensor]]:
        """Whole rows in padded batches; rows that are a prefix of another are read there."""
        self._check_window(int(trie.lengths.max()))
        leaves, leaf_of = trie.leaves()
        first_row = np.searchsorted(trie.fresh.cumsum(), nodes, side="right")
        leaf = leaf_of[first_row]
        depth = trie.shared[first_row] + nodes - (trie.fresh.cumsum() - trie.fresh)[first_row]
        lengths = -(-trie.lengths[leaves] // 16) * 16  # padded alike whatever the batch
        order = np.argsort(lengths, kind="stable")
        done, total = 0, int(trie.lengths[leaves].sum())
        for batch in self.budget.batches(self.model, lengths[order]):
            members = order[batch]
            rows = leaves[members]
            width = int(lengths[members[0]])
            found = np.flatnonzero(np.isin(leaf, members))
            at = np.searchsorted(np.sort(members), leaf[found])
            row_of = np.argsort(members, kind="stable")[at]
            yield from self._forward_rows(trie, rows, width, found, row_of, depth[found])
            done += int(trie.lengths[rows].sum())
            self._tell(trie, done / total)

    def _forward_rows(
        self, trie: Trie, rows: Array, width: int, found: Array, row_of: Array, depth: Array
    ) -> Iterator[tuple[Array, Tensor]]:
        valid = np.arange(width) < trie.lengths[rows][:, None]
        room = ((0, 0), (0, max(width - trie.tokens.shape[1], 0)))
        tokens = np.pad(trie.tokens[rows], room)[:, :width]
        positions = np.pad(trie.positions[rows], room)[:, :width]
        inputs = self._inputs(np.where(valid, tokens, 0))
        arguments = (inputs, torch.from_numpy(positions), torch.from_numpy(valid).long())
        at = row_of * width + depth
        if self._splits:
            hidden = self.model.body(*arguments, self._reads(at)).flatten(0, 1)
            yield from self._head(hidden, found, at)
        else:
            logits = self.model.logits(*arguments).flatten(0, 1)
            yield found, _wide(logits[torch.from_numpy(at).to(logits.device)])

    def _check_window(self, length: int) -> None:
        """Rows with hidden tokens left out would measure a sliding window in the wrong tokens."""
        window = getattr(self.model.text_config, "sliding_window", None)
        hides = self.absence.drops and not self.absence.closes_up
        if hides and window is not None and window < length:
            raise InputError(
                f"{self.model.name} attends within {window} tokens and only in plain rows, where "
                "hidden tokens cannot keep their place: use --removal delete or token:ID"
            )

    def _inputs(self, codes: Array) -> Tensor:
        """Token ids, or embeddings where the baseline embedding stands in for some."""
        ids = torch.from_numpy(codes)
        if self.absence.baseline is None:
            return ids
        embedded = self.model.embed(ids.clamp_min(0))
        embedded[(ids == BASELINE).to(embedded.device)] = self.absence.baseline
        return embedded

    def _tell(self, trie: Trie, share: float) -> None:
        if self.progress is not None:
            self.progress(self.counts.forward_rows + share * int((trie.fresh > 0).sum()))


def _wide(logits: Tensor) -> Tensor:
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def _new_tokens(trie: Trie, order: Array) -> tuple[Array, Array]:
    """New tokens of neighbouring rows and their positions, as one list each."""
    depth = np.arange(trie.tokens.shape[1])
    fresh = (depth >= trie.shared[order, None]) & (depth < trie.lengths[order, None])
    return trie.tokens[order][fresh], trie.positions[order][fresh]


def _queries(trie: Trie, order: Array, nodes: Array, device: torch.device) -> Queries:
    """Some of the new nodes of neighbouring rows, by the row that adds them."""
    fresh = trie.fresh[order]
    begins = fresh.cumsum() - fresh
    row = np.searchsorted(begins, nodes, side="right") - 1
    count = np.bincount(row, minlength=len(order))
    shape = len(order), -(-int(count.max()) // 16) * 16
    place = np.arange(len(nodes)) - (count.cumsum() - count)[row]
    index, depth = np.full(shape, -1), np.zeros(shape, dtype=np.int64)
    index[row, place] = nodes
    depth[row, place] = trie.shared[order][row] + nodes - begins[row]
    return Queries(torch.from_numpy(index).to(device), torch.from_numpy(depth).to(device))


def _plan(
    trie: Trie,
    chunk: Chunk,
    after: Chunk | None,
    carried: Carried,
    last: tuple[Container[Any], Array] | None,
    device: torch.device,
) -> PathAttention:
    """Where the keys of a chunk's rows are: carried ones first, by depth, then the new ones."""
    order = np.arange(chunk.first, chunk.stop)
    order = order[trie.fresh[order] > 0]
    node = trie.node[order]
    depth = np.arange(node.shape[1])
    along = np.where(node >= chunk.begin, chunk.carry + node - chunk.begin, depth)
    along = np.where(node >= 0, along, 0)
    kept = np.zeros(0, dtype=np.int64)
    if after is not None:
        path = trie.node[after.first, : after.carry]
        kept = np.where(path >= chunk.begin, chunk.carry + path - chunk.begin, np.arange(len(path)))
    new = np.arange(chunk.end - chunk.begin)
    return PathAttention(
        paths=torch.from_numpy(along).to(device),
        queries=_queries(trie, order, new, device),
        last=None if last is None else (last[0], _queries(trie, order, last[1], device)),
        positions=torch.from_numpy(trie.positions[order]).to(device),
        keep=torch.from_numpy(kept).to(device),
        carried=carried,
    )
