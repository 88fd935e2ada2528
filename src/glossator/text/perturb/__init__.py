"""Perturbations: a text changed in one respect, with where, how and what should follow."""

from glossator.text.perturb.authored import parse_pairs
from glossator.text.perturb.chance import changed_at_random
from glossator.text.perturb.library import PERTURBATIONS, Means, Perturbation, perturb
from glossator.text.perturb.pair import Expectation, Pair, expectation_named

__all__ = [
    "PERTURBATIONS",
    "Expectation",
    "Means",
    "Pair",
    "Perturbation",
    "changed_at_random",
    "expectation_named",
    "parse_pairs",
    "perturb",
]
