"""Named components: attribution methods, metrics, removals, readouts.

A component is a decorated function. Third parties register theirs by importing them from a
package that names itself under the entry point group `glossator.plugins`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Generic, Literal, TypeVar

from glossator.errors import InputError, UnknownName

Needs = Literal["game", "tape", "trace", "states", "features"]
Evidence = Literal[
    "game",
    "readouts",
    "tape",
    "rationale",
    "moved",
    "randomised",
    "redrawn",
    "shifted",
    "rewritten",
]
Direction = Literal["higher", "lower"]
Component = TypeVar("Component")


@dataclass(frozen=True, slots=True)
class Method:
    """A registered attribution method.

    Attributes:
        name: what the user types.
        run: `(game, tape, trace, states or features, *, generator, **parameters) -> Attribution`.
        needs: which of the ways to ask a model it takes.
        measures: one sentence: what a score means.
        paper: the source it follows.
        rows: the cost formula in words ("n + 1", "samples x (n + 1)"), n = players.
        count: the same as a function of the number of players, of `targets` and `layers` where it
            asks for them by name, and of the parameters.
        sampled: whether it draws coalitions or noise (and so takes --samples and --precision).
        removal: how an absent unit is represented unless the user says how; None: as is usual for
            the kind of model.
    """

    name: str
    run: Callable[..., Any]
    needs: Needs
    measures: str
    paper: str
    rows: str
    count: Callable[..., int]
    sampled: bool
    removal: str | None = None

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Its keyword-only parameters but the generator: the schema of CLI and provenance."""
        return _own_parameters(self.run)

    def most_rows(self, players: int, parameters: dict[str, Any], **sizes: int) -> int:
        """How many forward rows it may ask for, given the number of `targets` and `layers`."""
        asked = inspect.signature(self.count).parameters
        known = {name: size for name, size in sizes.items() if name in asked}
        return self.count(players, **known, **parameters)

    def complete(self, given: dict[str, Any]) -> dict[str, Any]:
        """The parameters as they will be used: defaults filled in, unknown ones refused.

        Raises:
            InputError: a parameter that the method does not take.
        """
        return _completed(f"method '{self.name}'", self.parameters, given)


@dataclass(frozen=True, slots=True)
class Metric:
    """A registered metric of explanations.

    Attributes:
        name: what the user types.
        run: `(evidence, scores, *, generator, **parameters) -> [targets]`, NaN where it is not
            defined. The evidence is what `needs` says.
        needs: "game": values of coalitions. "readouts": a function that gives the game of any
            readout. "tape": values at points. "rationale": which players people (or the maker
            of a text) mark, [targets players]. The others: scores of the same method, [draws
            targets players], once inputs were "moved" a little, layer after layer was
            "randomised" or each alone "redrawn", inputs were "shifted" and the model took it off
            again, or weights were "rewritten" without any effect.
        measures: one sentence: what the number means.
        direction: whether "higher" or "lower" is better.
        range: smallest and largest value.
        null: what the control is, in words; its value is measured beside.
        paper: the source it follows.
        rows: the cost formula in words, beyond what the method has asked for.
    """

    name: str
    run: Callable[..., Any]
    needs: Evidence
    measures: str
    direction: Direction
    range: tuple[float, float]
    null: str
    paper: str
    rows: str

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Its keyword-only parameters but the generator."""
        return _own_parameters(self.run)

    def complete(self, given: dict[str, Any]) -> dict[str, Any]:
        """The parameters as they will be used; as `Method.complete`."""
        return _completed(f"metric '{self.name}'", self.parameters, given)


def _own_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    return {
        name: parameter
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY and name != "generator"
    }


def _completed(
    who: str, known: dict[str, inspect.Parameter], given: dict[str, Any]
) -> dict[str, Any]:
    for name in given:
        if name not in known:
            takes = ", ".join(known) or "no parameters"
            raise InputError(f"{who} takes no '{name}' (it takes: {takes})")
    return {name: given.get(name, parameter.default) for name, parameter in known.items()}


class Registry(Generic[Component]):
    """Components of one kind by name; an unknown name lists the close ones."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._components: dict[str, Component] = {}

    def add(self, name: str, component: Component) -> None:
        """Register a component; a name is given once."""
        if name in self._components:
            raise ValueError(f"{self.kind} '{name}' is registered twice")
        self._components[name] = component

    def get(self, name: str) -> Component:
        """The component of that name.

        Raises:
            UnknownName: there is none, neither here nor in an installed plug-in.
        """
        if name not in self._components:
            load_plugins()
        if name not in self._components:
            raise UnknownName(self.kind, name, self._components)
        return self._components[name]

    def __iter__(self) -> Iterator[str]:
        load_plugins()
        return iter(sorted(self._components))

    def __contains__(self, name: object) -> bool:
        return name in self._components


METHODS: Registry[Method] = Registry("method")
METRICS: Registry[Metric] = Registry("metric")

_plugins_loaded = False


def load_plugins() -> None:
    """Import every installed plug-in once; importing is what registers its components."""
    global _plugins_loaded
    if _plugins_loaded:
        return
    _plugins_loaded = True
    for entry in entry_points(group="glossator.plugins"):
        entry.load()


def attribution(
    name: str,
    *,
    needs: Needs,
    measures: str,
    paper: str,
    rows: str,
    count: Callable[..., int],
    sampled: bool = False,
    removal: str | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register an attribution method; see `Method` for the arguments.

    `count` takes the number of players and the method's parameters by keyword (and, where it
    has such arguments, the number of `targets` and of `layers`), and returns the number of
    forward rows it will ask for at most.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        method = Method(name, function, needs, measures, paper, rows, count, sampled, removal)
        METHODS.add(name, method)
        return function

    return register


def metric(
    name: str,
    *,
    needs: Evidence,
    measures: str,
    direction: Direction,
    range: tuple[float, float],
    null: str,
    paper: str,
    rows: str,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a metric; see `Metric` for the arguments."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        found = Metric(name, function, needs, measures, direction, range, null, paper, rows)
        METRICS.add(name, found)
        return function

    return register
