"""From a program to the weights of a GPT-2 that runs it.

Every variable has some dimensions of the residual stream, one for each value: 1 for the value it
has, 0 elsewhere. A fetch is one attention head, a count is one head and a feed-forward network
that reads 1 / (1 + n) off the share of the text's start, a map is a feed-forward network. One
step a layer, one head a layer.

Layer norms do nothing. Their epsilon is so large that it is all they divide by, and their gain
multiplies by the same number, a power of two. That they subtract the mean is not seen: all
weights that read the stream sum to zero over it, by the help of one dimension that stays empty.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from jaxtyping import Float
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor

from glossator.errors import InputError
from glossator.ground_truth.program import (
    Counted,
    Fetched,
    Mapped,
    Places,
    Value,
    Variable,
    Words,
    in_order,
)
from glossator.model import LanguageModel
from glossator.model.kinds import Kind

CONFIDENCE: Final = 10.0
"""Logit of the answer; all other logits are 0. Of twenty words, the answer's odds are 1100 to 1."""

_SHARP: Final = 40.0  # attention logit of a match; half of it is e^20 times as likely as no match
_GAIN: Final = 2.0**20  # of layer norms; their epsilon is its square, 2^40
_START, _PAD, _UNKNOWN = "<s>", "<pad>", "<unk>"


@dataclass
class _Layer:
    """What one block of the transformer does."""

    head: Fetched | Counted | None = None
    map: Mapped | None = None


class _Stream:
    """Where in the residual stream each variable is."""

    def __init__(self, variables: Sequence[Variable]) -> None:
        self.start = 0  # 1 at the start of the text
        self.block: dict[int, int] = {}
        self.share: dict[int, int] = {}
        width = 1
        for variable in variables:
            self.block[id(variable)] = width
            width += len(variable.values)
            if isinstance(variable, Counted):
                self.share[id(variable)] = width
                width += 1
        self.empty, self.width = width, width + 1

    def at(self, variable: Variable, value: Value | None) -> int:
        """The dimension of a variable's value."""
        return self.block[id(variable)] + variable.values.index(value)

    def of(self, variable: Variable) -> range:
        """The dimensions of a variable."""
        first = self.block[id(variable)]
        return range(first, first + len(variable.values))


def compiled(
    name: str, output: Variable, *, longest: int, labels: Sequence[str] = ()
) -> LanguageModel:
    """A model that gives a program's output at the last place of a text.

    Args:
        name: of the model.
        output: of the program; made of one `words`, and at most one `places`.
        longest: words of the longest text, with what is said after it.
        labels: make a classifier with these classes; without any, the output is the next word.

    Returns:
        A GPT-2 with a tokenizer of whole words; the logit of the output is `CONFIDENCE`, all
        others are 0, as all are where there is no output.

    Raises:
        InputError: an output that is no class, or that the vocabulary has no word for.

    Example:
        >>> from glossator.ground_truth.program import before, fetched, places, words
        >>> word, place = words("red", "blue"), places(8)
        >>> model = compiled("echo", fetched(word, place, before(1), place), longest=7)
        >>> from glossator.model import generate
        >>> ids = tuple(model.tokenizer("red blue red").input_ids)
        >>> model.tokenizer.decode(generate(model, ids, max_new_tokens=2))
        'blue red'
    """
    variables = list(in_order(output))
    (word,) = [each for each in variables if isinstance(each, Words)]
    stream, layers = _Stream(variables), _layers(variables)
    said = [str(value) for value in output.values]
    extra = [] if labels else [each for each in said if each not in word.values]
    vocabulary = [_START, _PAD, _UNKNOWN, *map(str, word.values), *extra]
    names = list(labels) or vocabulary
    unknown = [each for each in said if each not in names]
    if unknown:
        raise InputError(f"the program says {unknown}, and its classes are {list(labels)}")
    hf = _empty_model(stream, layers, vocabulary, longest + 1, labels)
    with torch.no_grad():
        _embed(hf.transformer, stream, variables, vocabulary)
        for layer, block in zip(layers, hf.transformer.h, strict=True):
            if layer.head is not None:
                _attend(block.attn, stream, layer.head)
            if isinstance(layer.head, Counted):
                _read_count(block.mlp, stream, layer.head)
            if layer.map is not None:
                _look_up(block.mlp, stream, layer.map)
        head = hf.score if labels else hf.lm_head
        for value, each in zip(output.values, said, strict=True):
            head.weight[names.index(each), stream.at(output, value)] = CONFIDENCE
            head.weight[names.index(each), stream.empty] = -CONFIDENCE
    kind: Kind = "classifier" if labels else "causal"
    return LanguageModel(hf.eval(), _tokenizer(vocabulary), kind, f"compiled/{name}")


def _layers(variables: Sequence[Variable]) -> list[_Layer]:
    """One block for each head; a map goes into the block before it where that has room."""
    layers: list[_Layer] = []
    for each in variables:
        if isinstance(each, Fetched | Counted):
            layers.append(_Layer(head=each))
        elif isinstance(each, Mapped):
            free = layers and layers[-1].map is None and not isinstance(layers[-1].head, Counted)
            if not free:
                layers.append(_Layer())
            layers[-1].map = each
    return layers


def _neurons(layer: _Layer) -> int:
    if isinstance(layer.head, Counted):
        return 2 * (len(layer.head.values) - 1)
    return 0 if layer.map is None else len(layer.map.table)


def _empty_model(
    stream: _Stream,
    layers: Sequence[_Layer],
    vocabulary: Sequence[str],
    positions: int,
    labels: Sequence[str],
) -> Any:
    """A GPT-2 whose weights are all 0, and whose layer norms do nothing."""
    from transformers import GPT2Config, GPT2ForSequenceClassification, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=len(vocabulary),
        n_positions=positions,
        n_embd=stream.width,
        n_layer=len(layers),
        n_head=1,
        n_inner=max([1, *map(_neurons, layers)]),
        activation_function="relu",
        layer_norm_epsilon=_GAIN**2,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        resid_pdrop=0.0,
        tie_word_embeddings=False,
        bos_token_id=vocabulary.index(_START),
        eos_token_id=None,
        pad_token_id=vocabulary.index(_PAD),
    )
    with torch.random.fork_rng(devices=[]):  # weights are drawn, and thrown away
        if labels:
            config.id2label = dict(enumerate(labels))
            config.label2id = {label: index for index, label in enumerate(labels)}
            hf: Any = GPT2ForSequenceClassification(config)
        else:
            hf = GPT2LMHeadModel(config)
    for parameter in hf.parameters():
        parameter.data.zero_()
    for module in hf.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.weight.data.fill_(_GAIN)
    return hf


def _tokenizer(vocabulary: Sequence[str]) -> Any:
    from transformers import PreTrainedTokenizerFast

    ids = {word: index for index, word in enumerate(vocabulary)}
    backend = Tokenizer(models.WordLevel(ids, unk_token=_UNKNOWN))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.post_processor = processors.TemplateProcessing(
        single=f"{_START} $A", special_tokens=[(_START, ids[_START])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token=_START,
        pad_token=_PAD,
        unk_token=_UNKNOWN,
        clean_up_tokenization_spaces=False,
    )


def _embed(
    body: Any, stream: _Stream, variables: Sequence[Variable], vocabulary: Sequence[str]
) -> None:
    body.wte.weight[vocabulary.index(_START), stream.start] = 1
    for variable in variables:
        for value in variable.values:
            if isinstance(variable, Words):
                body.wte.weight[vocabulary.index(str(value)), stream.at(variable, value)] = 1
            elif isinstance(variable, Places) and int(value) < len(body.wpe.weight):
                body.wpe.weight[int(value), stream.at(variable, value)] = 1


def _reading(stream: _Stream, weight: Float[Tensor, "width out"]) -> Float[Tensor, "width out"]:
    """The same weights, summing to zero over the stream, so that its mean is not seen."""
    weight[stream.empty] = -weight.sum(0)
    return weight


def _attend(attention: Any, stream: _Stream, head: Fetched | Counted) -> None:
    """Look where the program says; where nothing matches, at the start of the text.

    Queries and keys have a dimension for each value of what is looked at, and one for the start:
    to a fetch it is half a match, to a count it is one match, which all others share with it.
    """
    width, counts = stream.width, isinstance(head, Counted)
    where = head.sources[0 if counts else 1]
    start = len(where.values)
    query, key, value = (torch.zeros(width, width) for _ in range(3))
    bias = torch.zeros(width)
    scale = _SHARP * math.sqrt(width)  # attention divides by the root
    bias[start] = scale * (1.0 if counts else 0.5)
    for k, there in enumerate(where.values):
        key[stream.at(where, there), k] = 1
        if not head.asked:
            bias[k] = scale * head.match(there, None)
            continue
        for here in head.sources[-1].values:
            query[stream.at(head.sources[-1], here), k] = scale * head.match(there, here)
    key[stream.start, start] = 1
    if counts:
        given, taken = [stream.start], [stream.share[id(head)]]
    else:
        given, taken = list(stream.of(head.sources[0])), list(stream.of(head))
    each = torch.arange(len(given))
    value[given, each] = 1
    attention.c_proj.weight[each, taken] = 1
    parts = [_reading(stream, part) for part in (query, key, value)]
    attention.c_attn.weight.copy_(torch.cat(parts, 1))
    attention.c_attn.bias[:width] = bias


def _read_count(network: Any, stream: _Stream, count: Counted) -> None:
    """From the start's share of the attention, 1 / (1 + n), to n.

    For each n but the last, two neurons make a step: 1 where at most n are counted, 0 where more
    are, with a slope in the middle half between the shares of n and n + 1.
    """
    share, block = stream.share[id(count)], stream.of(count)
    weight = torch.zeros_like(network.c_fc.weight)
    for n in range(len(count.values) - 1):
        high, low = 1 / (n + 1), 1 / (n + 2)
        slope = 2 / (high - low)
        for neuron, quarter, sign in ((2 * n, 0.25, 1.0), (2 * n + 1, 0.75, -1.0)):
            weight[share, neuron] = slope
            network.c_fc.bias[neuron] = -slope * (low + quarter * (high - low))
            network.c_proj.weight[neuron, block[n]] = sign
            network.c_proj.weight[neuron, block[n + 1]] = -sign
    network.c_proj.bias[block[-1]] = 1
    network.c_fc.weight.copy_(_reading(stream, weight))


def _look_up(network: Any, stream: _Stream, table: Mapped) -> None:
    """One neuron for each line of a table: 1 where the sources have these values."""
    weight = torch.zeros_like(network.c_fc.weight)
    first, second = table.sources[0], table.sources[-1]
    for neuron, (key, value) in enumerate(table.table):
        weight[stream.at(first, key[0]), neuron] = 1
        if len(key) == 2 and key[1] is None:
            weight[list(stream.of(second)), neuron] = -1
        elif len(key) == 2:
            weight[stream.at(second, key[1]), neuron] = 1
            network.c_fc.bias[neuron] = -1
        network.c_proj.weight[neuron, stream.at(table, value)] = 1
    network.c_fc.weight.copy_(_reading(stream, weight))
