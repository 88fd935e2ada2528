"""The ways in which a method asks a model: by a game, a tape, a trace, states or features.

Each way makes what the method asks, tells how many rows that will be, runs the method, and finds
the readout's two ends: with all players and with none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import InputError, ModelError
from glossator.game import Absence, Counts, Features, Rehearsal, States
from glossator.model import FeatureModel, LanguageModel, RemoteModel, Request
from glossator.registry import METHODS, Method
from glossator.run.draws import mean_attribution
from glossator.run.kinds import KINDS
from glossator.types import Attribution

if TYPE_CHECKING:
    from glossator.run.inquiry import Inquiry


class Solved(NamedTuple):
    """What a method found, the readout with all and with no players, and the engine of these."""

    attribution: Attribution
    full: Float[Tensor, " targets"]
    empty: Float[Tensor, " targets"]
    engine: Any


@dataclass(frozen=True)
class Asking:
    """One method put to one inquiry.

    Attributes:
        removal: names what stands in for an absent unit.
        parameters: of the method, complete.
        counts: is added to.
    """

    inquiry: Inquiry
    method: Method
    removal: str
    parameters: dict[str, Any]
    counts: Counts

    def solve(self) -> Solved:
        """Run the method in the way it needs.

        Raises:
            InputError: the model shows less than the method needs.
            ModelError, MemoryBoundError: as the engine says.
        """
        _check(self.method, self.inquiry)
        return _WAYS[self.method.needs](self)

    @cached_property
    def absence(self) -> Absence:
        """What stands in for an absent unit."""
        return self.inquiry.absence(self.removal)

    @property
    def draws(self) -> range:
        """The numbers of the draws of what stands in."""
        return range(self.absence.draws)

    @property
    def name(self) -> str:
        """The method's name in quotes."""
        return f"'{self.method.name}'"

    def run(self, posed: Any, draw: int = 0) -> Attribution:
        """The method's answer to a game, tape, trace, states or features."""
        generator = self.inquiry.generator(draw)
        found: Attribution = self.method.run(posed, generator=generator, **self.parameters)
        return found

    def rows(self) -> int:
        """Forward rows that the method asks for at most, if each row is one pass."""
        inquiry = self.inquiry
        rows = self.method.most_rows(
            len(inquiry.players),
            self.parameters,
            targets=len(inquiry.question.targets),
            layers=inquiry.model.layers,
        )
        return rows * inquiry.question.readings

    def announced(self, planned: int) -> Callable[[float], None] | None:
        """Tell how many rows are planned; returns what reports those done."""
        report = self.inquiry.progress
        if report is None:
            return None
        report(self.method.name, 0, planned)
        return lambda rows: report(self.method.name, rows, planned)

    def ends(self, full: Tensor | None = None) -> tuple[Tensor, Tensor, Any]:
        """Values with all players, if not known, and with none; and the engine they are from."""
        engine = self.inquiry.engine(self.absence)
        engine.counts = self.counts
        players = len(self.inquiry.players)
        everyone, nobody = torch.tensor([[[True]], [[False]]]).expand(2, 1, players)
        full = engine.evaluate(everyone)[0] if full is None else full
        return full, engine.evaluate(nobody)[0], engine


def _check(method: Method, inquiry: Inquiry) -> None:
    """Refuse a method that cannot ask a model of this kind, with the names of those that can."""
    kind = inquiry.model.kind
    ways = KINDS[kind].ways
    if isinstance(inquiry.model, LanguageModel) and method.needs not in (*ways, "features"):
        able = [name for name in METHODS if METHODS.get(name).needs in ways]
        raise InputError(
            f"'{method.name}' cannot look into a {kind.replace('_', ' ')} model: "
            f"use one of {', '.join(able)}"
        )


def _by_game(asking: Asking) -> Solved:
    inquiry, stand_in = asking.inquiry, asking.absence
    planned = stand_in.draws * stand_in.passes * asking.rows()
    if isinstance(inquiry.model, RemoteModel):
        planned = _rehearsed(asking, inquiry.model)
    report = asking.announced(planned)
    found, fulls, empties = [], [], []
    for draw in asking.draws:
        engine, game = inquiry.game(stand_in, draw)
        engine.counts, engine.progress = asking.counts, report
        found.append(asking.run(game, draw))
        fulls.append(game.full)
        empties.append(game.empty)
    full, empty = torch.stack(fulls).mean(0), torch.stack(empties).mean(0)
    return Solved(mean_attribution(found), full, empty, engine)


def _rehearsed(asking: Asking, model: RemoteModel) -> int:
    """Calls that the method will make, told and held against the limit before any is sent."""
    inquiry = asking.inquiry
    noted: dict[str, Request] = {}
    for draw in asking.draws:
        game = inquiry.new_game(Rehearsal(inquiry.engine(asking.absence, draw), noted))
        asking.run(game, draw)
        game(torch.tensor([[True], [False]]).expand(2, game.players))
    bill = model.quote(noted.values())
    return bill.calls + bill.answered


def _by_tape(asking: Asking) -> Solved:
    model = asking.inquiry.opened(asking.name)
    report = asking.announced(asking.rows())
    tape = asking.inquiry.tape(asking.absence, asking.counts, report)
    with _gradients_passing(asking.method, model):
        found = asking.run(tape)
    return Solved(found, *asking.ends(tape.full))


def _by_trace(asking: Asking) -> Solved:
    model = asking.inquiry.opened(asking.name)
    report = asking.announced(asking.rows())
    trace = asking.inquiry.trace(asking.counts, report)
    with _gradients_passing(asking.method, model):
        found = asking.run(trace)
    return Solved(found, *asking.ends())


def _by_states(asking: Asking) -> Solved:
    inquiry = asking.inquiry
    model, stand_in = inquiry.opened(asking.name), asking.absence
    ends = 2 * stand_in.passes * inquiry.question.readings
    report = asking.announced(stand_in.draws * stand_in.passes * asking.rows() + ends)
    found = []
    for draw in asking.draws:
        how = (inquiry.players, inquiry.before, stand_in, inquiry.budget, asking.counts)
        states = States(model, inquiry.question, *how, report, draw)
        found.append(asking.run(states, draw))
    return Solved(mean_attribution(found), *asking.ends())


def _by_features(asking: Asking) -> Solved:
    inquiry = asking.inquiry
    if not isinstance(inquiry.model, FeatureModel):
        raise InputError(
            f"{asking.name} reads the weights of a linear model on named features, and "
            f"{inquiry.model.name} is none: give a FeatureModel, or take leave_one_out"
        )
    if inquiry.readout.name != "logit":
        raise InputError(f"{asking.name} explains the decision function: type --readout logit")
    asking.announced(asking.rows())
    features = Features(inquiry.model, inquiry.question, inquiry.players, inquiry.before)
    return Solved(asking.run(features), *asking.ends())


_WAYS: Final[dict[str, Callable[[Asking], Solved]]] = {
    "game": _by_game,
    "tape": _by_tape,
    "trace": _by_trace,
    "states": _by_states,
    "features": _by_features,
}


@contextlib.contextmanager
def _gradients_passing(method: Method, model: LanguageModel) -> Iterator[None]:
    """Say so where quantised weights have no derivative.

    Raises:
        ModelError: they have none.
    """
    try:
        yield
    except (NotImplementedError, RuntimeError) as error:
        if model.quantised is None:
            raise
        raise ModelError(
            f"'{method.name}' looks inside {model.name} or follows its gradients, and its "
            f"quantised weights ({model.quantised}) do not allow that "
            f"({str(error).splitlines()[0]}): take leave_one_out, shapley or another method that "
            "needs values only"
        ) from error
