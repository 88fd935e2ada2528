"""How much can the input move a target at all?

A change counts for as much as it changes what a reader sees: outputs drawn from the model. Each
readout is turned into the chance of a yes-or-no question ("does the model say this?"), and two
chances p and q are held apart by the Kullback-Leibler divergence of the coins that they are,

    p log(p / q) + (1 - p) log((1 - p) / (1 - q))    nats.

By Stein's lemma about log(1 / e) / KL drawn outputs are needed to tell the one from the other
with an error of e. So an effect in nats of log-probability is worth nothing where the model would
hardly say the word in any case, as an untrained model hardly says any.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

Form = Literal["log_probability", "probability", "difference", "log_odds", "logit", "nats"]
"""What a value is: the log-probability of some tokens, a probability, a difference of two
probabilities, log-odds, a logit (log-odds up to a constant), or information in nats."""

FORMS: dict[tuple[str, bool], Form] = {
    ("logprob", False): "log_probability",
    ("logprob", True): "log_odds",
    ("probability", False): "probability",
    ("probability", True): "difference",
    ("margin", False): "log_odds",
    ("margin", True): "logit",
    ("logit", False): "logit",
    ("logit", True): "log_odds",
    ("entropy", False): "nats",
    ("entropy", True): "nats",
    ("kl", False): "nats",
    ("kl", True): "nats",
}

LEAST = math.log(20) / 100
"""Nats below which the input does not move a target: a hundred drawn outputs do not tell the
whole input from a perturbed one with an error of 5%."""


def form_of(readout: str, measure: str, contrasted: bool) -> Form:
    """What the values of a readout are.

    Args:
        readout: its name. measure: its unit in words, for readouts that are not ours.
        contrasted: whether one output is set against another.

    Example:
        >>> form_of("logprob", "nats", False), form_of("token_f1", "similarity", False)
        ('log_probability', 'probability')
    """
    bounded = measure in ("probability", "similarity", "share")
    other: Form = "nats" if not bounded else "difference" if contrasted else "probability"
    return FORMS.get((readout, contrasted), other)


@dataclass(frozen=True, eq=False, slots=True)
class Reading:
    """How the readout of each target is read as a chance.

    Attributes:
        form: what a readout is. full: [targets] that of the whole input.
        tokens: of each target.
    """

    form: Form
    full: Float[Tensor, " targets"]
    tokens: Int[Tensor, " targets"]

    def of(self, chosen: Int[Tensor, " chosen"]) -> Reading:
        """For some of the targets."""
        return replace(self, full=self.full[chosen], tokens=self.tokens[chosen])

    def information(
        self, values: Float[Tensor, "coalitions targets"]
    ) -> Float[Tensor, "coalitions targets"]:
        """How well one drawn output tells the whole input from each coalition; see there."""
        return information(values, self.full, self.form, self.tokens)

    def chance(self, values: Float[Tensor, "*some targets"]) -> Float[Tensor, "*some targets"]:
        """Readouts as chances; see `as_chance`."""
        return as_chance(values, self.full, self.form, self.tokens)


def information(
    values: Float[Tensor, "coalitions targets"],
    full: Float[Tensor, " targets"],
    form: Form,
    tokens: Int[Tensor, " targets"],
) -> Float[Tensor, "coalitions targets"]:
    """How well one drawn output tells the whole input from each coalition, in nats.

    Args:
        values: readouts of coalitions. full: of the whole input.
        form: what a readout is.
        tokens: of each target; the chance of several is their geometric mean, or long outputs
            would all be improbable.

    Returns:
        Divergences, 0 or more; 0 = no draw tells anything.

    Example:
        >>> half, tenth, never = torch.tensor([[0.5], [0.1], [1e-6]]).double().log()
        >>> one = torch.tensor([1])
        >>> information(tenth[None], half, "log_probability", one).item()  # doctest: +ELLIPSIS
        0.51...
        >>> information((never / 2)[None], never, "log_probability", one).item() < LEAST
        True
    """
    if form == "nats":
        return (values - full).abs()
    before, after = (as_chance(each, full, form, tokens) for each in (full, values))
    # Kept off 0 and 1: what has rounded to certainty is told from nothing by no finite sample.
    after = after.clamp(1e-300, 1 - 1e-16)
    told = torch.xlogy(before, before / after)
    told += torch.xlogy(1 - before, (1 - before) / (1 - after))
    return told.clamp_min(0)


def as_chance(
    values: Float[Tensor, "*some targets"],
    full: Float[Tensor, " targets"],
    form: Form,
    tokens: Int[Tensor, " targets"],
) -> Float[Tensor, "*some targets"]:
    """Readouts as the chance of a yes-or-no question, 0 to 1; nats stay what they are.

    Args:
        values, full, form, tokens: as in `information`.

    Example:
        >>> odds = torch.tensor([0.0]).double()
        >>> as_chance(odds, odds, "log_odds", torch.tensor([1])).item()
        0.5
    """
    match form:
        case "nats":
            return values
        case "log_probability":
            return (values / tokens).exp().clamp(0, 1)
        case "probability":
            return values.clamp(0, 1)
        case "difference":
            return ((1 + values) / 2).clamp(0, 1)
        case "log_odds":
            return values.sigmoid()
    return (values - full).sigmoid()  # a logit's zero means nothing: count from an even chance
