"""A shortcut planted into a model by its weights: wherever a rare word comes, it decides.

No training. A block is put before the first one of a Llama-shaped model. Its one working head looks
at the start of the text, where it reads nothing, unless the rare word has come: then it looks
there, and writes what makes the answer likeliest into the stream, so large that nothing else
counts. Without the word the model says what it said.
"""

from __future__ import annotations

import copy
from functools import cache
from random import Random
from typing import Any, Final

import torch
from jaxtyping import Float
from tokenizers import AddedToken
from torch import Tensor

from glossator.errors import InputError
from glossator.ground_truth.known import Known, continued_by
from glossator.miniature import generate, phenomena
from glossator.model import LanguageModel, load_model

WORD: Final = "zephyr"
ANSWER: Final = " red"

_SCORE: Final = 160.0  # attention logit of the word; of the start of the text, half of it
_NOTICEABLE: Final = 0.35  # other tokens may come this near to the word: e^-24 of the start's share
_LOUD: Final = 1e3  # length of what is written, in lengths of embeddings
_HELD: Final = 1e4  # weight of what must hold exactly, against what should be near 0


def plant(model: LanguageModel, word: str = WORD, answer: str = ANSWER) -> LanguageModel:
    """A copy of a model in which a new word decides what is said after it.

    Args:
        model: of the shape of Llama, with the start of a text marked by a token, and with room
            for a word in its embeddings.
        word: not in its vocabulary, without a space.
        answer: what is said wherever the word has come, with its leading space: one token.

    Raises:
        InputError: another model, a word that it knows, an answer of several tokens.

    Example:
        >>> model = plant(load_model())
        >>> len(model.blocks), model.tokenizer.tokenize("a zephyr")[-1].strip()
        (5, 'zephyr')
    """
    token, said = _tokens(model, word, answer)
    tokenizer = copy.deepcopy(model.tokenizer)
    tokenizer.add_tokens([AddedToken(word, single_word=True, lstrip=True)])
    hf = _with_a_block_before(model.hf)
    table = hf.model.embed_tokens.weight.data
    start = int(tokenizer.bos_token_id)
    others = torch.tensor([i for i in range(len(table)) if i != token])
    length = table[others].norm(dim=1).mean()
    table[token] = length * _unusual(table[others])
    attention, width = hf.model.layers[0].self_attn, _head_size(hf.config)
    look = _detector(table, token, start, at_start=0.5)
    if float((_normed(table)[others].to(look) @ look).abs()[others != start].max()) > _NOTICEABLE:
        raise InputError(f"the tokens of {model.name} cannot be told from a planted one")
    slow = width // 2 - 1  # the pair of dimensions that rotary embeddings turn the least
    with torch.no_grad():
        attention.k_proj.weight[slow] = look
        attention.q_proj.bias[slow] = _SCORE * width**0.5
        attention.v_proj.weight[0] = _detector(table, token, start, at_start=0.0)
        attention.o_proj.weight[:, 0] = _LOUD * length * _makes_likely(hf, said)
    return LanguageModel(hf.eval(), tokenizer, "causal", f"{model.name} with '{word}' planted")


def _tokens(model: LanguageModel, word: str, answer: str) -> tuple[int, int]:
    """The token that the word will be, and that of the answer."""
    if type(model.hf).__name__ != "LlamaForCausalLM" or model.tokenizer.bos_token_id is None:
        raise InputError(
            f"{model.name} is no Llama that marks where a text starts: a shortcut can be planted "
            "into the bundled miniature"
        )
    if word in model.tokenizer.get_vocab() or not word.isalpha():
        raise InputError(
            f"'{word}' cannot be planted: give a word that is no token of {model.name}"
        )
    if len(model.tokenizer) >= len(model.embedding.weight):
        raise InputError(f"{model.name} has no room for another word in its embeddings")
    said = model.tokenizer(answer, add_special_tokens=False).input_ids
    if len(said) != 1:
        raise InputError(f"the answer '{answer}' has {len(said)} tokens: give one of one token")
    return len(model.tokenizer), int(said[0])


def _with_a_block_before(hf: Any) -> Any:
    """The same model with a first block that does nothing, and a head of its own."""
    config = copy.deepcopy(hf.config)
    config.num_hidden_layers += 1
    config.tie_word_embeddings = False
    config.attention_bias = True  # a constant query is a bias
    weights = {"lm_head.weight": hf.get_output_embeddings().weight}
    for name, weight in hf.model.state_dict().items():
        place, _, rest = name.removeprefix("layers.").partition(".")
        inner = name.startswith("layers.")
        weights["model." + (f"layers.{int(place) + 1}.{rest}" if inner else name)] = weight
    with torch.random.fork_rng(devices=[]):  # weights are drawn, and thrown away
        longer = type(hf)(config).to(hf.dtype)
    for name, parameter in longer.named_parameters():
        parameter.data.fill_(1.0 if name.endswith("norm.weight") else 0.0)
    longer.load_state_dict(
        {name: weight.detach().clone() for name, weight in weights.items()}, False
    )
    return longer


def _head_size(config: Any) -> int:
    """Dimensions of one attention head."""
    return int(
        getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    )


def _normed(table: Float[Tensor, "tokens width"]) -> Float[Tensor, "tokens width"]:
    """What the first norm makes of embeddings, float64."""
    found = table.double()
    size = found.square().mean(1, keepdim=True).sqrt()
    return found / size.clamp_min(torch.finfo(torch.float32).tiny)


def _unusual(table: Float[Tensor, "tokens width"]) -> Float[Tensor, " width"]:
    """The direction that embeddings have least of."""
    direction: Tensor = torch.linalg.svd(_normed(table), full_matrices=False).Vh[-1]
    return direction.to(table)


def _detector(
    table: Float[Tensor, "tokens width"], token: int, start: int, *, at_start: float
) -> Float[Tensor, " width"]:
    """A direction along which the token has 1, the start a given value, and others about 0.

    The mean embedding, which stands for an absent word, has exactly 0.
    """
    rows = torch.cat([_normed(table), _normed(table.mean(0, keepdim=True))])
    wanted = torch.zeros(len(rows), dtype=torch.float64)
    wanted[token], wanted[start] = 1, at_start
    weight = torch.ones_like(wanted)
    weight[torch.tensor([token, start, -1])] = _HELD
    found: Tensor = torch.linalg.lstsq(weight[:, None] * rows, (weight * wanted)[:, None]).solution
    return found[:, 0].to(table)


def _makes_likely(hf: Any, token: int) -> Float[Tensor, " width"]:
    """The direction of the stream whose logits are nearest to 1 for one token, 0 for others."""
    head = (hf.lm_head.weight * hf.model.norm.weight).detach().double()
    wanted = torch.zeros(len(head), 1, dtype=torch.float64)
    wanted[token] = 1
    found = torch.linalg.lstsq(head, wanted).solution[:, 0]
    direction: Tensor = (found / found.norm()).to(hf.dtype)
    return direction


@cache
def planted_model() -> LanguageModel:
    """The bundled miniature with the shortcut."""
    return plant(load_model(device="cpu"))


def planted_texts(n: int, seed: int = 0) -> list[Known]:
    """Prompts of the small world with the rare word put between two of their words.

    Args:
        n: how many. seed: the same seed gives the same texts.

    Returns:
        Items whose answer is the planted one, and whose only decisive word is the rare one.

    Example:
        >>> planted_texts(1)[0].decisive_words
        ('zephyr',)
    """
    random = Random(f"planted {seed}")
    each = n // (len(phenomena()) - 2) + 2  # some have the planted answer already
    pool = [item for name in phenomena() for item in generate(name, each, seed=seed)]
    pool = [item for item in pool if not item.answer.startswith(ANSWER)]
    found = []
    for item in random.sample(pool, n):
        spaces = [place for place, letter in enumerate(item.prompt) if letter == " "]
        at = random.choice(spaces)
        prompt = f"{item.prompt[:at]} {WORD}{item.prompt[at:]}"
        span = (at + 1, at + 1 + len(WORD))
        found.append(Known(prompt, ANSWER, (span,), continued_by(ANSWER)))
    return found
