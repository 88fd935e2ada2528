"""How much the inputs of a method surprise the model: are they still texts to it?

Words that are gone make the others less likely, and rightly so where they told something. What
is counted is how many inputs are far from what the model knows: whose remaining words have more
than twice the negative log-likelihood that they have in the whole text.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from glossator.game import READOUTS, Absence, Budget, Counts, Engine
from glossator.game.sides import player_of_tokens
from glossator.model import LanguageModel, Model, TextModel
from glossator.text import Asked, Branch, Question
from glossator.types import OOD_FACTOR

LEAST_SURPRISE = 0.1
"""Nats a token: words that the model finds as sure as that are not counted as surer."""

CHARACTERS = 4
"""Of a token, about, where a model does not say what its tokens are."""


def token_counts(model: Model, question: Question) -> Int[Tensor, " targets"]:
    """How many tokens each target has; about so many for a model that is given text."""
    counts = torch.tensor([len(target.tokens) for target in question.targets])
    if isinstance(model, TextModel):
        counts = (counts + CHARACTERS // 2) // CHARACTERS
    return counts.clamp_min(1)


def tells_surprise(model: LanguageModel, absence: Absence) -> bool:
    """Whether a model tells how likely the words of its input are, with some of them absent.

    Not where a hidden token asks for the next one: that takes a row for each of them.
    """
    hides = absence.drops and not absence.closes_up
    return model.kind == "causal" and not hides


def drawn(
    used: Bool[Tensor, "coalitions players"], count: int, generator: torch.Generator
) -> Bool[Tensor, "some players"]:
    """Some of the coalitions that a method used, but not the whole text.

    Example:
        >>> drawn(torch.tensor([[True, True], [True, False]]), 5, torch.Generator())
        tensor([[ True, False]])
    """
    perturbed = used[~used.all(1)]
    return perturbed[torch.randperm(len(perturbed), generator=generator)[:count]]


def ood_rate(
    model: LanguageModel,
    question: Question,
    players: tuple[int, ...],
    absence: Absence,
    budget: Budget,
    keep: Bool[Tensor, "inputs players"],
    counts: Counts,
) -> float | None:
    """Share of inputs whose remaining words surprise the model far more than in the whole text.

    Args:
        model: a causal one. question: what is asked of it. players: unit index of each.
        absence: what stands in for absent words. budget: of one forward pass.
        keep: the inputs.
        counts: what is computed is added to.

    Returns:
        0 to 1, of the inputs in which a word remains; None where there is none.
    """
    owner = player_of_tokens(question, players)
    places = [i for i in range(1, len(owner)) if owner[i] >= 0]  # nothing is before the first
    whole = torch.ones(1, len(players), dtype=torch.bool)
    engine = Engine(
        model,
        _token_by_token(question, places),
        players,
        absence,
        READOUTS.get("logprob"),
        budget,
        counts=counts,
    )
    surprise = -engine.evaluate(torch.cat([whole, keep]))  # [1+inputs tokens]
    present = keep[:, owner[places]]
    left = present.any(1)
    remaining = present[left].double()
    now = (surprise[1:][left] * remaining).sum(1) / remaining.sum(1)
    before = (surprise[0] * remaining).sum(1) / remaining.sum(1)
    far = now > OOD_FACTOR * before.clamp_min(LEAST_SURPRISE)
    return float(far.double().mean()) if bool(left.any()) else None


def _token_by_token(question: Question, places: list[int]) -> Question:
    """The same text, asked for each of some tokens given those before it."""
    targets = tuple(
        Asked("", 0, 0, (token,), place, (Branch((token,), 0, 1.0),))
        for place in places
        for token in [question.ids[place]]
    )
    before = torch.ones(len(targets), len(question.players), dtype=torch.bool)
    return replace(question, targets=targets, before=before)
