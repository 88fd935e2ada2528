"""Generate a continuation, greedily or sampled with a seed of its own."""

from __future__ import annotations

import torch

from glossator.errors import InputError, ModelError
from glossator.model.language_model import LanguageModel


def generate(
    model: LanguageModel,
    prompt_ids: tuple[int, ...],
    *,
    max_new_tokens: int,
    sample: bool = False,
    temperature: float = 1.0,
    seed: int = 0,
) -> tuple[int, ...]:
    """The model's continuation of a prompt.

    Greedy unless `sample`. Decoding is done here, on the model's plain distribution: the
    penalties and filters that a generation config may ask for would make the explained
    log-probabilities another quantity than the one the token was drawn from.

    Args:
        model: a causal language model.
        prompt_ids: the encoded prompt.
        max_new_tokens: at most so many tokens; an end-of-sequence token stops earlier and
            is part of the continuation.
        sample: draw from softmax(logits / temperature) instead of taking the largest.
        temperature: above 0.
        seed: of the draws; the global generator is not touched.

    Returns:
        The new token ids, at least one.

    Raises:
        InputError: no room for a new token, or a temperature that is not positive.
        ModelError: the logits are NaN.
    """
    if max_new_tokens < 1:
        raise InputError(f"max_new_tokens is {max_new_tokens}: ask for at least 1 new token")
    if sample and not temperature > 0:
        raise InputError(f"the temperature is {temperature}: it must be above 0")
    model.check_length(len(prompt_ids) + max_new_tokens)
    generator = torch.Generator().manual_seed(seed)
    ends = _end_tokens(model)
    ids = torch.tensor([prompt_ids], device=model.device)
    new: list[int] = []
    cache = None
    with model.inference():
        while len(new) < max_new_tokens:
            output = model.hf(input_ids=ids, past_key_values=cache, use_cache=True)
            cache = output.past_key_values
            logits = output.logits[0, -1].float().cpu()
            if not torch.isfinite(logits).all():
                raise ModelError(f"{model.name} returned logits that are not numbers (NaN)")
            token = _draw(logits, temperature, generator) if sample else int(logits.argmax())
            new.append(token)
            if token in ends:
                break
            # A model without a cache reads the whole text again.
            unread = [token] if cache is not None else [*prompt_ids, *new]
            ids = torch.tensor([unread], device=model.device)
    return tuple(new)


def _draw(logits: torch.Tensor, temperature: float, generator: torch.Generator) -> int:
    weights = torch.softmax(logits.double() / temperature, dim=-1)
    return int(torch.multinomial(weights, 1, generator=generator))


def _end_tokens(model: LanguageModel) -> set[int]:
    config = getattr(model.hf, "generation_config", None)
    ends = getattr(config, "eos_token_id", None)
    if ends is None:
        ends = model.tokenizer.eos_token_id
    if ends is None:
        return set()
    return set(ends) if isinstance(ends, list) else {int(ends)}
