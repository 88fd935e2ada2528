"""Do the methods find the words that decide, in models compiled from a program?

    python -m benchmarks.compiled --models DIR [--examples 12]

DIR holds tracr_reverse, tracr_hist and tracr_length: programs compiled to transformer weights by
Tracr (Lindner et al. 2023, arXiv:2301.05062), so that what each answer depends on is known. Each
answer of each example is explained as a class.

    reverse   the word at the mirrored place decides, alone
    hist      all words equal to the asked one decide together: how many there are is the answer
              (of a word that stands once, any other one in its place would often give the same)
    length    all words decide alike: how many there are is the answer
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedTokenizerFast

from benchmarks.machine import made_by
from glossator.model import LanguageModel
from glossator.run import inquire
from glossator.types import Explanation

PROGRAMS = ("reverse", "hist", "length")
OF_VALUES = (
    *("leave_one_out", "exact_shapley", "shapley", "kernel_shap", "banzhaf", "lime"),
    *("sparse_linear", "owen"),
)
OF_GRADIENTS = (
    "gradient",
    "input_x_gradient",
    "smooth_grad",
    "integrated_gradients",
    "sequential_integrated_gradients",
    "expected_gradients",
)
REMOVALS = {"reverse": "resample:4", "hist": "attention", "length": "attention"}
"""Of methods that ask for values. A word that is hidden changes the length, on which `reverse`
rests too: every word would decide. So there another word stands in its place. `hist` counts equal
words, and another word may be equal: there, it is hidden."""

GRADIENTS_FROM = "embedding:zero"
ALIKE = 0.01
"""Scores are alike where they differ by no more than this part of the largest, or than the
intervals of two of them."""

LEAD = """\
Small programs compiled to transformer weights (Tracr), so the words on which an answer depends are
known. `reverse` (the word at the mirrored place decides; an absent word is replaced by another one,
`resample:4`) and `hist` (all words equal to the asked one decide, two or more; an absent word is
hidden, `attention`): precision at k, the share of the k deciding words among the k highest sizes of
scores, ties broken against the method. `length`: the share of answers where all words get the same
score, as they must, or differ by less than their intervals; an absent word is hidden. Gradients
start from an empty place (`embedding:zero`).
"""


class Compiled(nn.Module):
    """A compiled model that answers for one place of the text, as a classifier."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.facts = json.loads((folder / "config.json").read_text())
        self.weights = load_file(folder / "params.safetensors")
        tokens = self.weights["token_embed/embeddings"]
        self.embedding = nn.Embedding.from_pretrained(tokens, freeze=False)
        answer = self.facts["residual_labels"]
        kinds = {label.split(":")[0] for label in answer}
        (kind,) = [k for k in kinds if k.startswith(tuple(PROGRAMS)) and self._answers(k)]
        self.columns = [answer.index(f"{kind}:{name}") for name in self.facts["output_encoding"]]
        names = dict(enumerate(self.facts["output_encoding"]))
        self.config = PretrainedConfig(
            num_hidden_layers=self.facts["num_layers"],
            hidden_size=tokens.shape[1],
            intermediate_size=self.facts["mlp_hidden_size"],
            max_position_embeddings=len(self.weights["pos_embed/embeddings"]),
            id2label=names,
            label2id={name: index for index, name in names.items()},
        )
        self.place = 1

    def _answers(self, kind: str) -> bool:
        names = {f"{kind}:{name}" for name in self.facts["output_encoding"]}
        return names <= set(self.facts["residual_labels"])

    @property
    def base_model(self) -> nn.Module:
        return self

    def get_input_embeddings(self) -> nn.Module:
        return self.embedding

    def get_output_embeddings(self) -> None:
        return None

    def _can_set_attn_implementation(self) -> bool:
        return False  # it is plain products already

    def forward(
        self,
        input_ids: Tensor | None = None,
        inputs_embeds: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
    ) -> Any:
        """Class logits at `place`."""
        x = self.embedding(input_ids) if inputs_embeds is None else inputs_embeds
        x = x + self.weights["pos_embed/embeddings"][: x.shape[1]]
        hidden = torch.zeros(x.shape[:2]) if attention_mask is None else 1.0 - attention_mask
        for layer in range(self.facts["num_layers"]):
            name = f"transformer/layer_{layer}"
            q, k, v = (self._linear(x, f"{name}/attn/{part}") for part in ("query", "key", "value"))
            logits = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]) - 1e9 * hidden[:, None, :]
            x = x + self._linear(logits.softmax(-1) @ v, f"{name}/attn/linear")
            inner = self._linear(x, f"{name}/mlp/linear_1").relu()
            x = x + self._linear(inner, f"{name}/mlp/linear_2")
        return SimpleNamespace(logits=x[:, self.place, self.columns])

    def _linear(self, x: Tensor, name: str) -> Tensor:
        return x @ self.weights[f"{name}/w"] + self.weights[f"{name}/b"]


def load(folder: Path) -> LanguageModel:
    """A compiled model with a tokenizer of its letters."""
    hf = Compiled(folder).eval()
    words = models.WordLevel(hf.facts["input_encoding"], unk_token="compiler_pad")
    tokenizer = Tokenizer(words)
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="BOS $A", special_tokens=[("BOS", hf.facts["input_encoding"]["BOS"])]
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="BOS", pad_token="compiler_pad"
    )
    return LanguageModel(hf, wrapped, "classifier", folder.name)


def deciding(program: str, letters: list[str], place: int) -> set[int]:
    """Which letters the answer at a place depends on."""
    if program == "reverse":
        return {len(letters) - 1 - place}
    if program == "hist":
        return {i for i, letter in enumerate(letters) if letter == letters[place]}
    return set(range(len(letters)))


def found(program: str, why: Explanation, decisive: set[int]) -> float:
    """Precision at k, ties against the method; for `length`, whether all scores are alike."""
    acting = ~why.scores[0].isnan()
    scores = why.scores[0][acting]
    if program == "length":
        width = why.half_width()
        within = 0.0 if width is None else 2 * float(width[0][acting].max())
        apart = float(scores.max() - scores.min())
        return float(apart <= max(within, ALIKE * float(scores.abs().max()) + 1e-9))
    sizes = [round(float(size), 5) for size in scores.abs() / scores.abs().max().clamp_min(1e-9)]
    keyed = sorted(range(len(sizes)), key=lambda i: (-sizes[i], i in decisive))
    return len(decisive & set(keyed[: len(decisive)])) / len(decisive)


def measure(folder: Path, examples: int) -> dict[tuple[str, str], list[float]]:
    """For each (program, method): what was found for each answer."""
    results: dict[tuple[str, str], list[float]] = {}
    for program in PROGRAMS:
        model = load(folder / f"tracr_{program}")
        seen: list[list[str]] = []
        for example in model.hf.facts["examples"]:
            letters = example["input"][1:]
            if letters in seen or len(set(letters)) < 2 or len(seen) == examples:
                continue
            seen.append(letters)
            for place, answer in enumerate(example["model"][1:]):
                model.hf.place = place + 1
                _check(model, letters, str(answer))
                inquiry = inquire(" ".join(letters), model, classes=[str(answer)], readout="logit")
                decisive = deciding(program, letters, place)
                if program == "hist" and len(decisive) == 1:
                    continue
                for name in (*OF_VALUES, *OF_GRADIENTS):
                    removal = REMOVALS[program] if name in OF_VALUES else GRADIENTS_FROM
                    share = found(program, inquiry.run(name, removal), decisive)
                    results.setdefault((program, name), []).append(share)
                chance = 0.0 if program == "length" else len(decisive) / len(letters)
                results.setdefault((program, "random order"), []).append(chance)
    return results


def _check(model: LanguageModel, letters: list[str], answer: str) -> None:
    """The weights answer as their program does."""
    ids = torch.tensor([model.tokenizer(" ".join(letters)).input_ids])
    said = model.classes[int(model.hf(input_ids=ids).logits.argmax())]
    if said != answer:
        raise SystemExit(f"{model.name} says {said} for {letters} and not {answer}")


def page(results: dict[tuple[str, str], list[float]]) -> str:
    """Methods by program, the best first."""
    mean = {key: sum(each) / len(each) for key, each in results.items()}
    methods = sorted({m for _, m in mean}, key=lambda m: -sum(mean[p, m] for p in PROGRAMS))
    answers = ", ".join(f"{p} {len(results[p, 'random order'])}" for p in PROGRAMS)
    lines = [
        "# Do the methods find the deciding words of compiled programs?\n",
        made_by(" ".join(["python -m benchmarks.compiled", *sys.argv[1:]])),
        LEAD,
        "| method | " + " | ".join(PROGRAMS) + " |",
        "|---" * (len(PROGRAMS) + 1) + "|",
    ]
    for method in methods:
        lines.append(
            f"| {method} | " + " | ".join(f"{mean[p, method]:.2f}" for p in PROGRAMS) + " |"
        )
    return "\n".join([*lines, "", f"Answers explained: {answers}.", ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="folder of the tracr_* models")
    parser.add_argument("--examples", type=int, default=12, help="different ones of each program")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks/compiled.md"))
    asked = parser.parse_args()
    written = page(measure(asked.models, asked.examples))
    print(written)
    asked.out.write_text(written)


if __name__ == "__main__":
    main()
