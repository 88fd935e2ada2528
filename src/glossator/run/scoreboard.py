"""Metrics of methods in a table: each beside its control, and methods tested against each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from glossator.errors import UnknownName
from glossator.evaluation.paired import holm, mean_of, paired_p
from glossator.types import Estimate


@dataclass(frozen=True, eq=False)
class Cell:
    """One metric of one method.

    Attributes:
        method, metric: their names.
        each: the metric for each item (of a single item: for each target), NaN where it is not
            defined. control: the same for shuffled scores.
        value, null: the means of the two; difference: the mean of value - null, item by item.
            None where no item has a value.
        undefined: how many of the `targets` that were asked have no value.
        rows: forward rows that the metric and its control needed beyond the method's.
    """

    method: str
    metric: str
    each: Float[Tensor, " items"]
    control: Float[Tensor, " items"]
    value: Estimate | None
    null: Estimate | None
    difference: Estimate | None
    undefined: int
    targets: int
    rows: int


@dataclass(frozen=True)
class PairedTest:
    """Whether two methods differ in a metric, on the same items.

    Attributes:
        metric, first, second: names.
        difference: mean of first - second. items: how many both have a value for.
        p: of the paired test, two-sided. adjusted: the same after Holm's correction for all tests
            of the evaluation.
    """

    metric: str
    first: str
    second: str
    difference: Estimate
    items: int
    p: float
    adjusted: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Metrics of methods, each beside its control, with tests of the methods against each other.

    Attributes:
        over: what intervals and tests are over: "items", or "targets" of a single item.
        cells: methods x metrics. tests: metrics x pairs of methods.
        rows, seconds: what each method's explanations cost, over all items.
    """

    over: str
    cells: tuple[Cell, ...]
    tests: tuple[PairedTest, ...]
    rows: Mapping[str, int]
    seconds: Mapping[str, float]

    def cell(self, method: str, metric: str) -> Cell:
        """The cell of that method and metric.

        Raises:
            UnknownName: it was not measured.
        """
        found = {(cell.method, cell.metric): cell for cell in self.cells}
        if (method, metric) not in found:
            raise UnknownName("cell", f"{method}, {metric}", [", ".join(key) for key in found])
        return found[method, metric]


@dataclass
class Tally:
    """What is measured of one metric of one method, item by item, [targets] each."""

    values: list[Float[Tensor, " targets"]] = field(default_factory=list)
    controls: list[Float[Tensor, " targets"]] = field(default_factory=list)
    rows: int = 0

    def add(
        self,
        values: Float[Tensor, " targets"],
        controls: Float[Tensor, "draws targets"],
        rows: int,
    ) -> None:
        """Add an item; a control counts where it is defined in any draw."""
        self.values.append(values.double())
        self.controls.append(controls.double().nanmean(0))
        self.rows += rows


Key = tuple[str, str]


def scoreboard(
    tallies: Mapping[Key, Tally],
    rows: Mapping[str, int],
    seconds: Mapping[str, float],
    *,
    test: str = "permutation",
    level: float = 0.95,
    seed: int = 0,
) -> Evaluation:
    """The table of what was measured.

    Args:
        tallies: by (method, metric).
        rows, seconds: cost of each method.
        test, level: as in `evaluate`.
        seed: of the drawn sign patterns of the permutation test.
    """
    single = all(len(tally.values) == 1 for tally in tallies.values())
    cells = [_cell(key, tally, single, level) for key, tally in tallies.items()]
    tests = _tests(cells, test, level, seed)
    return Evaluation("targets" if single else "items", tuple(cells), tests, rows, seconds)


def _cell(key: Key, tally: Tally, single: bool, level: float) -> Cell:
    each, control = (_by_item(rows, single) for rows in (tally.values, tally.controls))
    both = ~(each.isnan() | control.isnan())
    targets = torch.cat(tally.values)
    return Cell(
        *key,
        each=each,
        control=control,
        value=_mean(each, ~each.isnan(), level),
        null=_mean(control, ~control.isnan(), level),
        difference=_mean(each - control, both, level),
        undefined=int(targets.isnan().sum()),
        targets=len(targets),
        rows=tally.rows,
    )


def _by_item(rows: Sequence[Tensor], single: bool) -> Float[Tensor, " items"]:
    """The mean over an item's targets that have a value; the targets of a single item."""
    return rows[0] if single else torch.stack([row.nanmean() for row in rows])


def _mean(
    values: Float[Tensor, " items"], known: Bool[Tensor, " items"], level: float
) -> Estimate | None:
    return mean_of(values[known], level) if known.any() else None


def _tests(cells: Sequence[Cell], test: str, level: float, seed: int) -> tuple[PairedTest, ...]:
    found = []
    for first, second in combinations(cells, 2):
        both = ~(first.each.isnan() | second.each.isnan())
        if first.metric != second.metric or not both.any():
            continue
        a, b = first.each[both], second.each[both]
        generator = torch.Generator().manual_seed(seed)
        p = paired_p(a, b, test=test, generator=generator)
        names = (first.metric, first.method, second.method)
        found.append((*names, mean_of(a - b, level), int(both.sum()), p))
    adjusted = holm(torch.tensor([row[-1] for row in found], dtype=torch.float64)).tolist()
    return tuple(PairedTest(*row, p) for row, p in zip(found, adjusted, strict=True))
