"""A loaded model: what the engine may ask of it, and nothing that outlives the asking."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import platform
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glossator.errors import InputError
from glossator.model.kinds import Kind
from glossator.model.quantization import quantization
from glossator.model.shortcuts import feed_forward, only_at, quick_activations

_TALL = 2**24
"""Entries of a head from which on transposing its product is the smaller cost."""

_WORDS_AT_ONCE = 1024
"""Of the vocabulary, in a tall head: their logits are still in the cache when transposed."""


@dataclass(eq=False)
class LanguageModel:
    """A transformers model with its tokenizer, as `load_model` returns it.

    Weights, mode, dtype and attention implementation are the user's: every method that needs
    them otherwise puts them back.

    Attributes:
        hf: the transformers model. tokenizer: its tokenizer.
        kind: what it answers; see `glossator.model.kinds`.
        name: what the user typed, or "glossator/miniature". revision: hub revision, if any.
        max_memory: bytes the engine may use for activations; None: chosen by device.
    """

    hf: Any
    tokenizer: Any
    kind: Kind
    name: str
    revision: str | None = None
    max_memory: int | None = None
    parity: dict[Any, str | None] = field(default_factory=dict, repr=False)

    @property
    def device(self) -> torch.device:
        """Where the input embeddings live."""
        device: torch.device = self.embedding.weight.device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        dtype: torch.dtype = self.embedding.weight.dtype
        return dtype

    @property
    def embedding(self) -> Any:
        """The input embedding module."""
        return self.hf.get_input_embeddings()

    @property
    def text_config(self) -> Any:
        """The configuration of the text model (the whole one for text-only models)."""
        return self.hf.config.get_text_config()

    @functools.cached_property
    def context_length(self) -> int | None:
        """The longest row in tokens, None when the model does not say."""
        length = getattr(self.text_config, "max_position_embeddings", None)
        return int(length) if length else None

    @functools.cached_property
    def layers(self) -> int:
        """Number of transformer blocks."""
        return int(self.text_config.num_hidden_layers)

    @functools.cached_property
    def blocks(self) -> torch.nn.ModuleList | None:
        """The transformer blocks in order, None where they are not to be found."""
        for module in self.hf.base_model.modules():
            if isinstance(module, torch.nn.ModuleList) and len(module) == self.layers:
                return module
        return None

    @functools.cached_property
    def accepts_positions(self) -> bool:
        """Whether the forward pass takes `position_ids`."""
        if getattr(self.text_config, "alibi", False):
            return False
        return "position_ids" in inspect.signature(self.hf.forward).parameters

    @property
    def continues(self) -> bool:
        """Whether it says a text token by token, each after those before it."""
        return self.kind in ("causal", "encoder_decoder")

    @functools.cached_property
    def classes(self) -> dict[int, str]:
        """Names of classes or labels by index."""
        return {int(index): str(name) for index, name in self.hf.config.id2label.items()}

    def check_length(self, tokens: int) -> None:
        """Refuse a row that the model has no positions for.

        Raises:
            InputError: the row is longer than the context.
        """
        if self.context_length is not None and tokens > self.context_length:
            raise InputError(
                f"the text has {tokens} tokens and the context of {self.name} is "
                f"{self.context_length}: shorten the prompt or lower --max-new-tokens"
            )

    def embed(self, ids: Int[Tensor, "*shape"]) -> Float[Tensor, "*shape width"]:
        """Input embeddings of token ids, as the model itself looks them up."""
        embedded: Tensor = self.embedding(ids.to(self.device))
        return embedded

    def body(
        self,
        inputs: Tensor,
        positions: Int[Tensor, "rows length"] | None,
        mask: Tensor | None,
        reads: Int[Tensor, " reads"] | None = None,
        segments: Tensor | None = None,
    ) -> Float[Tensor, "rows length width"]:
        """Hidden states before the head.

        Args:
            inputs: token ids [rows length], or embeddings [rows length width].
            positions: position of each token; ignored by models that take none.
            mask: [rows length], 1 for tokens and 0 for padding; None when the attention
                implementation in force needs none.
            reads: indices into rows x length; elsewhere the last block is left unfinished. A
                count that is a multiple of 16 keeps the digits apart from what else is read.
            segments: as for `logits`.
        """
        arguments = self._arguments(inputs, positions, mask, segments)
        with only_at(self.narrow_modules, reads) if reads is not None else nullcontext():
            hidden: Tensor = self.hf.base_model(**arguments)[0]
        return hidden

    @property
    def unread_block(self) -> frozenset[torch.nn.Module]:
        """Modules of the last block; none where positions that nobody reads matter there."""
        if self.blocks is None or not self.narrow_modules:
            return frozenset()
        return frozenset(self.blocks[-1].modules())

    @functools.cached_property
    def narrow_modules(self) -> list[torch.nn.Module]:
        """What need not work at positions that nobody reads, [] where that changes a number."""
        if self.blocks is None:
            return []
        modules = feed_forward(self.blocks[-1])
        positions = torch.arange(4, device=self.device)[None]
        ids = positions % self.embedding.weight.shape[0]
        reads = torch.tensor([1, 3], device=self.device)
        arguments = self._arguments(ids, positions, torch.ones_like(ids))
        with self.inference():
            whole = self.hf.base_model(**arguments)[0][0, reads]
            try:
                with only_at(modules, reads):
                    some = self.hf.base_model(**arguments)[0][0, reads]
            except (TypeError, ValueError, IndexError, AttributeError, RuntimeError):
                return []
        return modules if torch.allclose(whole, some, rtol=1e-4, atol=1e-5) else []

    def head(self, hidden: Float[Tensor, "reads width"]) -> Float[Tensor, "reads vocabulary"]:
        """Next-token logits of hidden states; only for models where `splits` holds."""
        head = self.hf.get_output_embeddings()
        plain = type(head) is torch.nn.Linear and head.bias is None
        if plain and hidden.device.type == "cpu" and head.weight.numel() > _TALL:
            return _tall(head.weight, hidden)
        logits: Tensor = head(hidden)
        return logits

    def logits(
        self,
        inputs: Tensor,
        positions: Tensor | None,
        mask: Tensor | None,
        segments: Tensor | None = None,
    ) -> Tensor:
        """Logits by the model's own forward pass.

        Args:
            inputs, positions, mask: as for `body`.
            segments: [length], 0 for the first text of a pair and 1 for the second; None for
                one text, and for models that do not tell the two apart.

        Returns:
            [rows length vocabulary]; [rows classes] of a classifier; [rows 2 length] where an
            answer starts and ends.
        """
        output = self.hf(**self._arguments(inputs, positions, mask, segments))
        if self.kind == "question_answering":
            return torch.stack([output.start_logits, output.end_logits], dim=1)
        logits: Tensor = output.logits
        return logits

    def _arguments(
        self,
        inputs: Tensor,
        positions: Tensor | None,
        mask: Tensor | None,
        segments: Tensor | None = None,
    ) -> dict[str, Any]:
        name = "inputs_embeds" if inputs.is_floating_point() else "input_ids"
        arguments: dict[str, Any] = {name: inputs.to(self.device), "use_cache": False}
        if mask is not None:
            arguments["attention_mask"] = mask.to(self.device)
        if self.accepts_positions and positions is not None:
            arguments["position_ids"] = positions.to(self.device)
        # Only where there is something to tell apart: GPT-2 would add the embeddings of words.
        if segments is not None and getattr(self.text_config, "type_vocab_size", 0) > 1:
            arguments["token_type_ids"] = segments.to(self.device).expand(inputs.shape[:2])
        accepted = inspect.signature(self.hf.forward).parameters
        return {key: value for key, value in arguments.items() if key in accepted}

    @functools.cached_property
    def splits(self) -> bool:
        """Whether head(body(x)) is exactly the model's own logits (no scaling or soft cap)."""
        if self.kind != "causal" or self.hf.get_output_embeddings() is None:
            return False
        ids = torch.tensor([[1, 0, 2, 1]], device=self.device) % self.embedding.weight.shape[0]
        positions = torch.arange(4, device=self.device)[None]
        mask = torch.ones_like(ids)
        with self.inference():
            try:
                own = self.logits(ids, positions, mask)
                ours = self.head(self.body(ids, positions, mask)[0])[None]
            except (TypeError, IndexError, AttributeError):
                return False
        return own.shape == ours.shape and torch.allclose(own, ours, rtol=1e-4, atol=1e-5)

    @contextlib.contextmanager
    def inference(self, gradients: bool = False) -> Iterator[None]:
        """Evaluation mode, with or without gradients by the inputs; everything is put back."""
        training = [module for module in self.hf.modules() if module.training]
        # Quantised weights can be no leaves, whose flag cannot be changed.
        learnt = [p for p in self.hf.parameters() if p.requires_grad and p.is_leaf]
        wanted = learnt if gradients else []
        self.hf.eval()
        for parameter in wanted:
            parameter.requires_grad_(False)
        try:
            with torch.set_grad_enabled(gradients), quick_activations(self.hf, gradients):
                yield
        finally:
            for parameter in wanted:
                parameter.requires_grad_(True)
            for module in training:
                module.training = True

    @contextlib.contextmanager
    def attention(self, implementation: str) -> Iterator[bool]:
        """Another attention implementation for a while; yields whether the model took it."""
        before = {
            id(config): (config, config._attn_implementation_internal) for config in self._configs()
        }
        settable = bool(self.hf._can_set_attn_implementation())
        try:
            if settable:
                for config, _ in before.values():
                    config._attn_implementation_internal = implementation
            yield settable
        finally:
            for config, implementation_before in before.values():
                config._attn_implementation_internal = implementation_before

    def _configs(self) -> Iterator[Any]:
        for module in self.hf.modules():
            config = getattr(module, "config", None)
            if hasattr(config, "_attn_implementation_internal"):
                yield config

    @property
    def quantised(self) -> str | None:
        """How its weights are quantised, in words; None for plain ones."""
        return quantization(self.hf.config)

    def describe(self) -> dict[str, Any]:
        """The model's part of a provenance record."""
        how = {} if self.quantised is None else {"quantization": self.quantised}
        return how | {
            "name": self.name,
            "revision": self.revision or getattr(self.hf.config, "_commit_hash", None),
            "architecture": type(self.hf).__name__,
            "parameters": sum(p.numel() for p in self.hf.parameters()),
            "dtype": str(self.dtype).removeprefix("torch."),
            "device": self.device.type,
            "attention": self.hf.config._attn_implementation,
        }

    @functools.cached_property
    def tokenizer_description(self) -> dict[str, Any]:
        """The tokenizer's part of a provenance record: class and hash of its vocabulary."""
        vocabulary = sorted(self.tokenizer.get_vocab().items(), key=lambda item: item[1])
        digest = hashlib.sha256(repr(vocabulary).encode()).hexdigest()
        return {"class": type(self.tokenizer).__name__, "sha256": digest}


def versions() -> dict[str, str]:
    """Versions of what the numbers depend on."""
    import transformers

    from glossator import __version__

    return {
        "glossator": __version__,
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "python": platform.python_version(),
    }


def _tall(
    weight: Float[Tensor, "vocabulary width"], hidden: Float[Tensor, "reads width"]
) -> Float[Tensor, "reads vocabulary"]:
    """Logits by a tall matrix times a narrow one, which is faster than the other way round.

    Rows in one piece, as any head gives them: sums across pieces would depend on how many rows
    there are.
    """
    if hidden.requires_grad:
        return (weight @ hidden.T).T.contiguous()
    logits = hidden.new_empty(len(hidden), len(weight))
    for first in range(0, len(weight), _WORDS_AT_ONCE):
        words = slice(first, first + _WORDS_AT_ONCE)
        logits[:, words] = (weight[words] @ hidden.T).T
    return logits
