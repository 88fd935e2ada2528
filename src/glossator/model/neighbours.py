"""Words of a model's vocabulary, and how far they are from a word where it stands in a text."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glossator.errors import InputError
from glossator.model.language_model import LanguageModel
from glossator.text import cut, encode
from glossator.text.tokenizer import literal, special_ids, token_names

SHORTLIST = 256
"""Words compared inside the model, where each takes a forward pass of its own."""

_BEGINS = ("Ġ", "▁")  # how byte-level BPE and SentencePiece mark a token that begins a word
_CONTINUES = "##"  # how WordPiece marks one that does not
_BLOCK = 4096  # rows of the embedding looked up at once


class Neighbours:
    """Cosine distance between words, in the input embeddings or at a layer.

    In the input embeddings a word is the mean of its tokens. At layer k it is the output of block
    k at its last token, with the rest of the text as it is: the distance is then one in context.

    Args:
        model: whose vocabulary and vectors are used.
        layer: 0 for the input embeddings, else the number of a block, from 1.
        seed: of the words that are compared at a layer: `SHORTLIST` of the vocabulary.

    Raises:
        InputError: no such layer, or one of a model whose layers are not read.

    Example:
        >>> from glossator import load_model
        >>> near = Neighbours(load_model())
        >>> found = dict(near("Tom ran to the park.", 15, 19))
        >>> 0 < found["river"] < 2
        True
    """

    def __init__(self, model: LanguageModel, layer: int = 0, seed: int = 0) -> None:
        if not 0 <= layer <= model.layers:
            raise InputError(
                f"there is no layer {layer}: 0 is the input embeddings, and {model.name} has "
                f"{model.layers} blocks"
            )
        if layer and model.kind == "encoder_decoder":
            raise InputError(
                f"{model.name} has an encoder and a decoder: distances are measured in its input "
                "embeddings, layer 0"
            )
        self.model, self.layer, self.seed = model, layer, seed

    @property
    def record(self) -> Mapping[str, Any]:
        """How distances are measured."""
        words = self._shortlist if self.layer else self.words
        return {"distance": "cosine", "layer": self.layer, "words": len(words)}

    @functools.cached_property
    def _entries(self) -> tuple[tuple[str, int], ...]:
        """Whole words of letters that are one token, each once, with their ids."""
        tokenizer = self.model.tokenizer
        special = special_ids(tokenizer)
        ids = [i for i in range(len(tokenizer)) if i not in special]
        names = token_names(tokenizer, ids)
        marked = any(name.startswith(_BEGINS) for name in names)
        found: dict[str, int] = {}
        for token, name in zip(ids, names, strict=True):
            whole = name.startswith(_BEGINS) if marked else not name.startswith(_CONTINUES)
            word = literal(tokenizer, [token]).strip() if whole else ""
            if word.isalpha() and len(word) > 1:
                found.setdefault(word, token)
        rows = self.model.embedding.weight.shape[0]
        return tuple((word, token) for word, token in found.items() if token < rows)

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the vocabulary."""
        return tuple(word for word, _ in self._entries)

    @functools.cached_property
    def _shortlist(self) -> tuple[str, ...]:
        generator = torch.Generator().manual_seed(self.seed)
        picks = torch.randperm(len(self._entries), generator=generator)[:SHORTLIST]
        return tuple(self._entries[pick][0] for pick in picks.tolist())

    @functools.cached_property
    def _table(self) -> Float[Tensor, "words width"]:
        ids = torch.tensor([token for _, token in self._entries])
        with self.model.inference():
            blocks = [self.model.embed(block).float().cpu() for block in ids.split(_BLOCK)]
        return torch.cat(blocks)

    def __call__(self, text: str, start: int, end: int) -> list[tuple[str, float]]:
        """Words with their distance from the word at characters start to end, nearest first.

        Raises:
            InputError: no token of the text is there.
        """
        if self.layer:
            others = [text[:start] + word + text[end:] for word in self._shortlist]
            ends = [start + len(word) for word in self._shortlist]
            own = self._inside([text], [end])
            words, table = self._shortlist, self._inside(others, ends)
        else:
            own = self._embedded(text, start, end)[None]
            words, table = self.words, self._table
        distance = (1 - torch.cosine_similarity(own, table)).tolist()
        return sorted(zip(words, distance, strict=True), key=lambda found: found[1])

    def _embedded(self, text: str, start: int, end: int) -> Float[Tensor, " width"]:
        encoded = encode(self.model.tokenizer, text)
        inside = [
            token
            for unit in cut(encoded)
            if unit.start < end and start < unit.end
            for token in unit.tokens
        ]
        if not inside:
            raise InputError(f"there is no token at characters {start}-{end} of {text!r}")
        with self.model.inference():
            return self.model.embed(torch.tensor(inside)).float().mean(0).cpu()

    def _inside(self, texts: list[str], ends: list[int]) -> Float[Tensor, "texts width"]:
        """Output of the block at the last token before each end; texts of one length together."""
        rows = [encode(self.model.tokenizer, text, closing=not self._causal) for text in texts]
        place = [
            max(i for i, (begin, _) in enumerate(row.offsets) if begin < end and not row.fixed[i])
            for row, end in zip(rows, ends, strict=True)
        ]
        found: dict[int, Tensor] = {}
        for length in {len(row.ids) for row in rows}:
            alike = [i for i, row in enumerate(rows) if len(row.ids) == length]
            states = self._states(torch.tensor([rows[i].ids for i in alike]))
            found |= {i: states[k, place[i]] for k, i in enumerate(alike)}
        return torch.stack([found[i] for i in range(len(rows))])

    @property
    def _causal(self) -> bool:
        return self.model.kind == "causal"

    def _states(self, ids: Int[Tensor, "rows length"]) -> Float[Tensor, "rows length width"]:
        with self.model.inference():
            output = self.model.hf.base_model(
                input_ids=ids.to(self.model.device), output_hidden_states=True
            )
        states: Tensor = output.hidden_states[self.layer].float().cpu()
        return states
