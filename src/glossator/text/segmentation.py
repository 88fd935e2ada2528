"""The same text in other tokens: what a model would have read had its tokenizer cut otherwise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glossator.errors import InputError
from glossator.text.tokenizer import Tokenizer, literal, special_ids, token_names

RATE = 0.2
"""Probability with which a token is cut in two, and each half again."""


def segmented(
    tokenizer: Tokenizer, ids: Sequence[int], generator: np.random.Generator, rate: float = RATE
) -> tuple[int, ...]:
    """Other tokens of the same vocabulary that write the same text.

    Tokens are cut into pieces that are tokens themselves, as BPE-dropout cuts them (Provilkov
    et al. 2020, arXiv 1910.13267) by leaving out merges. Working on the vocabulary instead of the
    merges serves every kind of sub-word tokenizer, and a seed decides alone.

    Args:
        tokenizer: fast or slow.
        ids: of a text; special tokens are left as they are.
        generator: of the cuts.
        rate: how likely a token is to be cut.

    Returns:
        At least as many ids.

    Raises:
        InputError: no token of the text can be cut: the tokenizer knows one way to write it.
    """
    special = special_ids(tokenizer)
    whole: Any = tokenizer
    known: dict[str, int] = whole.get_vocab()
    vocabulary = {name: token for name, token in known.items() if token not in special}
    names, mark = token_names(tokenizer, ids), _continuing(tokenizer)
    if not any(_halves(name, vocabulary, mark) for name in names if name in vocabulary):
        raise InputError(
            "the tokenizer knows one way only to write this text: there is no tokenisation to vary"
        )
    cut: list[int] = []
    for token, name in zip(ids, names, strict=True):
        if name in vocabulary:
            pieces = _pieces(name, vocabulary, mark, generator, rate)
            cut += [vocabulary[piece] for piece in pieces]
        else:
            cut.append(token)
    if literal(tokenizer, cut) != literal(tokenizer, ids):
        raise InputError("other tokens write other text here: leave tokenisation out")
    return tuple(cut)


class Resegmented:
    """A tokenizer that cuts one text otherwise, and is itself for all others.

    Args:
        tokenizer: fast or slow.
        text: what is cut otherwise, by itself and where a longer text begins with it.
        generator: of the cuts. rate: see `segmented`.

    Raises:
        InputError: there is no other way to cut the text.
    """

    is_fast = False
    """Offsets are to be derived from the ids: those of the tokenizer are of other tokens."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        text: str,
        generator: np.random.Generator,
        rate: float = RATE,
    ) -> None:
        self._tokenizer = tokenizer
        encoded = tokenizer(text=text, add_special_tokens=False, verbose=False)
        self._own = list(encoded["input_ids"])
        self._other = list(segmented(tokenizer, self._own, generator, rate))

    def __call__(self, *texts: str, **options: Any) -> Mapping[str, Any]:
        """Encode; the ids of the text are replaced wherever they stand."""
        out = dict(self._tokenizer(*texts, **options))
        ids, size = list(out["input_ids"]), len(self._own)
        for begin in range(len(ids) - size + 1):
            if ids[begin : begin + size] == self._own:
                ids[begin : begin + size] = self._other
                break
        return out | {"input_ids": ids}

    def decode(self, token_ids: Any, **options: Any) -> Any:
        """The text of some ids."""
        return self._tokenizer.decode(token_ids, **options)

    def convert_ids_to_tokens(self, ids: Any) -> Any:
        """The vocabulary's own spelling of some ids."""
        return self._tokenizer.convert_ids_to_tokens(ids)

    def __getattr__(self, name: str) -> Any:
        if name == "_tokenizer":  # not set yet: a copy is being made
            raise AttributeError(name)
        return getattr(self._tokenizer, name)


def _continuing(tokenizer: Tokenizer) -> str:
    """What WordPiece puts before a token that does not begin a word; "" for other kinds."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    mark = getattr(getattr(backend, "model", None), "continuing_subword_prefix", None)
    return str(mark or "")


def _halves(name: str, vocabulary: Mapping[str, int], mark: str) -> list[tuple[str, str]]:
    """All ways to write a token as two."""
    first = len(mark) + 1 if mark and name.startswith(mark) else 1
    pairs = ((name[:i], mark + name[i:]) for i in range(first, len(name)))
    return [pair for pair in pairs if pair[0] in vocabulary and pair[1] in vocabulary]


def _pieces(
    name: str,
    vocabulary: Mapping[str, int],
    mark: str,
    generator: np.random.Generator,
    rate: float,
) -> list[str]:
    halves = _halves(name, vocabulary, mark) if generator.random() < rate else []
    if not halves:
        return [name]
    chosen = halves[int(generator.integers(len(halves)))]
    return [piece for half in chosen for piece in _pieces(half, vocabulary, mark, generator, rate)]
