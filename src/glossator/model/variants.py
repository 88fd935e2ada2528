"""The same model computed otherwise: with units dropped, in another precision, on other tokens."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from glossator.errors import InputError
from glossator.model.language_model import LanguageModel
from glossator.model.load import DTYPES

ATTENTION = 4
"""Dimensions of what is dropped where attention weights are: they are left whole."""


@contextlib.contextmanager
def thinned(model: LanguageModel, seed: int) -> Iterator[None]:
    """Dropout drawn once: a thinned network, the same for every row and position.

    Each dropout layer drops the same features everywhere, chosen by the seed, as in Gal and
    Ghahramani 2016 (arXiv 1512.05287), so that a value does not depend on what else is computed
    with it. Training mode, weights and the global generator are not touched; hooks are removed.

    Args:
        model: one with dropout layers of a probability above 0.
        seed: of what is dropped. Attention weights are not thinned.

    Raises:
        InputError: the model has no such layer.
    """
    layers = [
        module
        for module in model.hf.modules()
        if isinstance(module, torch.nn.Dropout) and module.p > 0
    ]
    if not layers:
        raise InputError(
            f"{model.name} has no dropout layer with a probability above 0: leave dropout out"
        )
    hooks = [
        layer.register_forward_hook(_thinning(seed * len(layers) + number))
        for number, layer in enumerate(layers)
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _thinning(seed: int) -> Callable[[torch.nn.Dropout, Any, Tensor], Tensor]:
    def hook(layer: torch.nn.Dropout, _: Any, output: Tensor) -> Tensor:
        if output.ndim >= ATTENTION:
            return output
        generator = torch.Generator().manual_seed(seed)
        kept = torch.rand(output.shape[-1], generator=generator) >= layer.p
        return output * (kept / (1 - layer.p)).to(output)

    return hook


def in_precision(model: LanguageModel, dtype: str) -> LanguageModel:
    """A copy of a model in another precision; itself where it has that already.

    Args:
        model: left as it is.
        dtype: "float32", "bfloat16" or "float16".

    Raises:
        InputError: no such precision.
    """
    wanted = DTYPES.get(dtype)
    if not isinstance(wanted, torch.dtype):
        names = ", ".join(name for name, known in DTYPES.items() if known != name)
        raise InputError(f"unknown precision '{dtype}': use one of {names}")
    if wanted == model.dtype:
        return model
    hf = copy.deepcopy(model.hf).to(wanted)
    return dataclasses.replace(model, hf=hf, parity={})


def with_tokenizer(model: LanguageModel, tokenizer: Any) -> LanguageModel:
    """The same weights behind another tokenizer of the same vocabulary."""
    return dataclasses.replace(model, tokenizer=tokenizer)
