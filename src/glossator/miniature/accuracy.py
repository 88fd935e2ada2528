"""How often the model gives the answer that the world demands, and how sure that number is."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from glossator.miniature.item import Item
from glossator.miniature.world import generate, phenomena

_BATCH = 100


@torch.no_grad()
def continuations(
    model: PreTrainedModel, tokenizer: Any, prompts: Sequence[str], new_tokens: int
) -> list[str]:
    """Continue prompts greedily.

    Prompts are batched with others of the same number of tokens, so no padding is needed and the
    text does not depend on which prompts came together.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer.
        prompts: the texts to continue.
        new_tokens: how many tokens to add; fewer if the end-of-text token comes.

    Returns:
        The text added to each prompt.

    Example:
        >>> from transformers import AutoModelForCausalLM, AutoTokenizer
        >>> from glossator.miniature import path
        >>> model = AutoModelForCausalLM.from_pretrained(path())
        >>> tokenizer = AutoTokenizer.from_pretrained(path())
        >>> continuations(model, tokenizer, ["Anna has a red cup. The cup is"], 1)
        [' red']
    """
    encoded = [tokenizer(prompt)["input_ids"] for prompt in prompts]
    by_length: dict[int, list[int]] = {}
    for index, ids in enumerate(encoded):
        by_length.setdefault(len(ids), []).append(index)
    added = [""] * len(prompts)
    for length, members in by_length.items():
        for start in range(0, len(members), _BATCH):
            batch = members[start : start + _BATCH]
            ids = torch.tensor([encoded[i] for i in batch])
            out = model.generate(  # type: ignore[operator]
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=new_tokens,
                do_sample=False,
            )
            texts = tokenizer.batch_decode(out[:, length:], skip_special_tokens=True)
            for index, text in zip(batch, texts, strict=True):
                added[index] = text
    return added


def is_right(continuation: str, answer: str) -> bool:
    """Whether a continuation begins with the whole answer, and not with a longer last word.

    Example:
        >>> is_right(" red, and", " red"), is_right(" reddish", " red"), is_right(" re", " red")
        (True, False, False)
    """
    after = continuation[len(answer) :]
    return continuation.startswith(answer) and not after[:1].isalnum()


def count_right(
    model: PreTrainedModel, tokenizer: Any, items: Sequence[Item], twins: bool = False
) -> int:
    """Count the items whose greedy continuation is the right answer.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer.
        items: the questions.
        twins: ask the twins instead, whose right answer is the foil.

    Returns:
        The number right.

    Example:
        >>> from transformers import AutoModelForCausalLM, AutoTokenizer
        >>> from glossator.miniature import path
        >>> model = AutoModelForCausalLM.from_pretrained(path())
        >>> count_right(model, AutoTokenizer.from_pretrained(path()), generate("fact", 3))
        3
    """
    asked = [(item.twin, item.foil) if twins else (item.prompt, item.answer) for item in items]
    # One token more than the longest answer, to see whether its last word ends there.
    longest = max(len(tokenizer.tokenize(answer)) for _, answer in asked)
    texts = continuations(model, tokenizer, [prompt for prompt, _ in asked], longest + 1)
    return sum(is_right(text, answer) for text, (_, answer) in zip(texts, asked, strict=True))


def held_out_accuracy(
    model: PreTrainedModel, tokenizer: Any, n: int, seed: int = 0, twins: bool = False
) -> dict[str, tuple[int, int]]:
    """Count right answers to prompts that never occur in the training text.

    Args:
        model: a causal language model.
        tokenizer: its tokenizer.
        n: how many different prompts of each phenomenon.
        seed: which prompts.
        twins: ask their twins instead, which may have been in the training text.

    Returns:
        For each phenomenon the number right and the number asked.

    Example:
        >>> from transformers import AutoModelForCausalLM, AutoTokenizer
        >>> from glossator.miniature import path
        >>> model = AutoModelForCausalLM.from_pretrained(path())
        >>> tokenizer = AutoTokenizer.from_pretrained(path())
        >>> held_out_accuracy(model, tokenizer, n=2)["fact"]
        (2, 2)
    """
    counts: dict[str, tuple[int, int]] = {}
    for phenomenon in phenomena():
        items = generate(phenomenon, n, seed)
        counts[phenomenon] = (count_right(model, tokenizer, items, twins), n)
    return counts


def wilson(right: int, n: int) -> tuple[float, float]:
    """Wilson's 95% interval of a share (Wilson 1927).

    Args:
        right: how many succeeded.
        n: out of how many.

    Returns:
        Lower and upper end.

    Example:
        >>> low, high = wilson(10, 10)
        >>> round(low, 3), round(high, 3)
        (0.722, 1.0)
    """
    z = 1.959964
    share = right / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)
