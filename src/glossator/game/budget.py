"""How much is computed at once: from a memory bound, or from a number of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from glossator.errors import MemoryBoundError
from glossator.model import LanguageModel

CPU_TOKENS = 768
"""New tokens at once for each thread: matrix products at their peak, activations in the cache."""

GPU_TOKENS = 16384

HEAD_BYTES = 2**24
"""Logits of one block of read positions, unless the bound is smaller. With blocks of a quarter of
this size, a large vocabulary costs twice the time."""

READ_BYTES = 2**28
"""Logits of all read positions of the rows of one plain batch, unless the bound is smaller."""


@dataclass(frozen=True)
class Budget:
    """Bounds on one forward pass.

    Attributes:
        max_memory: bytes for activations, keys and logits; None: by device.
        batch_rows: at most so many rows at once; None: as many as fit.
    """

    max_memory: int | None = None
    batch_rows: int | None = None

    def trie_tokens(self, model: LanguageModel, length: int) -> int:
        """New tokens in one ragged list, given the longest row.

        Raises:
            MemoryBoundError: the longest row does not fit.
        """
        usual = _usual(model)
        if self.max_memory is None:
            return usual
        tokens = self._tokens(model)
        self._check_row(model, tokens, length)
        return min(usual, tokens)

    def batches(
        self, model: LanguageModel, lengths: Int[np.ndarray, " rows"]
    ) -> Iterator[Int[np.ndarray, " batch"]]:
        """Indices of rows of one padded length, batch by batch; lengths ascend.

        Raises:
            MemoryBoundError: the longest row does not fit.
        """
        usual = _usual(model)
        tokens = usual if self.max_memory is None else min(usual, self._tokens(model))
        if self.max_memory is not None and len(lengths):
            self._check_row(model, self._tokens(model), int(lengths[-1]))
        for length in np.unique(lengths):
            rows = np.flatnonzero(lengths == length)
            count = max(tokens // int(length), 1)
            count = min(count, self.batch_rows or count)
            for first in range(0, len(rows), count):
                yield rows[first : first + count]

    def head_rows(self, model: LanguageModel) -> int:
        """Read positions whose logits are held at once: a multiple of 16."""
        row = int(model.embedding.weight.shape[0]) * max(model.dtype.itemsize, 4)
        bound = HEAD_BYTES if self.max_memory is None else min(HEAD_BYTES, self.max_memory // 8)
        return max(bound // row // 16 * 16, 16)

    def read_rows(self, model: LanguageModel, reads: int) -> int:
        """Rows of so many read positions each whose logits are held at once."""
        row = reads * int(model.embedding.weight.shape[0]) * max(model.dtype.itemsize, 4)
        bound = READ_BYTES if self.max_memory is None else min(READ_BYTES, self.max_memory // 4)
        return max(bound // row, 1)

    def _tokens(self, model: LanguageModel) -> int:
        assert self.max_memory is not None
        return int(self.max_memory * 3 / 4) // token_bytes(model)

    def _check_row(self, model: LanguageModel, tokens: int, length: int) -> None:
        if length > tokens:
            need = int(length * token_bytes(model) * 4 / 3)
            raise MemoryBoundError(
                f"the memory bound of {self.max_memory} bytes is too small for one row of "
                f"{length} tokens: give --max-memory {-(-need // 2**20)}MiB or more"
            )


def _usual(model: LanguageModel) -> int:
    return GPU_TOKENS if model.device.type == "cuda" else CPU_TOKENS * torch.get_num_threads()


def token_bytes(model: LanguageModel) -> int:
    """Estimate of the activations of one token position at the widest point of a block.

    Residual stream, normed copy, queries, keys and values, gathered keys and values, attention
    output, and the feed-forward layer's gate, up and product.
    """
    config = model.text_config
    width = int(config.hidden_size)
    inner = getattr(config, "intermediate_size", None) or getattr(config, "n_inner", None)
    inner = int(inner or getattr(config, "ffn_dim", None) or 4 * width)
    per_layer_keys = 2 * width * model.layers  # carried from chunk to chunk, at most one row
    itemsize = torch.finfo(model.dtype).bits // 8
    return itemsize * (12 * width + 3 * inner + per_layer_keys)
