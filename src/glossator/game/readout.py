"""Readouts: the number that is read off the logits of a scored token, and how tokens join.

Every readout is computed in log space from the logits at one position, `log p = logit -
logsumexp`, so a probability near 1 loses nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from glossator.registry import Registry

Logits = Float[Tensor, "reads vocabulary"]
Ids = Int[Tensor, " reads"]
Values = Float[Tensor, " reads"]


@dataclass(frozen=True)
class Readout:
    """A registered readout.

    Attributes:
        name: what the user types. measure: its unit, in words. does: one sentence.
        read: `(logits, ids, reference logits) -> values` per scored token, float64.
        joins: "sum" or "mean" of the tokens' values, or "product" of exp(values), for a word or
            sequence.
        needs_reference: whether it compares with the logits of the unperturbed text.
        decision: value above which the target is what the model decides for (a single token:
            exactly so for the margin; where it is likelier than all else together for a
            probability); None where the value does not tell.
    """

    name: str
    measure: str
    does: str
    read: Callable[[Logits, Ids, Logits | None], Values]
    joins: str = "sum"
    needs_reference: bool = False
    decision: float | None = None


READOUTS: Registry[Readout] = Registry("readout")


def _register(readout: Readout) -> None:
    READOUTS.add(readout.name, readout)


def chosen(logits: Logits, ids: Ids) -> Values:
    """The logits of the given ids, float64."""
    return logits.gather(1, ids[:, None])[:, 0].double()


def log_probability(logits: Logits, ids: Ids, _: Logits | None = None) -> Values:
    """Natural log of the probability of each id.

    Example:
        >>> log_probability(torch.tensor([[50.0, 0.0]]), torch.tensor([1])).tolist()
        [-50.0]
    """
    return chosen(logits, ids) - logits.logsumexp(dim=1).double()


def margin(logits: Logits, ids: Ids, _: Logits | None = None) -> Values:
    """Logit of the id minus the largest other logit."""
    others = logits.scatter(1, ids[:, None], -torch.inf)
    return chosen(logits, ids) - others.amax(dim=1).double()


def entropy(logits: Logits, ids: Ids, _: Logits | None = None) -> Values:
    """Entropy of the next-token distribution, in nats."""
    logs = logits.log_softmax(dim=1)
    return -(logs.exp() * logs).sum(dim=1).double()


def divergence(logits: Logits, ids: Ids, reference: Logits | None) -> Values:
    """KL(unperturbed || perturbed) over the whole vocabulary, in nats; never negative."""
    assert reference is not None
    old = reference.log_softmax(dim=1)
    return (old.exp() * (old - logits.log_softmax(dim=1))).sum(dim=1).double().clamp_min(0)


_register(
    Readout(
        "logprob",
        "nats",
        "log-probability of the target's tokens, summed",
        log_probability,
        decision=math.log(0.5),
    )
)
_register(
    Readout(
        "probability",
        "probability",
        "probability of the target: the product over its tokens",
        log_probability,
        joins="product",
        decision=0.5,
    )
)
_register(
    Readout(
        "logit", "logit", "logits of the target's tokens, summed", lambda x, ids, _: chosen(x, ids)
    )
)
_register(
    Readout(
        "margin",
        "logit",
        "logit minus the largest other logit, summed over the tokens",
        margin,
        decision=0.0,
    )
)
_register(
    Readout("entropy", "nats", "entropy of the distributions the tokens are drawn from", entropy)
)
_register(
    Readout(
        "kl",
        "nats",
        "KL divergence from the unperturbed distribution, summed over the tokens: "
        "0 with every unit present, so a unit that matters scores below 0",
        divergence,
        needs_reference=True,
    )
)


def join(
    values: Float[Tensor, "coalitions scored"],
    target: Int[Tensor, " scored"],
    branch: Int[Tensor, " scored"],
    sign: Int[Tensor, " scored"],
    targets: int,
    joins: str,
) -> Float[Tensor, "coalitions targets"]:
    """From scored tokens to targets: join the tokens of each branch, then add signed branches."""
    branches = int(branch.max()) + 1 if len(branch) else 1
    slot = target * branches + branch
    shape = (len(values), targets * branches)
    total = torch.zeros(shape, dtype=torch.float64, device=values.device)
    total = total.index_add(1, slot, values)
    signs = torch.zeros(shape[1], dtype=torch.float64, device=values.device)
    signs[slot] = sign.double()
    if joins == "product":
        total = total.exp()
    if joins == "mean":
        total = total / slot.bincount(minlength=shape[1]).clamp_min(1)
    return (total * signs).reshape(-1, targets, branches).sum(dim=2)
