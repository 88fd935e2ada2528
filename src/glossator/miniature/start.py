"""The untrained miniature, with attention that starts where learning would have to find it.

From small random weights, a model of this size does not learn within hours on one core which
word belongs to which thing: the heads that carry a word to the next ones and the heads that find
it again are useless without each other, so neither gets a gradient. Two things break the tie:

- the heads of the first layer start out looking 1, 2, 3 and 4 tokens back, through the biases of
  their queries and keys;
- in later layers, queries start out equal to keys, so that attention goes to what is similar, and
  values pass through: mimetic initialization (Trockman and Kolter 2023, arXiv:2305.09828; they
  give the values the opposite sign, for images).

All of these weights are trained like any other.
"""

import math
from typing import Final

import torch
from torch import nn
from transformers import LlamaConfig, LlamaForCausalLM

from glossator.miniature.tokens import BOS, CONTEXT, EOS, PAD, VOCABULARY

_LOCAL_LOGIT: Final = 12.0  # attention logit of the position looked at, in the first layer
_LOCAL_FREQUENCIES: Final = 4  # how many of the fastest rotations tell positions apart
_SIMILARITY: Final = 1.0  # gain of queries and keys in later layers
_PASSING: Final = 0.7  # gain of values, and of outputs


def new_model(seed: int) -> LlamaForCausalLM:
    """An untrained miniature.

    Args:
        seed: of its weights. The global state of chance is left as found.

    Returns:
        The model.

    Example:
        >>> sum(p.numel() for p in new_model(0).parameters())
        920192
    """
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
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
        for number, layer in enumerate(model.model.layers):
            _pass_values(layer.self_attn, config)
            if number == 0:
                _look_back(layer.self_attn, config)
            else:
                _match_similar(layer.self_attn, config)
    return model


def _look_back(attention: nn.Module, config: LlamaConfig) -> None:
    """Set the biases of queries and keys so that head h looks h + 1 tokens back."""
    half = config.hidden_size // config.num_attention_heads // 2
    # Rotary embedding turns the pair (i, i + half) of position p by p * 10000^(-i / half).
    turn = 10000.0 ** (-torch.arange(half) / half)
    size = torch.zeros(half)
    size[:_LOCAL_FREQUENCIES] = math.sqrt(_LOCAL_LOGIT * math.sqrt(2 * half) / _LOCAL_FREQUENCIES)
    key = torch.cat([size, torch.zeros(half)])
    queries = [
        torch.cat([size * torch.cos(turn * back), -size * torch.sin(turn * back)])
        for back in range(1, config.num_attention_heads + 1)
    ]
    attention.k_proj.bias.copy_(key.repeat(config.num_key_value_heads))  # type: ignore[operator, union-attr]
    attention.q_proj.bias.copy_(torch.cat(queries))  # type: ignore[operator, union-attr]


def _shared(weight: torch.Tensor, config: LlamaConfig) -> torch.Tensor:
    """Rows of the key-value heads, once for each head that shares them."""
    sharing = config.num_attention_heads // config.num_key_value_heads
    by_head = weight.unflatten(0, (config.num_key_value_heads, -1))
    return by_head.repeat_interleave(sharing, dim=0).flatten(0, 1)


def _rows(config: LlamaConfig) -> torch.Tensor:
    """Orthonormal rows, as many as the key-value heads have together."""
    width = config.hidden_size
    rows = width // config.num_attention_heads * config.num_key_value_heads
    return nn.init.orthogonal_(torch.empty(width, width))[:rows]


def _pass_values(attention: nn.Module, config: LlamaConfig) -> None:
    """Let what is attended to pass through: outputs undo values."""
    rows = _rows(config)
    attention.v_proj.weight.copy_(_PASSING * rows)  # type: ignore[operator, union-attr]
    attention.o_proj.weight.copy_(_PASSING * _shared(rows, config).T)  # type: ignore[operator, union-attr]


def _match_similar(attention: nn.Module, config: LlamaConfig) -> None:
    """Let queries equal keys."""
    rows = _SIMILARITY * _rows(config)
    attention.k_proj.weight.copy_(rows)  # type: ignore[operator, union-attr]
    attention.q_proj.weight.copy_(_shared(rows, config))  # type: ignore[operator, union-attr]
