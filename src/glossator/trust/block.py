"""The trust of an explanation: what a game says about the scores of its players."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from glossator.attribution.shapley import arrivals
from glossator.evaluation.removal_curves import (
    descending,
    keep_curve,
    own_values,
    prefixes,
    removal_curve,
    sizes_of,
)
from glossator.game.game import Game
from glossator.trust.budget import MOST_ORDERS, Plan, plan
from glossator.trust.control import Control, ask_control, controlled
from glossator.trust.decisive import Chance, decisive
from glossator.trust.explainability import LEAST, Form, Reading
from glossator.trust.randomisation import enough_players, shuffled_p, significant
from glossator.trust.verdict import judge
from glossator.types import (
    Attribution,
    Controlled,
    Numbers,
    Reason,
    TargetTrust,
    Trust,
    Verdict,
)


def prepare(
    before: Bool[Tensor, "targets players"], generator: torch.Generator, full: bool = False
) -> tuple[Int[Tensor, "pairs 2 players"], Plan]:
    """The random orders that `measure` draws first, and what it is going to ask for."""
    place = arrivals(MOST_ORDERS // 2, before.shape[1], generator)
    return place, plan(before, place, full)


def measure(
    game: Game,
    found: Attribution,
    *,
    form: Form,
    tokens: Int[Tensor, " targets"],
    generator: torch.Generator,
    full: bool = False,
) -> Trust:
    """Measure how far scores can be believed, within a quarter of the rows of a Shapley run.

    Args:
        game: values of coalitions; where its table knows the random orders, they cost nothing.
        found: scores of its players.
        form: what a value is; see `information`.
        tokens: of each target.
        generator: of the random orders, the ties and the shuffled scores.
        full: more orders and shares, without an allowance.

    Returns:
        The trust, with players as decisive units. Its `rows` are coalitions computed;
        `ood_rate` and `removal_agreement` take more than a game and are None.

    Example:
        >>> weights = torch.tensor([[4.0, 0.1, 0.0, 0.1, 0.0, 0.2, 0.1]]).double()
        >>> game = Game(lambda keep: keep.double() @ weights.T - 4.6, weights > -1)
        >>> trust = measure(game, Attribution(weights), form="log_probability",
        ...                 tokens=torch.tensor([1]), generator=torch.Generator())
        >>> trust.targets[0].verdict, trust.targets[0].decisive
        ('explained', (0,))
    """
    computed = game.coalitions_computed
    found = replace(found, scores=found.scores.double().masked_fill(~game.before, math.nan))
    scored = ~found.scores.isnan()
    place, spend = prepare(game.before, generator, full)
    singles = ~torch.eye(game.players, dtype=torch.bool)
    if game.knows(singles):  # then they cost nothing
        spend = replace(spend, singles=game.players)
    control = ask_control(game, place, spend)
    passed = torch.cat([control.values, game.empty[None]])
    reading = Reading(form, game.full, tokens)
    told = reading.information(passed).amax(0)
    effects = [control.effects]
    if spend.singles == game.players:
        effects.append((game.full - game(singles)).T)
    levels = shuffled_p(found.scores, effects, scored, generator)
    moved, enough = told >= LEAST, enough_players(scored)
    better = significant(levels.masked_fill(~(moved & enough), math.nan))
    curves = _curves(control, found, spend, told, reading, generator)
    targets = tuple(
        _target(
            curves[t],
            judge(
                moved=bool(moved[t]),
                enough=bool(enough[t]),
                measured=curves[t] is not None,
                better=bool(better[t]),
                found=_found(curves[t]),
            ),
            told=float(told[t]),
            level=float(levels[t]),
            noise=_noise(found, t),
        )
        for t in range(game.targets)
    )
    return Trust(
        targets=targets,
        completeness_gap=_completeness_gap(game, found),
        ood_rate=None,
        rows=game.coalitions_computed - computed,
        orders=len(control.orders),
        shares=spend.shares,
    )


@dataclass(frozen=True, slots=True)
class _Curves:
    """What removing and keeping the largest scores of one target does."""

    comprehensiveness: Controlled
    sufficiency: Controlled
    decisive: Numbers
    without: float
    alone: float


def _curves(
    control: Control,
    found: Attribution,
    spend: Plan,
    told: Tensor,
    reading: Reading,
    generator: torch.Generator,
) -> list[_Curves | None]:
    """The curves of as many targets as can be paid, those that the input moves most first."""
    game = control.game
    acted = game.before.any(1)
    ranked = told.masked_fill(~acted, -1).argsort(descending=True, stable=True)
    chosen = ranked[: min(spend.curves, int(acted.sum()))].sort().values
    curves: list[_Curves | None] = [None] * game.targets
    if len(chosen):
        stderr = None if found.stderr is None else found.stderr[chosen]
        some = replace(found, scores=found.scores[chosen], stderr=stderr)
        narrow = _narrowed(control, chosen)
        each = _all_curves(narrow, some, spend, reading.of(chosen), generator)
        for t, curve in zip(chosen.tolist(), each, strict=True):
            curves[t] = curve
    return curves


def _narrowed(control: Control, chosen: Int[Tensor, " chosen"]) -> Control:
    """The same orders for some of the targets."""
    game = control.game
    some = Game(lambda keep: game(keep)[:, chosen], game.before[chosen])
    return replace(control, game=some, values=control.values[:, chosen])


def _all_curves(
    control: Control,
    found: Attribution,
    spend: Plan,
    reading: Reading,
    generator: torch.Generator,
) -> list[_Curves]:
    game = control.game
    order = descending(found.scores, generator)
    sizes = sizes_of(game.before, spend.shares)
    full, head = game.full, prefixes(game.before, order, sizes)
    # Asked for in one go, so that the engine computes once what the rows share.
    game(torch.cat([head, ~head]).flatten(0, 1))
    removed, kept = removal_curve(game, order, sizes), keep_curve(game, order, sizes)
    random_removed = control.curves(removal_curve, sizes)
    random_kept = control.curves(keep_curve, sizes)
    chance = Chance(
        Game(lambda keep: reading.chance(game(keep)), game.before),
        sizes,
        reading.chance(random_removed).mean(0),
        reading.chance(random_kept).mean(0),
    )
    odds = Chance(game, sizes, random_removed.mean(0), random_kept.mean(0))
    own = odds if reading.form == "log_odds" else None
    named = decisive(chance, found, order, spend.singles, own)
    ends = own_values(game, torch.stack([~named, named]))
    return [
        _Curves(*row)
        for row in zip(
            controlled(full - removed.mean(0), full - random_removed.mean(1)),
            controlled(full - kept.mean(0), full - random_kept.mean(1)),
            (Numbers(row[mine[row]].tolist()) for row, mine in zip(order, named, strict=True)),
            *ends.tolist(),
            strict=True,
        )
    ]


def _found(curves: _Curves | None) -> bool:
    return curves is not None and bool(curves.decisive)


def _target(
    curves: _Curves | None,
    judged: tuple[Verdict, Reason],
    *,
    told: float,
    level: float,
    noise: float | None,
) -> TargetTrust:
    verdict, reason = judged
    named = curves if verdict == "explained" else None
    return TargetTrust(
        verdict=verdict,
        reason=reason,
        decisive=named.decisive if named else Numbers(),
        explainability=told,
        comprehensiveness=curves.comprehensiveness if curves else None,
        sufficiency=curves.sufficiency if curves else None,
        p_value=None if math.isnan(level) else level,
        without=named.without if named else None,
        alone=named.alone if named else None,
        noise=noise,
    )


def _noise(found: Attribution, target: int) -> float | None:
    """Root mean square of the standard errors over that of the scores."""
    if found.stderr is None:
        return None
    size = float(found.scores[target].square().nansum())
    error = float(found.stderr[target, ~found.scores[target].isnan()].square().nansum())
    return (error / size) ** 0.5 if size > 0 else None


def _completeness_gap(game: Game, found: Attribution) -> float | None:
    """Largest difference between a row of scores summed and full - empty."""
    acted = game.before.any(1)
    if "unit" in found.notes or not bool(acted.any()):
        return None
    gap: Float[Tensor, " targets"] = found.scores.nansum(1) - (game.full - game.empty)
    return float(gap[acted].abs().max())
