"""The untrained miniature, with attention that starts where learning would have to find it.

From small random weights, a model of this size does not learn within hours on one core which
word belongs to which thing: the heads that carry a word to the next ones and the heads that find
it again are useless without each other, so neither gets a gradient. So they start out together:

- The heads of the first layer look 1, 2, 3 and 4 tokens back, through the biases of their queries
  and keys. What they find they write in three places of the residual stream, 32 directions each:
  the word just *before*; the words that may be *asked* about (2 and 3 back: "Mia is at the"); the
  words by which something is *known* later (3 and 4 back: "Mia went to the park").
- Two heads of the second layer look for the word that was just before ("The cup is" finds "cup")
  and copy what was before that one ("red"). The other two look for what is known by the words that
  are asked about ("Mia is at the" finds "park") and copy it.
- In the layers after these, queries start out nearly equal to keys, so that attention goes to what
  is similar, and values pass through: mimetic initialization (Trockman and Kolter 2023,
  arXiv:2305.09828; they give the values the opposite sign, for images).
- A word at the start of a text, where no space is before it, is a token of its own: it starts out
  as the same embedding. And the feed-forward layers begin quietly, lest they drown all this.

All of these weights are trained like any other.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaAttention

from glossator.miniature.tokens import BOS, CONTEXT, EOS, PAD, VOCABULARY

_WIDTH, _HEADS, _KEY_HEADS = 128, 4, 2
_HEAD_WIDTH: Final = _WIDTH // _HEADS

_LOCAL_LOGIT: Final = 20.0  # attention logit of the position looked at, in the first layer
_LOCAL_FREQUENCIES: Final = 4  # how many of the fastest rotations tell positions apart
_QUIET: Final = 0.1  # gain of what is not to disturb the start
_CARRIED: Final = (0.4, 0.25)  # gains of values and outputs of the first layer
_COPIED: Final = (0.6, 0.6)  # the same of the second layer
_SAME_WORD, _SAME_CLAUSE = 1.2, 0.9  # gains of its queries and keys
_SIMILARITY: Final = 0.5  # gain of queries and keys in later layers
_PASSING: Final = (0.7, 0.7)  # gains of values and outputs there
_APART: Final = 0.02  # noise of queries: heads that share a key and start alike would stay alike
_SPACE: Final = "\u0120"  # how byte-level tokenizers write a space

Place = Float[Tensor, "head width"]
"""Orthonormal directions of the residual stream, as many as a head is wide."""


def new_model(tokenizer: Any, seed: int) -> LlamaForCausalLM:
    """An untrained miniature.

    Args:
        tokenizer: of the model.
        seed: of its weights. The global state of chance is left as found.

    Returns:
        The model.

    Example:
        >>> from transformers import AutoTokenizer
        >>> from glossator.miniature import path
        >>> model = new_model(AutoTokenizer.from_pretrained(path()), 0)
        >>> sum(p.numel() for p in model.parameters())
        920192
    """
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=_WIDTH,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=_HEADS,
        num_key_value_heads=_KEY_HEADS,
        attention_bias=True,
        max_position_embeddings=CONTEXT,
        initializer_range=0.05,  # the usual 0.02 suits models ten times as wide
        tie_word_embeddings=True,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
        _join_words(model, tokenizer.get_vocab())
        for layer in model.model.layers:
            layer.mlp.down_proj.weight *= _QUIET
        word, before, asked, known = _places()
        first, second, *later = (layer.self_attn for layer in model.model.layers)
        _look_back(first)
        _pass(first, (word, word), (before, asked, asked + known, known), _CARRIED)
        keys = (_SAME_WORD * word, _SAME_CLAUSE * known)
        _match(second, keys, (_SAME_WORD * before, _SAME_CLAUSE * asked))
        _pass(second, (before, word), (word,) * _HEADS, _COPIED)
        for attention in later:
            passed = _places()[:_KEY_HEADS]
            _pass(attention, passed, _shared(passed), _PASSING)
            alike = tuple(_SIMILARITY * place for place in _places()[:_KEY_HEADS])
            _match(attention, alike, alike)
    return model


def _join_words(model: LlamaForCausalLM, vocabulary: Mapping[str, int]) -> None:
    """Let a word embed alike with and without the space before it."""
    embedding = model.model.embed_tokens.weight
    for token, index in vocabulary.items():
        spaced = vocabulary.get(_SPACE + token)
        if spaced is not None:
            embedding[index] = embedding[spaced]


def _places() -> tuple[Place, ...]:
    """The residual stream in as many places as there are heads, orthogonal to each other."""
    square = torch.empty(_WIDTH, _WIDTH)
    nn.init.orthogonal_(square)
    return tuple(torch.split(square, _HEAD_WIDTH))


def _shared(places: tuple[Place, ...]) -> tuple[Place, ...]:
    """What belongs to the key-value heads, once for each head that shares them."""
    return tuple(place for place in places for _ in range(_HEADS // _KEY_HEADS))


def _look_back(attention: LlamaAttention) -> None:
    """Set the biases of queries and keys so that head h looks h + 1 tokens back."""
    half = _HEAD_WIDTH // 2
    # Rotary embedding turns the pair (i, i + half) of position p by p * 10000^(-i / half).
    turn = 10000.0 ** (-torch.arange(half) / half)
    size = torch.zeros(half)
    size[:_LOCAL_FREQUENCIES] = math.sqrt(_LOCAL_LOGIT * math.sqrt(2 * half) / _LOCAL_FREQUENCIES)
    key = torch.cat([size, torch.zeros(half)])
    queries = [
        torch.cat([size * torch.cos(turn * back), -size * torch.sin(turn * back)])
        for back in range(1, _HEADS + 1)
    ]
    for part in (attention.q_proj, attention.k_proj):
        part.weight *= _QUIET
    attention.k_proj.bias.copy_(key.repeat(_KEY_HEADS))
    attention.q_proj.bias.copy_(torch.cat(queries))


def _pass(
    attention: LlamaAttention,
    values: tuple[Place, ...],
    outputs: tuple[Place, ...],
    gains: tuple[float, float],
) -> None:
    """Let each key-value head read a place, and each head write it to another."""
    attention.v_proj.weight.copy_(gains[0] * torch.cat(values))
    attention.o_proj.weight.copy_(gains[1] * torch.cat(outputs).T)


def _match(attention: LlamaAttention, keys: tuple[Place, ...], queries: tuple[Place, ...]) -> None:
    """Let attention go where the keys' place holds what the queries' place holds."""
    attention.k_proj.weight.copy_(torch.cat(keys))
    shared = torch.cat(_shared(queries))
    attention.q_proj.weight.copy_(shared + _APART * torch.randn_like(shared))
