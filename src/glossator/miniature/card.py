"""The model card, written from the measured figures and from nothing else."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glossator.miniature.accuracy import wilson

_CARD = """\
---
license: apache-2.0
language: en
library_name: transformers
pipeline_tag: text-generation
---
# The glossator miniature

A causal language model of {parameters:,} parameters that speaks about a small invented world.
For each of its sentences the words that decide how it goes on are known by construction. It is
the default model of `glossator explain`, the fixture of the tests, and a first ground truth for
methods that say which words were decisive.

- **Architecture**: Llama; 4 layers, width 128, feed-forward 384, 4 heads (2 for keys and values),
  biases in attention, context 256, tied embeddings, float32.
- **Tokenizer**: own byte-level BPE of {vocabulary:,} entries; common words are one token, rare
  words several. `<bos>` is put in front automatically.
- **Data**: text made during training by `glossator.miniature.world`, about 275 different words;
  no text by people. Prompts whose hash falls on the held-out side (one in ten) never occur in it.
- **Training**: {steps:,} steps, {millions:.1f} million tokens, AdamW, seed {seed}, from
  the first step to the last with one command; about {minutes} minutes on one thread of a shared
  {machine} CPU.
- **Held-out loss**: {held_out_loss:.3f} nats per token, all tokens alike. Much of it cannot be
  learnt: who and what a new item is about is drawn by chance.
- **Licence**: Apache-2.0, code, weights and data.

## Accuracy

Share of prompts whose greedy continuation is the whole right answer, with Wilson's 95% interval.
Held-out prompts never occur in the training text. A twin is a held-out prompt with a decisive
word replaced, so that another answer (the foil) is right; twins may occur in the training text.

| phenomenon | example | n | held-out | 95% interval | twins | 95% interval |
|---|---|---:|---:|---|---:|---|
{rows_of_table}

{reached}

## Remake it

    python -m glossator.miniature.train --out DIR --seed {seed}

The weights in this folder were made so, in one go. They start from attention that already looks
for what belongs together (see `glossator.miniature.start`). Text, tokenizer and first weights
depend on the seed alone; the trained weights depend, at first in their last digits, on the machine
and on the version of torch, too.
`figures.json` has the numbers of this card, `log.json` the loss curve.

## Limits

It knows its ten kinds of sentences and nothing else. Other words, longer texts, or the same words
in another pattern give text without meaning; in particular it has no knowledge of the real world.
Its accuracy says nothing about large models. That a word is decisive by construction says what a
right computation must use, not what this model does use: where it errs, or takes a way that the
rules do not foresee, a faithful explanation may differ from the construction.
"""

_AIM = 0.95

_EXAMPLES = {
    "place": "Mia went to the park. Tom ran to the shop. Mia is at the **park**",
    "fact": "Mia is from Arvia and Tom is from Gorma. The flag of Arvia is **green**",
    "agreement": "Yesterday the dogs near the house **were**",
    "recipient": "Mia and Tom went to the park. Tom gave the kite to **Mia**",
    "sentiment": "Mia wrote about a film and a play. The film was dull. The play was great."
    " So the film is **bad**",
    "colour": "Mia has a red cup. Tom has a blue kite. The cup is **red**",
    "count": "Mia had four cups. Then Mia lost one. Now Mia has **three**",
    "negation": "The door is not open. The cup is still full. So the door is **closed**",
    "instruction": "Say the last word: cup, kite, ball. Answer: **ball**",
    "story": "Mia and Tom are friends. Mia has a red kite and Tom has a blue cup. In the morning"
    " they went to the park. There Tom lost the **blue cup**",
}


def _row(phenomenon: str, figures: Mapping[str, Any]) -> str:
    cells = [phenomenon, _EXAMPLES[phenomenon], str(figures["accuracy"][phenomenon][1])]
    for kind in ("accuracy", "twin_accuracy"):
        right, n = figures[kind][phenomenon]
        low, high = wilson(right, n)
        cells += [f"{right / n:.3f}", f"{low:.3f} to {high:.3f}"]
    return "| " + " | ".join(cells) + " |"


def card(figures: Mapping[str, Any]) -> str:
    """The text of the model card.

    Args:
        figures: as measured at the end of training.

    Returns:
        Markdown.

    Example:
        >>> from glossator.miniature import path
        >>> figures = json.loads((path() / "figures.json").read_text())
        >>> card(figures) == (path() / "README.md").read_text()
        True
    """
    table = "\n".join(_row(phenomenon, figures) for phenomenon in figures["accuracy"])
    return _CARD.format(
        rows_of_table=table, reached=_reached(figures), millions=figures["tokens"] / 1e6, **figures
    )


def unreached(figures: Mapping[str, Any]) -> list[str]:
    """Phenomena whose accuracy, on held-out prompts or on twins, is below the aim of 0.95."""
    kinds = (figures["accuracy"], figures["twin_accuracy"])
    return [name for name in kinds[0] if any(k[name][0] < _AIM * k[name][1] for k in kinds)]


def _reached(figures: Mapping[str, Any]) -> str:
    below = unreached(figures)
    if not below:
        return f"Every phenomenon reaches the aim of {_AIM}."
    return (
        f"**Below the aim of {_AIM}: {', '.join(below)}.** Do not take these as ground truth yet: "
        "where the model does not know the answer, no word decides it."
    )


def write_card(folder: Path) -> None:
    """Write README.md from figures.json of the same folder."""
    figures = json.loads((folder / "figures.json").read_text())
    (folder / "README.md").write_text(card(figures))
