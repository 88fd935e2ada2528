"""Attention along the paths of a prefix trie.

The new tokens of many rows go through the model as one ragged list: no padding in the linear
layers, and a prefix that rows share is in the list once. Only attention must know which token
belongs to which row: each row's new tokens attend to the keys along that row's own path, some
computed in this list, some carried over from an earlier one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.model.language_model import LanguageModel

NAME = "glossator_paths"

Carried = dict[Any, tuple[Tensor, Tensor]]


@dataclass
class PathAttention:
    """Where the keys of each row are, for one ragged list of new tokens.

    Indices count first the carried tokens, then the new ones.

    Attributes:
        paths: [rows depth] index of the token at each depth of a row (0 beyond its end).
        start: [rows] depth of the row's first new token.
        query: [rows width] index among the new tokens of each query, -1 beyond the last.
        positions: [rows depth] position of each token, for sliding windows.
        keep: indices of the tokens whose keys the next list needs.
        carried: keys and values by layer, [tokens heads size]; read, then replaced.
    """

    paths: Int[Tensor, "rows depth"]
    start: Int[Tensor, " rows"]
    query: Int[Tensor, "rows width"]
    positions: Int[Tensor, "rows depth"]
    keep: Int[Tensor, " kept"]
    carried: Carried
    _masks: dict[int | None, Bool[Tensor, "rows 1 width depth"]] = field(default_factory=dict)

    def mask(self, window: int | None) -> Bool[Tensor, "rows 1 width depth"]:
        """Which key each query may see: its own path up to itself, within the window."""
        if window not in self._masks:
            depth = torch.arange(self.paths.shape[1], device=self.paths.device)
            width = torch.arange(self.query.shape[1], device=self.paths.device)
            at = (self.start[:, None] + width).clamp_max(self.paths.shape[1] - 1)
            seen = depth <= at[:, :, None]
            if window is not None:
                here = self.positions.gather(1, at)[:, :, None]
                seen &= self.positions[:, None, :] > here - window
            self._masks[window] = seen[:, None]
        return self._masks[window]

    def attend(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, options: dict[str, Any]
    ) -> Float[Tensor, "1 new heads size"]:
        """Attention of one layer; query, key, value are [1 heads new size]."""
        key, value = self._with_carried(module, key, value)
        rows, width = self.query.shape
        groups = query.shape[1] // key.shape[1]
        # Queries of one key head are laid side by side, so grouped heads need no copied keys.
        # [rows keyheads groups*width size]
        queries = query[0].transpose(0, 1)[self.query.clamp_min(0)]
        queries = queries.unflatten(2, (key.shape[1], groups)).permute(0, 2, 3, 1, 4).flatten(2, 3)
        keys = key[self.paths].transpose(1, 2)
        values = value[self.paths].transpose(1, 2)
        mask = self.mask(options.get("sliding_window"))
        if groups > 1:
            mask = mask.repeat(1, 1, groups, 1)
        out = _attention(queries, keys, values, mask, options)
        out = out.unflatten(2, (groups, width)).permute(0, 3, 1, 2, 4).flatten(2, 3)
        result = torch.zeros_like(query[0].transpose(0, 1))
        real = self.query >= 0
        result[self.query[real]] = out[real]
        return result[None]

    def _with_carried(self, module: Any, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        key, value = key[0].transpose(0, 1), value[0].transpose(0, 1)
        if module in self.carried:
            old_key, old_value = self.carried[module]
            key, value = torch.cat([old_key, key]), torch.cat([old_value, value])
        self.carried[module] = (key[self.keep], value[self.keep])
        return key, value


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
