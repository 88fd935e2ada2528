"""Attention whose probabilities can be seen, differentiated and changed on their way.

The same function for every architecture that takes its attention from transformers' table; it is
switched on for one forward pass and the model's own is put back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import ModelError
from glossator.model.language_model import LanguageModel

NAME = "glossator_traced"

Visit = Callable[[int, Float[Tensor, "rows heads queries keys"]], Tensor]
"""Called with (layer, probabilities); what it returns is used in their place."""

_active: ContextVar[_Visitor | None]


class _Visitor:
    """Counts the layers of one forward pass."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._layer = 0

    def __call__(self, weights: Tensor) -> Tensor:
        weights = self._visit(self._layer, weights)
        self._layer += 1
        return weights


_active = ContextVar("traced_attention", default=None)


def _forward(
    module: Any, query: Tensor, key: Tensor, value: Tensor, mask: Any = None, **options: Any
) -> tuple[Tensor, Tensor]:
    visitor = _active.get()
    if visitor is None:
        raise RuntimeError(f"the attention '{NAME}' is only for glossator's own forward passes")
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    scores = query @ key.transpose(-1, -2) * (options.get("scaling") or query.shape[-1] ** -0.5)
    softcap = options.get("softcap")
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    if mask is not None:
        scores = scores + mask[..., : key.shape[-2]]
    weights = visitor(scores.softmax(-1, dtype=torch.float32).to(query.dtype))
    return (weights @ value).transpose(1, 2).contiguous(), weights


@contextlib.contextmanager
def traced(model: LanguageModel, visit: Visit) -> Iterator[None]:
    """Let a function see and replace the attention probabilities of the next forward pass.

    Raises:
        ModelError: the model's attention cannot be replaced.
    """
    from transformers import AttentionInterface
    from transformers.masking_utils import AttentionMaskInterface, eager_mask

    AttentionInterface.register(NAME, _forward)
    AttentionMaskInterface.register(NAME, eager_mask)
    with model.attention(NAME) as settable:
        if not settable:
            raise ModelError(
                f"the attention of {type(model.hf).__name__} is its own and cannot be looked "
                "into: use a method that needs a game or a tape (see glossator methods)"
            )
        token = _active.set(_Visitor(visit))
        try:
            yield
        finally:
            _active.reset(token)
