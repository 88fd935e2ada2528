"""Rows sorted into a prefix trie, and the trie cut into chunks.

Sorted rows that share a prefix are neighbours, so a row's new nodes are those beyond the
longest prefix it shares with the row before: one sort and one comparison build the trie, in
depth-first order. In that order the only older keys a chunk needs are those along the path it
starts on: at most one row's worth is carried from chunk to chunk.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from glossator.game.rows import Rows

Array = np.ndarray


@dataclass(frozen=True)
class Trie:
    """Distinct prefixes of rows.

    Attributes:
        tokens, positions: [rows depth], rows in sorted order.
        lengths: [rows].
        shared: [rows] depth of the prefix shared with the row before.
        node: [rows depth] node of each token, numbered in depth-first order; -1 beyond the end.
        rank: [rows] place in the sorted order of each original row.
        nodes: number of distinct prefixes.
    """

    tokens: Int[Array, "rows depth"]
    positions: Int[Array, "rows depth"]
    lengths: Int[Array, " rows"]
    shared: Int[Array, " rows"]
    node: Int[Array, "rows depth"]
    rank: Int[Array, " rows"]
    nodes: int

    @property
    def fresh(self) -> Int[Array, " rows"]:
        """Number of new nodes each row adds."""
        fresh: Array = self.lengths - self.shared
        return fresh

    def leaves(self) -> tuple[Int[Array, " leaves"], Int[Array, " rows"]]:
        """Rows that are no prefix of another, and for each row the leaf that contains it."""
        extended = np.append(self.shared[1:] == self.lengths[:-1], False)
        leaves = np.flatnonzero(~extended)
        return leaves, np.searchsorted(leaves, np.arange(len(self.lengths)))


def build_trie(rows: Rows) -> Trie:
    """Sort rows and number their distinct prefixes.

    Example:
        >>> import numpy as np
        >>> tokens = np.array([[5, 6, 7], [5, 6, 8], [5, 6, 7]])
        >>> places = np.tile(np.arange(3), (3, 1))
        >>> none = np.zeros((0, 0), dtype=int)
        >>> trie = build_trie(Rows(tokens, places, np.full(3, 3), none, none))
        >>> trie.nodes, trie.node.tolist()
        (4, [[0, 1, 2], [0, 1, 2], [0, 1, 3]])
    """
    keyed = np.stack([rows.tokens, rows.positions], axis=-1).astype(np.int32)
    flat = np.ascontiguousarray(keyed).reshape(len(keyed), -1)
    order = np.argsort(flat.view(np.dtype((np.void, flat.dtype.itemsize * flat.shape[1]))).ravel())
    keyed, lengths = keyed[order], rows.lengths[order]
    valid = np.arange(keyed.shape[1]) < lengths[:, None]
    same = (keyed[1:] == keyed[:-1]).all(axis=-1) & valid[1:] & valid[:-1]
    shared = np.append(0, np.logical_and.accumulate(same, axis=1).sum(axis=1))
    fresh = valid & (np.arange(keyed.shape[1]) >= shared[:, None])
    numbered = np.where(fresh, fresh.cumsum().reshape(fresh.shape) - 1, -1)
    node = np.where(valid, np.maximum.accumulate(numbered, axis=0), -1)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    tokens, positions = rows.tokens[order], rows.positions[order]
    return Trie(tokens, positions, lengths, shared, node, rank, int(fresh.sum()))


@dataclass(frozen=True)
class Chunk:
    """Neighbouring rows of a trie whose new nodes are computed together.

    Attributes:
        first, stop: range of rows.
        begin, end: range of new nodes.
        carry: number of carried nodes, the first row's path down to its first new node.
    """

    first: int
    stop: int
    begin: int
    end: int
    carry: int


def cut(trie: Trie, tokens: int, rows: int) -> list[Chunk]:
    """Cut a trie into chunks of at most so many new tokens and rows, but at least one row."""
    fresh = trie.fresh
    chunks = []
    first = begin = 0
    while first < len(fresh):
        sizes = fresh[first:].cumsum()
        used = (fresh[first:] > 0).cumsum()
        count = max(int(((sizes <= tokens) & (used <= rows)).sum()), 1)
        end = begin + int(sizes[count - 1])
        if end > begin:
            carry = int(trie.shared[first])
            chunks.append(Chunk(first, first + count, begin, end, carry))
        first, begin = first + count, end
    return chunks
