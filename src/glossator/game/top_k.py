"""Readouts of a whole distribution beside the unperturbed one: its K likeliest tokens."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Int
from torch import Tensor

from glossator.errors import InputError
from glossator.game.readout import Ids, Logits, Readout, Values

Read = Callable[[Logits, Ids, Logits | None], Values]


def top_k_overlap(k: int) -> Readout:
    """How many of the K likeliest tokens of the unperturbed text still are: a share, 0 to 1.

    A vocabulary (or set of classes) of fewer than K has all of them in common.

    Raises:
        InputError: K is below 1.

    Example:
        >>> import torch
        >>> old, new = torch.tensor([[3.0, 2.0, 1.0, 0.0]]), torch.tensor([[3.0, 0.0, 1.0, 2.0]])
        >>> top_k_overlap(2).read(new, torch.tensor([0]), old).item()
        0.5
    """

    def read(logits: Logits, _: Ids, reference: Logits | None) -> Values:
        assert reference is not None
        old, new = (_likeliest(each, k) for each in (reference, logits))
        return (old[:, :, None] == new[:, None]).any(2).double().mean(1)

    return _readout(f"acc@{k}", "share", "likeliest tokens in common with the whole text", read, k)


def top_k_probability_lost(k: int) -> Readout:
    """How much probability the K likeliest tokens of the unperturbed text lose together.

    Raises:
        InputError: K is below 1.

    Example:
        >>> import torch
        >>> old, new = torch.tensor([[0.75, 0.25]]).log(), torch.tensor([[0.5, 0.5]]).log()
        >>> round(top_k_probability_lost(1).read(new, torch.tensor([0]), old).item(), 6)
        0.25
    """

    def read(logits: Logits, _: Ids, reference: Logits | None) -> Values:
        assert reference is not None
        likeliest = _likeliest(reference, k)
        before, now = (
            each.double().softmax(1).gather(1, likeliest).sum(1) for each in (reference, logits)
        )
        return before - now

    what = "probability that the likeliest tokens of the whole text lose"
    return _readout(f"div@{k}", "probability", what, read, k)


def _likeliest(logits: Logits, k: int) -> Int[Tensor, "reads k"]:
    return logits.topk(min(k, logits.shape[1]), dim=1).indices


def _readout(name: str, measure: str, does: str, read: Read, k: int) -> Readout:
    if k < 1:
        raise InputError(f"the k likeliest tokens are at least 1, got {k}")
    return Readout(name, measure, does, read, joins="mean", needs_reference=True)
