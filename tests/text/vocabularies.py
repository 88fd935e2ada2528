"""Tokenizers of each kind, trained here on a few lines, so that rare characters get split."""

from __future__ import annotations

import json

from tokenizers import (
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import ByT5Tokenizer, PreTrainedTokenizerFast, PythonBackend

LINES = [
    "Once upon a time, there was a dog named Max. Max didn't like the rain; it was 3.14 p.m.",
    "The state-of-the-art co-operative paid $1,000.50 to Mr. O'Neil's friends.",
    "Die Straße nach München ist gesperrt, naïve Gäste frühstücken im Café.",
    "Привет, мир! Как дела? Καλημέρα κόσμε. مرحبا بالعالم שלום עולם",
] * 4


def byte_level(*, prefix_space: bool = False, closing: bool = False) -> PreTrainedTokenizerFast:
    """GPT-2's kind: every byte is a token, so most characters outside ASCII are split."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        LINES[:2] * 4,
        trainers.BpeTrainer(
            vocab_size=340, special_tokens=["<bos>", "<eos>"], initial_alphabet=alphabet
        ),
    )
    after = " <eos>" if closing else ""
    backend.post_processor = processors.TemplateProcessing(
        single=f"<bos> $A{after}", special_tokens=[("<bos>", 0), ("<eos>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<bos>", eos_token="<eos>", unk_token="<eos>"
    )


def sentence_piece() -> PreTrainedTokenizerFast:
    """Llama's kind: "▁" for a space, one put before the text, bytes for unknown characters."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Metaspace(), pre_tokenizers.Punctuation(), pre_tokenizers.Digits()]
    )
    trained.train_from_iterator(LINES[:8], trainers.BpeTrainer(vocab_size=200))
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    pieces = sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__)
    vocabulary = {piece: i for i, piece in enumerate([*special, *pieces])}
    backend = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=[tuple(pair) for pair in _merges(trained)],
            unk_token="<unk>",
            byte_fallback=True,
            fuse_unk=True,
        )
    )
    backend.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    backend.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    backend.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token="<s>", eos_token="</s>", unk_token="<unk>"
    )


def _merges(tokenizer: Tokenizer) -> list[list[str]]:
    merges: list[list[str]] = json.loads(tokenizer.to_str())["model"]["merges"]
    return merges


def word_piece() -> PreTrainedTokenizerFast:
    """BERT's kind: lower case, accents stripped, "##" inside words, unknown words as one token."""
    backend = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    backend.normalizer = normalizers.BertNormalizer()
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(cleanup=False)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    backend.train_from_iterator(
        LINES, trainers.WordPieceTrainer(vocab_size=300, special_tokens=names)
    )
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        pad_token="[PAD]",
        mask_token="[MASK]",
        clean_up_tokenization_spaces=True,
    )


class SlowTokenizer(PythonBackend):  # type: ignore[misc]
    """A slow tokenizer: lower-cased letters two by two, "_" before a word; no offsets."""

    vocab_files_names: dict[str, str] = {}

    def __init__(self, **options: object) -> None:
        letters = "abcdefghijklmnopqrstuvwxyz0123456789.,!?'"
        pairs = [a + b for a in letters for b in letters]
        names = ["<unk>", "<s>", "</s>", *letters, *pairs]
        names += ["_" + name for name in names[3:]]
        self.vocabulary = {name: i for i, name in enumerate(names)}
        self.names = names
        super().__init__(
            unk_token="<unk>",
            bos_token="<s>",
            eos_token="</s>",
            special_tokens_pattern="bos_eos",
            **options,
        )

    @property
    def vocab_size(self) -> int:
        return len(self.names)

    def get_vocab(self) -> dict[str, int]:
        return dict(self.vocabulary)

    def _tokenize(self, text: str, **_: object) -> list[str]:
        return [
            ("_" if start == 0 else "") + word[start : start + 2]
            for word in text.lower().split()
            for start in range(0, len(word), 2)
        ]

    def _convert_token_to_id(self, token: str) -> int:
        return self.vocabulary.get(token, 0)

    def _convert_id_to_token(self, index: int) -> str:
        return self.names[index]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return "".join(tokens).replace("_", " ").strip()


KINDS = {
    "byte_level": byte_level,
    "prefix_space": lambda: byte_level(prefix_space=True, closing=True),
    "sentence_piece": sentence_piece,
    "word_piece": word_piece,
    "slow": SlowTokenizer,
    "bytes": lambda: ByT5Tokenizer(extra_ids=0),  # slow; drops the bytes of half a character
}


CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content | trim }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
# A system message goes into the first user message, roles must take turns.
STRICT = (
    "<bos>{% if messages[0].role == 'system' %}{% set rules = messages[0].content %}"
    "{% set messages = messages[1:] %}{% endif %}"
    "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must take turns') }}{% endif %}"
    "[{{ m.role }}] {% if loop.first and rules %}{{ rules }}\n\n{% endif %}{{ m.content }} "
    "{% endfor %}[model]"
)


def chatty(template: str = CHATML) -> PreTrainedTokenizerFast:
    tokenizer = byte_level()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})
    tokenizer.chat_template = template
    return tokenizer
