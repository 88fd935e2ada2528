"""Attention along the paths of a prefix trie.

The new tokens of many rows go through the model as one ragged list: no padding in the linear
layers, and a prefix that rows share is in the list once. Only attention must know which token
belongs to which row: each row's new tokens attend to the keys along that row's own path, some
computed in this list, some carried over from an earlier one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.model.language_model import LanguageModel

NAME = "glossator_paths"

QUERIES_AT_ONCE = 512
"""Of each row: so much of a mask is held, and of a long row's keys, those beyond are left out."""

KEYS_AT_ONCE = 512
"""As many as PyTorch's fused attention takes at once on a CPU."""

Carried = dict[Any, tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Queries:
    """Who asks, row by row.

    Attributes:
        index: [rows width] among the new tokens, -1 beyond the last of a row.
        depth: [rows width] on the row's path, any where there is no query.
    """

    index: Int[Tensor, "rows width"]
    depth: Int[Tensor, "rows width"]

    def split(self) -> Iterator[Queries]:
        """A few queries of each row at a time, none where there is none."""
        at_once = QUERIES_AT_ONCE
        for index, depth in zip(
            self.index.split(at_once, 1), self.depth.split(at_once, 1), strict=True
        ):
            if index.numel():
                yield Queries(index, depth)


@dataclass
class PathAttention:
    """Where the keys of each row are, for one ragged list of new tokens.

    Indices count first the carried tokens, then the new ones.

    Attributes:
        paths: [rows depth] index of the token at each depth of a row (0 beyond its end).
        queries: all new tokens.
        last: modules of the last block, whose attention answers the queries that are read and
            no other; None where it is not known.
        positions: [rows depth] position of each token, for sliding windows.
        keep: indices of the tokens whose keys the next list needs.
        carried: keys and values by layer, [tokens heads size]; read, then replaced.
    """

    paths: Int[Tensor, "rows depth"]
    queries: Queries
    last: tuple[Container[Any], Queries] | None
    positions: Int[Tensor, "rows depth"]
    keep: Int[Tensor, " kept"]
    carried: Carried

    def attend(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, options: dict[str, Any]
    ) -> Float[Tensor, "1 new heads size"]:
        """Attention of one layer; query, key, value are [1 heads new size]."""
        key, value = self._with_carried(module, key, value)
        keys, values = key[self.paths].transpose(1, 2), value[self.paths].transpose(1, 2)
        query = query[0].transpose(0, 1)
        result = torch.zeros_like(query)
        asked = self.queries
        if self.last is not None and module in self.last[0]:
            asked = self.last[1]
        for some in asked.split():
            # The rest of their paths is beyond them. In whole blocks of the kernel's own, so that
            # the digits do not depend on what else is asked.
            reach = -(-(int(some.depth.max()) + 1) // KEYS_AT_ONCE) * KEYS_AT_ONCE
            mask = self._mask(some, reach, options.get("sliding_window"))
            answers = _answers(query, some, keys[:, :, :reach], values[:, :, :reach], mask, options)
            real = some.index >= 0
            result[some.index[real]] = answers[real]
        return result[None]

    def _mask(
        self, queries: Queries, reach: int, window: int | None
    ) -> Bool[Tensor, "rows 1 width reach"]:
        """Which key each query may see: its own path up to itself, within the window."""
        depth = torch.arange(self.paths.shape[1], device=self.paths.device)[:reach]
        seen = depth <= queries.depth[:, :, None]
        if window is not None:
            here = self.positions.gather(1, queries.depth)[:, :, None]
            seen &= self.positions[:, None, :reach] > here - window
        return seen[:, None]

    def _with_carried(self, module: Any, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        key, value = key[0].transpose(0, 1), value[0].transpose(0, 1)
        if module in self.carried:
            old_key, old_value = self.carried[module]
            key, value = torch.cat([old_key, key]), torch.cat([old_value, value])
        self.carried[module] = (key[self.keep], value[self.keep])
        return key, value


def _answers(
    query: Float[Tensor, "new heads size"],
    asked: Queries,
    keys: Float[Tensor, "rows keyheads reach size"],
    values: Float[Tensor, "rows keyheads reach size"],
    mask: Bool[Tensor, "rows 1 width reach"],
    options: dict[str, Any],
) -> Float[Tensor, "rows width heads size"]:
    key_heads, width = keys.shape[1], asked.index.shape[1]
    groups = query.shape[1] // key_heads
    # Queries of one key head are laid side by side, so grouped heads need no copied keys.
    # [rows keyheads groups*width size]
    queries = query[asked.index.clamp_min(0)]
    queries = queries.unflatten(2, (key_heads, groups)).permute(0, 2, 3, 1, 4).flatten(2, 3)
    if groups > 1:
        mask = mask.repeat(1, 1, groups, 1)
    out: Tensor = _attention(queries, keys, values, mask, options).unflatten(2, (groups, width))
    return out.permute(0, 3, 1, 2, 4).flatten(2, 3)


def _attention(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor, options: dict[str, Any]
) -> Tensor:
    scale = options.get("scaling")
    softcap = options.get("softcap")
    if softcap is None:
        return torch.nn.functional.scaled_dot_product_attention(
            query, key, value, attn_mask=mask, scale=scale
        )
    scores = query @ key.transpose(-1, -2) * (scale or query.shape[-1] ** -0.5)
    scores = softcap * torch.tanh(scores / softcap)
    weights = scores.masked_fill(~mask, -torch.inf).softmax(-1, dtype=torch.float32)
    attended: Tensor = weights.to(value.dtype) @ value
    return attended


_active: ContextVar[PathAttention | None] = ContextVar("path_attention", default=None)


def _forward(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any = None, **options: Any
) -> tuple[Tensor, None]:
    active = _active.get()
    if active is None:
        raise RuntimeError(f"the attention '{NAME}' is only for the engine's own forward passes")
    return active.attend(module, query, key, value, options), None


@contextlib.contextmanager
def along_paths(model: LanguageModel) -> Iterator[bool]:
    """Let the model attend along paths for a while; yields whether it can be asked to."""
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, _forward)
    with model.attention(NAME) as settable:
        yield settable and model.accepts_positions


@contextlib.contextmanager
def paths(plan: PathAttention) -> Iterator[None]:
    """The paths of the next forward pass."""
    token = _active.set(plan)
    try:
        yield
    finally:
        _active.reset(token)
