"""The tokenizer of the miniature, and batches of its training text."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from glossator.miniature.item import Span
from glossator.miniature.lexicon import RARE
from glossator.miniature.world import EVEN, Blend, Split, document, phenomena, stream

CONTEXT: Final = 256
VOCABULARY: Final = 1024
SPECIAL: Final = ("<pad>", "<bos>", "<eos>", "<unk>")
PAD, BOS, EOS = 0, 1, 2

_TOKENIZER_ITEMS = 20_000


class Batch(NamedTuple):
    """Several documents in each row, none of which sees another.

    Attributes:
        ids: token ids.
        positions: of each token within its document.
        sees: whether a token (second last axis) sees another (last axis).
        weights: of each token as a prediction, 0 for padding and <bos>.
    """

    ids: Int[Tensor, "rows tokens"]
    positions: Int[Tensor, "rows tokens"]
    sees: Bool[Tensor, "rows 1 tokens tokens"]
    weights: Float[Tensor, "rows tokens"]


def _tokenizer_text(seed: int) -> Iterator[str]:
    """Single items without rare words, half of them as they stand within a document."""
    random = Random(f"tokenizer {seed}")
    names = phenomena()
    for k in range(_TOKENIZER_ITEMS):
        text = next(stream(names[k % len(names)], random, "training")).text
        if not any(word in text for word in RARE):
            yield " " * random.randrange(2) + text


def train_tokenizer(seed: int) -> PreTrainedTokenizerFast:
    """Learn a byte-level BPE on training text; it puts <bos> in front by itself.

    Items with a rare word are left out, so that these words are split into several tokens.

    Args:
        seed: of the documents.

    Returns:
        The tokenizer.

    Example:
        >>> train_tokenizer(0).vocab_size  # doctest: +SKIP
        1024
    """
    bpe = Tokenizer(models.BPE(unk_token="<unk>"))
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    bpe.train_from_iterator(_tokenizer_text(seed), trainer)
    bpe.post_processor = processors.TemplateProcessing(
        single="<bos> $A", pair="<bos> $A $B", special_tokens=[("<bos>", BOS)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<pad>",
        bos_token="<bos>",
        eos_token="<eos>",
        unk_token="<unk>",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )


def save_tokenizer(tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write the tokenizer under the class name that transformers 4 and 5 both know."""
    tokenizer.save_pretrained(folder)
    file = folder / "tokenizer_config.json"
    settings = json.loads(file.read_text()) | {"tokenizer_class": "PreTrainedTokenizerFast"}
    file.write_text(json.dumps(settings, indent=2) + "\n")


def _weights(offsets: list[Span], answers: list[Span], in_answer: float) -> list[float]:
    """Weight of each token: more if it lies in an answer."""
    weights = [0.0]
    for start, end in offsets[1:]:
        inside = any(start < stop and end > begin for begin, stop in answers)
        weights.append(in_answer if inside else 1.0)
    return weights


def _documents(
    tokenizer: Any, random: Random, split: Split, blend: Blend
) -> Iterator[tuple[list[int], list[float]]]:
    """Endless encoded documents with the weights of their tokens."""
    while True:
        drawn = [document(random, split, blend) for _ in range(64)]
        encoded = tokenizer(
            [text for text, _ in drawn], return_offsets_mapping=True, truncation=True
        )
        columns = zip(encoded["input_ids"], encoded["offset_mapping"], drawn, strict=True)
        for ids, offsets, (_, answers) in columns:
            yield [*ids, EOS], [*_weights(offsets, answers, blend.answer_weight), 1.0]


def _row(
    source: Iterator[tuple[list[int], list[float]]],
) -> tuple[list[int], list[int], list[int], list[float]]:
    """Ids, number of the document, positions and weights of one row full of documents."""
    ids: list[int] = []
    owner: list[int] = []
    positions: list[int] = []
    weights: list[float] = []
    while len(ids) < CONTEXT:
        tokens, weight = next(source)
        owner += [len(ids)] * len(tokens)
        ids += tokens
        positions += range(len(tokens))
        weights += weight
    return ids[:CONTEXT], owner[:CONTEXT], positions[:CONTEXT], weights[:CONTEXT]


def batches(
    tokenizer: Any, random: Random, rows: int, split: Split = "training", blend: Blend = EVEN
) -> Iterator[Batch]:
    """Endless batches of packed documents; the last document of a row is cut at its end.

    Args:
        tokenizer: of the model.
        random: the source of chance.
        rows: rows of a batch; each has `CONTEXT` tokens.
        split: the side of the split from which the text comes.
        blend: what the text is made of.

    Yields:
        Batches.

    Example:
        >>> from transformers import AutoTokenizer
        >>> from glossator.miniature import path
        >>> batch = next(batches(AutoTokenizer.from_pretrained(path()), Random(0), rows=2))
        >>> batch.ids.shape, int(batch.ids[0, 0]) == BOS
        (torch.Size([2, 256]), True)
    """
    source = _documents(tokenizer, random, split, blend)
    causal = torch.ones(CONTEXT, CONTEXT, dtype=torch.bool).tril()
    while True:
        ids, owners, positions, weights = zip(*(_row(source) for _ in range(rows)), strict=True)
        owner = torch.tensor(owners)
        sees = (owner[:, None, :, None] == owner[:, None, None, :]) & causal
        yield Batch(torch.tensor(ids), torch.tensor(positions), sees, torch.tensor(weights))
