"""Input reduction: drop the least important player again and again, until the decision flips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.errors import InputError
from glossator.game.game import Game
from glossator.registry import attribution
from glossator.types import Attribution, Numbers, undefined


def _count(players: int, *, targets: int, threshold: float | None, beam: int) -> int:
    later = targets * beam * (players - 1) * players // 2
    return min(players + 2 + later, 1 << players)


@attribution(
    "input_reduction",
    needs="game",
    measures="how much the readout fell when the unit was dropped, the least important first; "
    "of a unit that was kept to the end, what the decision loses with it",
    paper="Feng et al. 2018, Pathologies of Neural Models Make Interpretations Difficult, "
    "arXiv 1804.07781",
    rows="at most n + 2 + targets x beam x n (n - 1) / 2",
    count=_count,
)
def input_reduction(
    game: Game,
    *,
    threshold: float | None = None,
    beam: int = 1,
    generator: torch.Generator | None = None,
) -> Attribution:
    """Take players away one by one, always the one whose absence leaves the most.

    It stops when the readout would not stay above the threshold without any one more player.
    What is left is a smallest input (no player of it can go) on which the model still decides
    as before: often one that makes no sense to people. Each target has its own path; the first
    step is the same for all, and rows that paths have in common are computed once.

    Args:
        game: values of coalitions.
        threshold: the decision holds while the readout is above it. None: where the model
            decides otherwise, if the readout tells (margin and contrasts: 0, which is exact for
            a token or class; probability: 1/2; log-probability: log 1/2); half of the way
            from all players to none where it does not.
        beam: how many reduced inputs to go on with at each step; the authors use 5. The path
            is that of the shortest found, with the largest readout among these.
        generator: taken by all methods; nothing is drawn.

    Returns:
        [targets players], in the readout's unit; positive = the player raised the readout of
        what was left when it went. Scores of players that went sum to v(all) - v(reduced);
        those of players that stayed are v(reduced) - v(reduced without the player). The notes
        tell for each target the players in the order they went (`removed`), the readout after
        each (`values`), who stayed (`kept`), and whether the decision held at all (`held`): if
        not, nothing goes.

    Raises:
        InputError: a beam below 1.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[3.0], [0.5], [1.0]]).double(),
        ...             before=torch.tensor([[True, True, True]]))
        >>> found = input_reduction(game, threshold=2.0)
        >>> found.scores.tolist(), found.notes["reductions"][0]["removed"]
        ([[3.0, 0.5, 1.0]], (1, 2))
    """
    if beam < 1:
        raise InputError(f"input_reduction needs a beam of at least 1, got {beam}")
    limit = decision_limit(game, threshold)
    # What is not before a target does not act on it: it stays, so that targets share rows.
    everyone = _Path(torch.ones(game.players, dtype=torch.bool), (), ())
    paths = [[everyone] for _ in range(game.targets)]
    unfinished = [t for t in range(game.targets) if game.full[t] > limit[t]]
    while unfinished:
        game(torch.cat([path.shorter(game.before[t]) for t in unfinished for path in paths[t]]))
        for t in list(unfinished):
            found = _reduced(game, t, paths[t], float(limit[t]))[:beam]
            if found:
                paths[t] = found
            else:
                unfinished.remove(t)
    scores = undefined(game.before.shape)
    for t, (path, *_) in enumerate(paths):
        value = game(torch.cat([path.keep[None], path.shorter(game.before[t])]))[:, t]
        scores[t, path.keep & game.before[t]] = value[0] - value[1:]
        values = torch.tensor([float(game.full[t]), *path.values], dtype=torch.float64)
        scores[t, list(path.removed)] = -values.diff()
    reductions = [
        {
            "removed": Numbers(path.removed),
            "values": list(path.values),
            "kept": Numbers((path.keep & own).nonzero()[:, 0].tolist()),
            "held": bool(full > bound),
        }
        for (path, *_), own, full, bound in zip(paths, game.before, game.full, limit, strict=True)
    ]
    notes: dict[str, Any] = {"threshold": limit.tolist(), "reductions": reductions}
    undecided = sum(not each["held"] for each in reductions)
    if undecided:
        notes["caveat"] = (
            f"for {undecided} of {game.targets} targets the decision does not hold with all units, "
            "so nothing was dropped"
        )
    return Attribution(scores, notes=notes)


@dataclass(frozen=True, slots=True)
class _Path:
    """Who is left, who went in order, and the readout after each."""

    keep: Bool[Tensor, " players"]
    removed: tuple[int, ...]
    values: tuple[float, ...]

    def shorter(self, own: Bool[Tensor, " players"]) -> Bool[Tensor, "candidates players"]:
        """Without one more of a target's own players, each in turn."""
        left = (self.keep & own).nonzero()
        return self.keep.repeat(len(left), 1).scatter(1, left, False)


def _reduced(game: Game, target: int, paths: list[_Path], limit: float) -> list[_Path]:
    """The paths one step on that keep the decision, best first; a set met twice counts once."""
    found: dict[tuple[int, ...], _Path] = {}
    for path in paths:
        rows = path.shorter(game.before[target])
        for keep, value in zip(rows, game(rows)[:, target].tolist(), strict=True):
            gone = int((path.keep & ~keep).nonzero())
            removed = (*path.removed, gone)
            if value > limit:
                found.setdefault(
                    tuple(sorted(removed)), _Path(keep, removed, (*path.values, value))
                )
    return sorted(found.values(), key=lambda path: -path.values[-1])


def decision_limit(game: Game, threshold: float | None) -> Float[Tensor, " targets"]:
    """The readout above which each target's decision holds; see `input_reduction`."""
    if threshold is None:
        threshold = game.decision
    if threshold is None:
        return (game.full + game.empty) / 2
    return torch.full((game.targets,), threshold, dtype=torch.float64)
