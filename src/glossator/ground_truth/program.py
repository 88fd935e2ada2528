"""A small language for programs that a transformer can run: what is known at each place.

A program is made of variables, each of which has one of a few values, or none, at every place of
a text. Attention fetches a value from another place or counts places; a feed-forward network maps
values to values. What a word that is absent leaves behind is no value, which matches nothing, so
that the meaning of a text with some of its words gone is known too.

The idea is RASP's (Weiss, Goldberg and Yahav 2021, arXiv 2106.06981) and Tracr's (Lindner et al.
2023, arXiv 2301.05062).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Value = str | int

Match = Callable[[Value, Value | None], bool]
"""(value there, value asked for here) -> whether that place is looked at."""


@dataclass(frozen=True, eq=False)
class Variable:
    """One of a few values, or none, at every place.

    Attributes:
        values: all that it can have.
        sources: the variables that it is made of.
    """

    values: tuple[Value, ...]
    sources: tuple[Variable, ...] = ()


@dataclass(frozen=True, eq=False)
class Words(Variable):
    """The word at each place; the start of the text has none."""


@dataclass(frozen=True, eq=False)
class Places(Variable):
    """The number of each place; the start of the text has 0, the first word 1."""


@dataclass(frozen=True, eq=False)
class Mapped(Variable):
    """What a function makes of one or two variables at the same place.

    Attributes:
        table: (values of the sources) -> value; None in the second place stands for "no value".
    """

    table: tuple[tuple[tuple[Value | None, ...], Value], ...] = ()


@dataclass(frozen=True, eq=False)
class Fetched(Variable):
    """The value that a variable has at the one earlier place, or here, that is looked at.

    Attributes:
        asked: whether the last source says what is asked for here; else the same is asked
            everywhere.
        match: which places are looked at. None of them: no value. Several: their mean, which no
            program here needs.
    """

    asked: bool = False
    match: Match = lambda there, here: False


@dataclass(frozen=True, eq=False)
class Counted(Variable):
    """How many places up to here are looked at; the last value stands for it or more.

    Attributes:
        asked, match: as in `Fetched`. Where nothing is asked for, 0.
    """

    asked: bool = False
    match: Match = lambda there, here: False


def words(*vocabulary: str) -> Words:
    """The word at each place."""
    return Words(vocabulary)


def places(longest: int) -> Places:
    """The number of each place, below `longest`."""
    return Places(tuple(range(longest)))


def mapped(function: Callable[..., Value | None], *sources: Variable) -> Mapped:
    """What a function makes of one or two variables at the same place.

    Args:
        function: gives a value, or None for "no value". Its second argument is None where the
            second variable has no value; where the first has none, so has the result.
        sources: one or two variables.

    Example:
        >>> n = mapped(lambda word: len(word), words("a", "be", "it"))
        >>> n.values, dict(n.table)[("it",)]
        ((1, 2), 2)
    """
    first, *rest = sources
    keys: list[tuple[Value | None, ...]] = [(value,) for value in first.values]
    if rest:
        keys = [(*key, other) for key in keys for other in (None, *rest[0].values)]
    found = [(key, function(*key)) for key in keys]
    table = tuple((key, value) for key, value in found if value is not None)
    return Mapped(tuple(dict.fromkeys(value for _, value in table)), sources, table)


def fetched(
    value: Variable, where: Variable, match: Match, asked: Variable | None = None
) -> Fetched:
    """A variable's value at the place whose `where` matches what is asked for here.

    Args:
        value: what is fetched. where: what is looked at.
        match: (its value there, the value asked for here or None) -> whether it matches.
        asked: what is asked for; None: the same everywhere.
    """
    sources = (value, where) if asked is None else (value, where, asked)
    return Fetched(value.values, sources, asked is not None, match)


def counted(where: Variable, match: Match, most: int, asked: Variable | None = None) -> Counted:
    """How many places match, up to `most`; arguments as in `fetched`."""
    sources = (where,) if asked is None else (where, asked)
    return Counted(tuple(range(most + 1)), sources, asked is not None, match)


def equal(there: Value, here: Value | None) -> bool:
    """Whether the place has what is asked for."""
    return there == here


def before(distance: int) -> Match:
    """Match for the place so many words earlier, between variables made by `places`.

    Example:
        >>> before(2)(3, 5), before(2)(4, 5)
        (True, False)
    """
    return lambda there, here: isinstance(here, int) and there == here - distance


def in_order(output: Variable) -> Iterator[Variable]:
    """A variable and all that it is made of, sources first, each once."""
    seen: dict[int, Variable] = {}

    def visit(variable: Variable) -> None:
        for source in variable.sources:
            visit(source)
        seen.setdefault(id(variable), variable)

    visit(output)
    yield from seen.values()
