"""How much is computed at once: from a memory bound, or from a number of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int

from glossator.errors import MemoryBoundError
from glossator.model import LanguageModel
from glossator.model.path_attention import QUERIES_AT_ONCE

CPU_TOKENS = 768
"""New tokens at once for each thread: matrix products at their peak, activations in the cache."""

GPU_TOKENS = 16384

CPU_PATHS, GPU_PATHS = 2**28, 2**31
"""Bytes of keys gathered along the paths of the rows of one list: a row of one new token has a
path as long as any."""

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

    def trie_chunk(self, model: LanguageModel, length: int) -> tuple[int, int]:
        """New tokens, and rows, of one ragged list, given the longest row.

        Of a bound, 5/8 are for what new tokens take and the keys of one whole row, 1/4 for the
        keys gathered along the paths of all rows, 1/8 for logits.

        Raises:
            MemoryBoundError: the longest row does not fit.
        """
        usual = _usual(model)
        gathered = length * gathered_bytes(model)
        if self.max_memory is None:
            bound = GPU_PATHS if model.device.type == "cuda" else CPU_PATHS
            return usual, self._rows(bound // gathered)
        carried = length * key_bytes(model)
        token = block_bytes(model) + length * score_bytes(model)
        tokens = (self.max_memory * 5 // 8 - carried) // token  # one row at least, in any case
        scores = min(length, QUERIES_AT_ONCE) * length * score_bytes(model)
        need = max((carried + length * block_bytes(model) + scores) * 8 / 5, 4 * gathered)
        if self.max_memory < need:
            raise self._too_small(length, need)
        return min(usual, tokens), self._rows(self.max_memory // 4 // gathered)

    def _rows(self, fit: int) -> int:
        return max(min(fit, self.batch_rows or fit), 1)

    def batches(
        self, model: LanguageModel, lengths: Int[np.ndarray, " rows"]
    ) -> Iterator[Int[np.ndarray, " batch"]]:
        """Indices of rows of one padded length, batch by batch; lengths ascend.

        Raises:
            MemoryBoundError: the longest row does not fit.
        """
        tokens = _usual(model)
        if self.max_memory is not None:
            fit = int(self.max_memory * 3 / 4) // token_bytes(model)
            if len(lengths) and lengths[-1] > fit:
                raise self._too_small(lengths[-1], lengths[-1] * token_bytes(model) * 4 / 3)
            tokens = min(tokens, fit)
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

    def _too_small(self, length: int, need: float) -> MemoryBoundError:
        return MemoryBoundError(
            f"the memory bound of {self.max_memory} bytes is too small for one row of {length} "
            f"tokens: give --max-memory {math.ceil(need / 2**20)}MiB or more"
        )


def _usual(model: LanguageModel) -> int:
    return GPU_TOKENS if model.device.type == "cuda" else CPU_TOKENS * torch.get_num_threads()


def token_bytes(model: LanguageModel) -> int:
    """Estimate of what one token position takes: a block's activations and all blocks' keys."""
    return block_bytes(model) + key_bytes(model)


def block_bytes(model: LanguageModel) -> int:
    """Estimate of the activations of one block, of one token position.

    Residual stream, normed copy, queries, keys and values, gathered keys and values, attention
    output, and the feed-forward layer's gate, up and product.
    """
    config = model.text_config
    width = int(config.hidden_size)
    inner = getattr(config, "intermediate_size", None) or getattr(config, "n_inner", None)
    inner = int(inner or getattr(config, "ffn_dim", None) or 4 * width)
    return model.dtype.itemsize * (12 * width + 3 * inner)


def key_bytes(model: LanguageModel) -> int:
    """Keys and values of one token position in all blocks."""
    return 2 * int(model.text_config.hidden_size) * model.layers * model.dtype.itemsize


def gathered_bytes(model: LanguageModel) -> int:
    """Of one position on the path of a row, in one block: its key, value, query and output."""
    return 4 * int(model.text_config.hidden_size) * model.dtype.itemsize


def score_bytes(model: LanguageModel) -> int:
    """Of a query and a key on its path: whether it is seen, as a truth value and as a number.

    Scores of all heads are held only where they are capped, which no fused kernel does.
    """
    config = model.text_config
    capped = getattr(config, "attn_logit_softcapping", None) is not None
    return 5 + 12 * int(config.num_attention_heads) * capped
