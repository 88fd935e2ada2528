"""The perturbations by name, as a user types them: NAME or NAME:ARGUMENT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from glossator.errors import InputError
from glossator.registry import Registry
from glossator.text.perturb.grammar import gender, negation, number
from glossator.text.perturb.movement import move
from glossator.text.perturb.pair import Expectation, Pair
from glossator.text.perturb.wording import (
    Neighbourhood,
    Rewriting,
    reformulated,
    replaced_at_distance,
    replaced_phrase,
)


@dataclass(frozen=True)
class Means:
    """What perturbations may use besides the text.

    Attributes:
        generator: of what is drawn.
        neighbours: words at a distance; None: there is no model that knows any.
        rewriting: says a text in other words; None: nothing does.
    """

    generator: torch.Generator
    neighbours: Neighbourhood | None = None
    rewriting: Rewriting | None = None


@dataclass(frozen=True)
class Perturbation:
    """A registered perturbation.

    Attributes:
        name: what the user types. does: one sentence.
        argument: what follows the name and a colon; None: nothing does.
        expectation: what it should do to a prediction, unless the user says otherwise.
        make: `(text, argument, means) -> pairs`.
    """

    name: str
    does: str
    argument: str | None
    expectation: Expectation | None
    make: Callable[[str, str, Means], list[Pair]]


PERTURBATIONS: Registry[Perturbation] = Registry("perturbation")


def perturb(text: str, how: str, means: Means) -> list[Pair]:
    """The pairs that a perturbation makes of a text.

    Args:
        text: the original.
        how: NAME or NAME:ARGUMENT.
        means: what it may use.

    Raises:
        UnknownName: no perturbation of that name.
        InputError: an argument it cannot use, or a text it does not apply to.

    Example:
        >>> means = Means(torch.Generator().manual_seed(0))
        >>> [pair.perturbed for pair in perturb("The cup is full.", "negation", means)]
        ['The cup is not full.']
    """
    name, _, argument = how.partition(":")
    found = PERTURBATIONS.get(name)
    if bool(argument) != (found.argument is not None):
        takes = f"{name}:{found.argument}" if found.argument else name
        raise InputError(f"got the perturbation '{how}': write {takes}")
    pairs = found.make(text, argument, means)
    if not pairs:
        raise InputError(
            f"'{how}' finds nothing to change in {text!r}: it would {found.does}; "
            "pairs of your own can be given in a file"
        )
    return pairs


def _near(text: str, argument: str, means: Means) -> list[Pair]:
    return replaced_at_distance(text, argument, _known(means), means.generator, near=True)


def _far(text: str, argument: str, means: Means) -> list[Pair]:
    return replaced_at_distance(text, argument, _known(means), means.generator, near=False)


def _known(means: Means) -> Neighbourhood:
    if means.neighbours is None:
        raise InputError(
            "distances between words need a model's embeddings, and this one is given text: "
            "use replace:OLD=NEW, or pairs from a file"
        )
    return means.neighbours


def _reformulated(text: str, _: str, means: Means) -> list[Pair]:
    if means.rewriting is None:
        raise InputError("no model was given that says the text in other words")
    return reformulated(text, means.rewriting)


for _each in (
    Perturbation("near", "put a word nearer than R in the place of each word", "R", "same", _near),
    Perturbation(
        "far", "put a word farther than R in the place of each word", "R", "changes", _far
    ),
    Perturbation(
        "replace",
        "put q words in the place of p others",
        "OLD=NEW",
        None,
        lambda text, argument, _: replaced_phrase(text, argument),
    ),
    Perturbation(
        "move",
        "let neighbouring sentences, or words joined by 'and', change places",
        None,
        "same",
        lambda text, _, __: move(text),
    ),
    Perturbation(
        "reformulate",
        "let a language model say the complete sentences in other words",
        None,
        "same",
        _reformulated,
    ),
    Perturbation(
        "number",
        "make one of many and many of one, noun by noun",
        None,
        "changes",
        lambda text, _, __: number(text),
    ),
    Perturbation(
        "gender",
        "turn he into she and she into he, throughout",
        None,
        "same",
        lambda text, _, __: gender(text),
    ),
    Perturbation(
        "negation",
        "deny what is affirmed and affirm what is denied, verb by verb",
        None,
        "changes",
        lambda text, _, __: negation(text),
    ),
):
    PERTURBATIONS.add(_each.name, _each)
