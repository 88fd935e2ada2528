"""Methods and removals in the order of what they find, with intervals, tests, cost and advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.evaluation.paired import holm, paired_p
from glossator.types import Estimate

Set = tuple[str, str]  # suite and name of a set of texts
Text = tuple[str, str, int]  # suite, set and number of a text

_DRAWS = 2000  # of the bootstrap
_LEVEL = 0.05  # below it, two entries differ
_BUDGETS = (20, 50, 100, 200)  # rows
_SCORES = ("precision", "first", "rest", "shapley", "rows")


@dataclass(frozen=True, eq=False)
class Entry:
    """One method under one removal.

    Means are over sets, each of which counts the same, of the means over their texts.

    Attributes:
        method, removal: names; the removal is "any" where it makes no difference, "" where the
            method has no use for one.
        precision: share of the decisive words among as many highest scores.
        first: how often the highest score is a decisive word's.
        rest: share of the sizes of all scores that other words have; lower is better.
        shapley: relative error against the exact Shapley values, where these are known.
        rows: forward and backward rows of a text, their mean.
        by_suite: mean precision of each suite.
        each: precision of each text.
        measured, failed: texts with a score, and without one; why: what was said of the latter.
        sets: how many have a score, of those in the table.
    """

    method: str
    removal: str
    precision: Estimate
    first: Estimate
    rest: Estimate
    shapley: Estimate | None
    rows: float
    by_suite: Mapping[str, float]
    each: Mapping[Text, float]
    measured: int
    failed: int
    why: str
    sets: int

    @property
    def name(self) -> str:
        """Method and removal."""
        return _named(self.method, self.removal)


def _named(method: str, removal: str) -> str:
    return f"{method}, {removal}" if removal else method


@dataclass(frozen=True)
class Recommendation:
    """Which method to take where so many rows can be paid for each text.

    Attributes:
        rows: that can be paid; None: any number.
        best: the entry with the highest precision among those.
        as_good: entries that a paired test cannot tell from it, cheapest first.
    """

    rows: int | None
    best: Entry
    as_good: tuple[Entry, ...]

    def __str__(self) -> str:
        paid = "whatever it costs" if self.rows is None else f"at {self.rows} rows"
        text = f"{paid}: {self.best.name} ({self.best.precision}, {self.best.rows:.0f} rows)"
        cheaper = [entry for entry in self.as_good if entry.rows < self.best.rows]
        if cheaper:
            text += f"; as good, as far as these texts tell, and cheapest: {cheaper[0].name} "
            text += f"({cheaper[0].precision}, {cheaper[0].rows:.0f} rows)"
        return text


@dataclass(frozen=True, eq=False)
class Leaderboard:
    """Entries in the order of their precision; those that miss a set come last.

    Attributes:
        entries: methods and removals.
        p: of each entry, that it differs from the first one in precision (two-sided permutation
            test, paired over texts, Holm's correction); those that miss a set are not tested.
        chance: precision and mass on the rest of an order at random.
        right: of each set, texts answered rightly, and texts drawn.
        refused: methods and removals that have no score for any text, and why.
        seed: of intervals and tests.
    """

    entries: tuple[Entry, ...]
    p: Mapping[str, float]
    chance: tuple[float, float]
    right: Mapping[Set, tuple[int, int]]
    refused: Mapping[str, str]
    seed: int

    def recommended(self, rows: int | None = None) -> Recommendation | None:
        """What to take where so many rows can be paid; None where nothing is as cheap.

        Args:
            rows: mean forward and backward rows of a text; None: any number.
        """
        able = [entry for entry in self._whole if rows is None or entry.rows <= rows]
        if not able:
            return None
        best, *others = able
        p = _against(best, others, self.seed)
        tied = [entry for entry in others if p[entry.name] > _LEVEL]
        return Recommendation(rows, best, tuple(sorted(tied, key=lambda entry: entry.rows)))

    @property
    def advice(self) -> tuple[Recommendation, ...]:
        """What to take at some budgets, and whatever it costs."""
        found = [self.recommended(rows) for rows in (*_BUDGETS, None)]
        return tuple(each for each in found if each is not None)

    @property
    def _whole(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.sets == len(self.right)]

    def __str__(self) -> str:
        """The table in Markdown."""
        suites = list(dict.fromkeys(suite for suite, _ in self.right))
        titles = ["method", "removal", *suites, "precision", "p", "first", "rest", "Shapley error"]
        titles += ["rows", "without"]
        lines = [_row(titles), _row(["---"] * len(titles))]
        lines += [_row(self._cells(entry, suites)) for entry in self.entries]
        blank = [""] * len(suites)
        chance = [f"{self.chance[0]:.2f}", "", "", f"{self.chance[1]:.2f}", "", "0", ""]
        return "\n".join([*lines, _row(["random order", "", *blank, *chance])])

    def _cells(self, entry: Entry, suites: Sequence[str]) -> list[str]:
        found = [entry.by_suite.get(suite) for suite in suites]
        mean = entry.precision
        p = self.p.get(entry.name)
        without = f"{entry.failed} of {entry.measured + entry.failed}" if entry.failed else ""
        return [
            entry.method,
            entry.removal,
            *("–" if value is None else f"{value:.2f}" for value in found),
            f"{mean.value:.2f} [{mean.low:.2f}, {mean.high:.2f}]",
            "" if p is None else f"{p:.2g}",
            f"{entry.first.value:.2f}",
            f"{entry.rest.value:.2f}",
            "–" if entry.shapley is None else f"{entry.shapley.value:.2f}",
            f"{entry.rows:.0f}",
            without,
        ]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def leaderboard(
    lines: Sequence[Mapping[str, Any]], right: Mapping[Set, tuple[int, int]], *, seed: int = 0
) -> Leaderboard:
    """The leaderboard of some measurements.

    Args:
        lines: of each method, removal and text: `precision`, `first`, `rest` and `shapley` (None
            where they are not defined), `rows` and `chance`; or `error`.
        right: of each set, texts answered rightly, and texts drawn.
        seed: of the bootstrap and the tests.
    """
    by_entry: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        by_entry.setdefault((line["method"], line["removal"]), []).append(line)
    scored = {name: [line for line in each if _is_scored(line)] for name, each in by_entry.items()}
    refused = {_named(*name): _why(each) for name, each in by_entry.items() if not scored[name]}
    found = [_entry(name, each, seed) for name, each in by_entry.items() if scored[name]]
    entries = _joined(found)
    entries.sort(key=lambda entry: (entry.sets < len(right), -entry.precision.value))
    whole = [entry for entry in entries if entry.sets == len(right)]
    p = _against(whole[0], whole[1:], seed) if whole else {}
    return Leaderboard(tuple(entries), p, _chance(lines), right, refused, seed)


def _is_scored(line: Mapping[str, Any]) -> bool:
    return line.get("precision") is not None


def _why(lines: Sequence[Mapping[str, Any]]) -> str:
    """What was said most often of texts without a score."""
    said = [line.get("error", "no decisive word can act") for line in lines if not _is_scored(line)]
    return str(max(said, key=said.count)) if said else ""


def _entry(name: tuple[str, str], lines: Sequence[Mapping[str, Any]], seed: int) -> Entry:
    scored = [line for line in lines if _is_scored(line)]
    values = {score: _by_set(scored, score) for score in _SCORES}
    suites: dict[str, list[Tensor]] = {}
    for (suite, _), each in values["precision"].items():
        suites.setdefault(suite, []).append(each.mean())
    return Entry(
        *name,
        precision=_mean(values["precision"], seed),
        first=_mean(values["first"], seed),
        rest=_mean(values["rest"], seed),
        shapley=_mean(values["shapley"], seed) if values["shapley"] else None,
        rows=_centre(values["rows"]),
        by_suite={suite: float(torch.stack(each).mean()) for suite, each in suites.items()},
        each={_text(line): float(line["precision"]) for line in scored},
        measured=len(scored),
        failed=len(lines) - len(scored),
        why=_why(lines),
        sets=len(values["precision"]),
    )


def _text(line: Mapping[str, Any]) -> Text:
    return line["suite"], line["set"], line["item"]


def _by_set(lines: Sequence[Mapping[str, Any]], score: str) -> dict[Set, Float[Tensor, " texts"]]:
    found: dict[Set, list[float]] = {}
    for line in lines:
        if line.get(score) is not None:
            found.setdefault((line["suite"], line["set"]), []).append(float(line[score]))
    return {each: torch.tensor(values, dtype=torch.float64) for each, values in found.items()}


def _centre(sets: Mapping[Set, Float[Tensor, " texts"]]) -> float:
    """The mean over sets of means over texts."""
    return float(torch.stack([each.mean() for each in sets.values()]).mean())


def _mean(sets: Mapping[Set, Float[Tensor, " texts"]], seed: int) -> Estimate:
    """The mean over sets of means over texts; its interval by a bootstrap of texts within sets.

    Of one text nothing is known of the spread: the interval is all that a share can be.
    """
    value = _centre(sets)
    if min(len(each) for each in sets.values()) < 2:
        return Estimate(value, min(0.0, value), max(1.0, value))
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.zeros(_DRAWS, dtype=torch.float64)
    for each in sets.values():
        places = torch.randint(len(each), (_DRAWS, len(each)), generator=generator)
        drawn += each[places].mean(1) / len(sets)
    low, high = drawn.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return Estimate(value, low, high)


def _joined(entries: Sequence[Entry]) -> list[Entry]:
    """Entries of a method whose removals make no difference to any text, as one."""
    found: list[Entry] = []
    for entry in entries:
        twin = next((e for e in found if e.method == entry.method and e.each == entry.each), None)
        if twin is None or twin.rest.value != entry.rest.value:
            found.append(entry)
        else:
            found[found.index(twin)] = replace(twin, removal="any")
    return found


def _against(best: Entry, others: Sequence[Entry], seed: int) -> dict[str, float]:
    """Of each other entry, the adjusted p-value that it differs from the best in precision."""
    if not others:
        return {}
    p = []
    for other in others:
        texts = sorted(best.each.keys() & other.each.keys())
        sizes: dict[Set, int] = {}
        for suite, name, _ in texts:
            sizes[suite, name] = sizes.get((suite, name), 0) + 1
        weight = torch.tensor([1 / sizes[suite, name] for suite, name, _ in texts])
        pair = [torch.tensor([entry.each[text] for text in texts]) for entry in (best, other)]
        generator = torch.Generator().manual_seed(seed)
        p.append(paired_p(pair[0] * weight, pair[1] * weight, generator=generator))
    adjusted = holm(torch.tensor(p, dtype=torch.float64)).tolist()
    return {entry.name: each for entry, each in zip(others, adjusted, strict=True)}


def _chance(lines: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """What a random order gets: precision, and mass on the rest."""
    texts = {_text(line): line for line in lines if "chance" in line}
    sets = _by_set(list(texts.values()), "chance")
    if not sets:
        return 0.0, 0.0
    share = _centre(sets)
    return share, 1 - share
