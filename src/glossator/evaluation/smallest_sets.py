"""The smallest set of words that suffices for a decision, and the smallest without which it fails.

Up to ten words all sets are tried, the small ones first, so the answer is exact. Beyond that it is
greedy: words are added by what they bring until the set will do, and then every word that turns
out not to be needed is taken out again. The answer says which of the two it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.attribution.input_reduction import decision_limit
from glossator.game.game import Game

EXACT = 10
"""Words up to which all sets are tried: 1024 rows at most."""

Sets = Sequence[frozenset[int]]
Worth = Callable[[Sets], Float[Tensor, " sets"]]
"""How good sets are: at 0 and above (or above 0) they will do."""


@dataclass(frozen=True, slots=True)
class SmallestSet:
    """A smallest set of words for one target.

    Attributes:
        players: in reading order; None where the decision does not hold with all words, or where
            no set will do (none is necessary where it holds without any word).
        exact: whether no smaller set exists; else none of its words can be left out.
        value: the readout with the set alone, or without it; None where there is none.
    """

    players: tuple[int, ...] | None
    exact: bool
    value: float | None


def smallest_sufficient(
    game: Game, *, threshold: float | None = None, exact_up_to: int = EXACT
) -> list[SmallestSet]:
    """For each target the smallest set of words that alone keeps the decision.

    Of several of the same size, the one with the largest readout.

    Args:
        game: values of coalitions.
        threshold: the decision holds while the readout is above it; None: as in
            `input_reduction`.
        exact_up_to: players up to which all sets are tried.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True, True]]))
        >>> smallest_sufficient(game, threshold=1.5)
        [SmallestSet(players=(0,), exact=True, value=3.0)]
    """
    limit = decision_limit(game, threshold)
    found = []
    for target in range(game.targets):

        def worth(sets: Sets, target: int = target) -> Float[Tensor, " sets"]:
            return game(_rows(sets, game.players))[:, target] - limit[target]

        found.append(_smallest(game, target, limit, worth, torch.gt, exact_up_to))
    return found


def smallest_necessary(
    game: Game, *, threshold: float | None = None, exact_up_to: int = EXACT
) -> list[SmallestSet]:
    """For each target the smallest set of words without which the decision fails.

    Of several of the same size, the one without which the readout is smallest.

    Args:
        game, threshold, exact_up_to: as in `smallest_sufficient`.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [1.0], [1.0]]).double(),
        ...             before=torch.tensor([[True, True, True]]))
        >>> smallest_necessary(game, threshold=1.5)  # 1 is left without them
        [SmallestSet(players=(0, 1), exact=True, value=1.0)]
    """
    limit = decision_limit(game, threshold)
    found = []
    for target in range(game.targets):

        def worth(sets: Sets, target: int = target) -> Float[Tensor, " sets"]:
            return limit[target] - game(~_rows(sets, game.players))[:, target]

        found.append(_smallest(game, target, limit, worth, torch.ge, exact_up_to))
    return found


def _rows(sets: Sets, players: int) -> Bool[Tensor, "sets players"]:
    rows = torch.zeros(len(sets), players, dtype=torch.bool)
    for row, members in zip(rows, sets, strict=True):
        row[list(members)] = True
    return rows


def _smallest(
    game: Game,
    target: int,
    limit: Float[Tensor, " targets"],
    worth: Worth,
    enough: Callable[[Tensor, int], Tensor],
    exact_up_to: int,
) -> SmallestSet:
    own = game.before[target].nonzero()[:, 0].tolist()
    exact = len(own) <= exact_up_to
    chosen = None
    if game.full[target] > limit[target]:
        chosen = (_search if exact else _greedy)(own, worth, enough)
    if chosen is None:
        return SmallestSet(None, exact, None)
    keep = _rows([chosen], game.players)
    value = game(keep if enough is torch.gt else ~keep)[0, target]
    return SmallestSet(tuple(sorted(chosen)), exact, float(value))


def _search(
    own: list[int], worth: Worth, enough: Callable[[Tensor, int], Tensor]
) -> frozenset[int] | None:
    """All sets, by size."""
    for size in range(len(own) + 1):
        sets = [frozenset(members) for members in combinations(own, size)]
        found = worth(sets)
        if enough(found, 0).any():
            return sets[int(found.argmax())]
    return None


def _greedy(
    own: list[int], worth: Worth, enough: Callable[[Tensor, int], Tensor]
) -> frozenset[int] | None:
    """Add the best word until the set will do; then take out what is not needed."""
    chosen: frozenset[int] = frozenset()
    while not enough(worth([chosen]), 0).any():
        larger = [chosen | {player} for player in own if player not in chosen]
        if not larger:
            return None
        chosen = larger[int(worth(larger).argmax())]
    while chosen:
        smaller = [chosen - {player} for player in sorted(chosen)]
        found = worth(smaller)
        if not enough(found, 0).any():
            break
        chosen = smaller[int(found.argmax())]
    return chosen
