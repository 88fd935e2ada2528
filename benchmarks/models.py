"""What every tool is asked: the same random model, the same ids, the same baseline token.

Speed does not depend on what a model has learnt, so the weights are drawn at random (seeded), in
two shapes. They are drawn wider than a fresh GPT-2's, so that removing a token moves a
log-probability by tenths of nats and agreement of numbers means something.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import WhitespaceSplit
from torch import Tensor
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedModel, PreTrainedTokenizerFast

SPECIAL = ("<unk>", "<pad>", "<bos>", "<eos>")
BASELINE = 0
"""Id that stands for a removed token in every tool (<unk>: inseq takes no other)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a GPT-2.

    Attributes:
        spread: standard deviation of its weights.
        lean: bytes that the engine is held to where it shall need no more than the leanest tool.
    """

    name: str
    layers: int
    width: int
    heads: int
    vocabulary: int
    spread: float
    lean: int = 10**7


SHAPES = {
    "small": Shape("small", layers=4, width=256, heads=4, vocabulary=8192, spread=0.08),
    "gpt2": Shape(
        "gpt2", layers=12, width=768, heads=12, vocabulary=50257, spread=0.06, lean=3 * 10**7
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One question put to every tool.

    Attributes:
        shape: sizes of the model.
        model: in evaluation mode, fp32, SDPA attention.
        tokenizer: white space separates the tokens, so that text and ids are one to one.
        prompt, continuation: token ids, [N] and [T].
        baseline: id that stands for a removed token.
    """

    shape: Shape
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    prompt: Int[Tensor, " prompt"]
    continuation: Int[Tensor, " continuation"]
    baseline: int = BASELINE

    @property
    def ids(self) -> Int[Tensor, " sequence"]:
        """Prompt and continuation."""
        return torch.cat([self.prompt, self.continuation])

    @property
    def fixed(self) -> Bool[Tensor, " prompt"]:
        """Tokens of the prompt that the tokenizer adds by itself: no players in any tool."""
        return torch.isin(self.prompt, torch.tensor(self.tokenizer.all_special_ids))

    @property
    def prompt_text(self) -> str:
        """The prompt as the text-based tools must be given it."""
        return str(self.tokenizer.decode(self.prompt, skip_special_tokens=True))

    @property
    def text(self) -> str:
        """Prompt and continuation as text."""
        return str(self.tokenizer.decode(self.ids, skip_special_tokens=True))


def build_model(shape: Shape, seed: int = 0) -> PreTrainedModel:
    """A random GPT-2 of the shape; the same weights for the same seed."""
    config = GPT2Config(
        vocab_size=shape.vocabulary,
        n_positions=1024,
        n_embd=shape.width,
        n_layer=shape.layers,
        n_head=shape.heads,
        initializer_range=shape.spread,
        bos_token_id=2,
        eos_token_id=3,
        pad_token_id=1,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: PreTrainedModel = GPT2LMHeadModel(config)
    model.train(False)
    return model


def build_tokenizer(vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer whose token number k is the word "wk": text and ids are one to one."""
    words = [*SPECIAL, *(f"w{k}" for k in range(len(SPECIAL), vocabulary))]
    table = {word: k for k, word in enumerate(words)}
    tokenizer = Tokenizer(WordLevel(table, unk_token="<unk>"))
    tokenizer.pre_tokenizer = WhitespaceSplit()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
    )


def bundled_case(prompt: str, tokens: int) -> Case:
    """A case on the bundled model: a text, and what the model continues it with."""
    from glossator.model import load_model

    loaded = load_model(None)
    ids = torch.tensor(loaded.tokenizer.encode(prompt))
    with torch.no_grad():
        whole = loaded.hf.generate(ids[None], max_new_tokens=tokens, do_sample=False)[0]
    config = loaded.hf.config
    shape = Shape(
        "bundled model",
        config.num_hidden_layers,
        config.hidden_size,
        config.num_attention_heads,
        config.vocab_size,
        config.initializer_range,
    )
    baseline = loaded.tokenizer.unk_token_id
    return Case(shape, loaded.hf, loaded.tokenizer, ids, whole[len(ids) :], baseline)


def build_case(
    shape: Shape, prompt: int, continuation: int, model: PreTrainedModel | None = None
) -> Case:
    """A case with random ids; the same ids for the same lengths.

    Args:
        shape: sizes of the model.
        prompt, continuation: numbers of tokens N and T.
        model: one built before for this shape; None builds it.
    """
    draw = torch.Generator().manual_seed(prompt * 1000 + continuation)
    size = (prompt + continuation,)
    ids = torch.randint(len(SPECIAL), shape.vocabulary, size, generator=draw)
    case = Case(
        shape,
        model or build_model(shape),
        build_tokenizer(shape.vocabulary),
        ids[:prompt],
        ids[prompt:],
    )
    assert case.tokenizer.encode(case.text) == ids.tolist(), "text and ids are not one to one"
    return case
