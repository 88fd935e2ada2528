"""What is measured of a trained miniature: `python -m glossator.miniature.figures DIR`."""

import json
import sys
from pathlib import Path
from random import Random
from typing import Any, Final

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from glossator.miniature.accuracy import held_out_accuracy
from glossator.miniature.card import write_card
from glossator.miniature.tokens import Batch, batches

_PROMPTS: Final = 250  # of each phenomenon; "agreement" has about 330 held out


def loss_of(model: PreTrainedModel, batch: Batch, weighted: bool = True) -> Float[Tensor, ""]:
    """Mean cross-entropy of the next token, in nats.

    Args:
        model: the model.
        batch: packed documents.
        weighted: count answers more; otherwise every token counts the same.

    Returns:
        The loss; positive, smaller is better.

    Example:
        >>> from glossator.miniature import path
        >>> from glossator.miniature.start import new_model
        >>> tokenizer = AutoTokenizer.from_pretrained(path())
        >>> batch = next(batches(tokenizer, Random(0), rows=1))
        >>> 6 < float(loss_of(new_model(tokenizer, 0), batch)) < 7.5  # log(1024) = 6.9
        True
    """
    logits = model(
        input_ids=batch.ids,
        position_ids=batch.positions,
        attention_mask=batch.sees,
        use_cache=False,
    ).logits
    weights = batch.weights[:, 1:].flatten()
    weights = weights if weighted else (weights > 0).float()
    each = functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), batch.ids[:, 1:].flatten(), reduction="none"
    )
    return (each * weights).sum() / weights.sum()


@torch.no_grad()
def held_out_loss(model: PreTrainedModel, tokenizer: Any, seed: int, n: int = 20) -> float:
    """Mean loss over n batches of held-out text, in nats per token, all tokens alike."""
    source = batches(tokenizer, Random(f"held-out {seed}"), 16, "held-out")
    return sum(float(loss_of(model, next(source), weighted=False)) for _ in range(n)) / n


def measure(model: PreTrainedModel, tokenizer: Any, seed: int, n: int = _PROMPTS) -> dict[str, Any]:
    """The figures of the card, from prompts that training did not look at on its way.

    Args:
        model: a trained miniature.
        tokenizer: its tokenizer.
        seed: which prompts.
        n: how many of each phenomenon.

    Returns:
        Sizes, held-out loss, and for prompts and twins the number right and the number asked.

    Example:
        >>> from glossator.miniature import path
        >>> model = AutoModelForCausalLM.from_pretrained(path())
        >>> tokenizer = AutoTokenizer.from_pretrained(path())
        >>> measure(model, tokenizer, seed=5, n=2)["accuracy"]["fact"]
        (2, 2)
    """
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "vocabulary": model.config.vocab_size,
        "held_out_loss": round(held_out_loss(model, tokenizer, seed), 4),
        "accuracy": held_out_accuracy(model, tokenizer, n, seed),
        "twin_accuracy": held_out_accuracy(model, tokenizer, n, seed, twins=True),
    }


def write_figures(folder: Path) -> None:
    """Measure the model of a folder, and write figures.json from that and from log.json."""
    log = json.loads((folder / "log.json").read_text())
    last = log["reports"][-1]
    model = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    measured = measure(model, tokenizer, log["run"]["seed"] + 1)
    done = {
        "steps": last["step"],
        "tokens": last["tokens"],
        "minutes": round(last["seconds"] / 60, 1),
    }
    figures = log["run"] | done | measured
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    write_figures(Path(sys.argv[1]))
    write_card(Path(sys.argv[1]))
