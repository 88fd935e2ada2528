"""Measure every method, under every removal, on texts whose decisive words are known."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import GlossatorError, InputError, StoreError
from glossator.evaluation.recovery import first_hit, mass_on_rest, precision_at_k, shapley_error
from glossator.ground_truth import Known
from glossator.model import LanguageModel, Model, load_model
from glossator.model.language_model import versions
from glossator.registry import METHODS, Method
from glossator.run.explain import inquire
from glossator.run.inquiry import Inquiry, Progress
from glossator.run.kinds import KINDS
from glossator.run.known_sets import KnownSet, Wanted, known_sets
from glossator.run.leaderboard import Leaderboard, leaderboard
from glossator.types import Explanation

EXACT = "embedding:zero"
"""The removal under which the exact Shapley values of programs hold."""

REMOVALS = ("embedding:mean", EXACT, "delete", "attention", "resample:4")
"""Those compared unless told; a model that is given text has `delete` alone."""

_BUDGETED = ("samples", "steps", "rows")
"""Parameters by which a method spends more or fewer rows."""


def ground_truth(
    model: Model | str | Path | None = None,
    *,
    methods: Sequence[str] | None = None,
    removals: Sequence[str] | None = None,
    suites: Sequence[str] | None = None,
    items: int = 5,
    rows: int | None = 200,
    data: str | Path | None = None,
    seed: int = 0,
    record: str | Path | None = None,
    progress: Progress | None = None,
) -> Leaderboard:
    """A leaderboard of methods and removals on texts whose decisive words are known.

    Args:
        model: that is asked about texts marked by people (sst, cad, cose); None: word counts. The
            other suites bring their own models.
        methods: names of methods; None: all that a model can be asked by.
        removals: names of removals; None: `REMOVALS`, where they make sense.
        suites: "programs" (compiled to weights), "world" (the bundled model's), "planted" and
            "reviews" (shortcuts, by weights and by training), "sst", "cad" and "cose" (marked by
            people, need `data`); None: the first four, or with `data` sst and cad.
        items: texts of each set.
        rows: forward and backward rows that a method may ask for, for each text; those that draw
            or step take as many as fit, those that need more have no score. None: each method's
            default.
        data: folder with sst5_trees_{train,dev}.jsonl, cad_imdb_paired_dev.jsonl and
            cose_v1.0_dev.jsonl.
        seed: of texts, methods, removals and intervals.
        record: file to which every measurement is added as one line of JSON; those that it
            holds already are not made again.
        progress: called with (what, measurements done, measurements planned).

    Raises:
        InputError: an unknown name, or a suite without what it needs.
        StoreError: the record cannot be written, or data that are not there.

    Example:
        >>> board = ground_truth(methods=["leave_one_out", "exact_shapley"], items=2, rows=None,
        ...                      removals=["embedding:zero"], suites=["programs"])
        >>> [(entry.method, round(entry.precision.value, 2)) for entry in board.entries]
        [('exact_shapley', 1.0), ('leave_one_out', 0.93)]
    """
    if isinstance(model, str | Path):
        model = load_model(model)
    if items < 1 or (rows is not None and rows < 1):
        raise InputError("give at least one item of each set, and at least one row")
    for name in methods or ():
        METHODS.get(name)  # before any model is made
    wanted = Wanted(model, items, seed, None if data is None else Path(data))
    sets = list(known_sets(wanted, suites))
    plan = [
        _Measurement(each, number, name, removal, rows, seed)
        for each in sets
        for name, removal in _runs(each.model, methods, removals)
        for number in range(len(each.items))
    ]
    kept = _Record(None if record is None else Path(record))
    lines = []
    for done, measurement in enumerate(plan):
        if progress is not None:
            progress(f"{measurement.known.suite}, {measurement.method}", done, len(plan))
        lines.append(kept.get(measurement))
    right = {(each.suite, each.name): (len(each.items), each.drawn) for each in sets}
    return leaderboard(lines, right, seed=seed)


def _runs(
    model: Model, methods: Sequence[str] | None, removals: Sequence[str] | None
) -> Iterator[tuple[str, str]]:
    """Methods with the removals that make a difference to them, for a model."""
    for name in METHODS if methods is None else methods:
        needs = METHODS.get(name).needs
        if needs not in KINDS[model.kind].ways:
            continue
        if needs in ("trace", "features"):
            yield name, ""
            continue
        for removal in _sensible(model, removals or REMOVALS):
            if needs == "game" or removal.startswith(("embedding", "token")):
                yield name, removal


def _sensible(model: Model, removals: Sequence[str]) -> Sequence[str]:
    return removals if isinstance(model, LanguageModel) else ["delete"]


@dataclass(frozen=True)
class _Measurement:
    """One method under one removal, on one text."""

    known: KnownSet
    number: int
    method: str
    removal: str
    rows: int | None
    seed: int

    @property
    def item(self) -> Known:
        return self.known.items[self.number]

    @property
    def place(self) -> dict[str, Any]:
        """Which text of which set it is of."""
        return {"suite": self.known.suite, "set": self.known.name, "item": self.number}

    @property
    def key(self) -> str:
        """A hash of everything that the result depends on."""
        item, own = self.item, versions()
        content = [
            *(self.known.suite, self.known.name, item.prompt, item.answer, item.decisive),
            *(dict(item.asked), self.method, self.removal, self.rows, self.seed),
            *(self.known.fingerprint, self.known.model.describe()),
            *(own["glossator"], own["torch"]),
        ]
        text = json.dumps(content, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def make(self) -> dict[str, Any]:
        """Explain, and score the explanation; what could not be done is said in `error`."""
        line = {**self.place, "method": self.method, "removal": self.removal}
        inquiry = inquire(self.item.prompt, self.known.model, seed=self.seed, **self.item.asked)
        try:
            options = within(inquiry, METHODS.get(self.method), self.removal, self.rows)
            why = inquiry.run(self.method, self.removal or None, options)
        except GlossatorError as error:
            return line | {"error": " ".join(str(error).split())}
        return line | self._scores(inquiry, why)

    def _scores(self, inquiry: Inquiry, why: Explanation) -> dict[str, Any]:
        players = list(inquiry.players)
        units = [inquiry.question.units[player] for player in players]
        spans = self.item.decisive
        mask = [
            any(unit.start < end and start < unit.end for start, end in spans) for unit in units
        ]
        decisive, scores = torch.tensor([mask]), why.scores[:, players]
        line = {
            "rows": why.cost.forward_rows + why.cost.backward_rows,
            "precision": _number(precision_at_k(decisive, scores)),
            "first": _number(first_hit(decisive, scores)),
            "rest": _number(mass_on_rest(decisive, scores)),
            "chance": sum(mask) / len(mask),
        }
        if self.removal == EXACT and len(self.item.shapley) == len(players):
            exact = torch.tensor([self.item.shapley], dtype=torch.float64)
            line["shapley"] = _number(shapley_error(exact, scores))
        return line


def _number(scores: Float[Tensor, " targets"]) -> float | None:
    (value,) = scores.tolist()
    return None if value != value else value


def within(inquiry: Inquiry, method: Method, removal: str, rows: int | None) -> dict[str, Any]:
    """Parameters with which a method asks for at most so many rows, and for as many as it can.

    Args:
        inquiry: what is asked. method: that asks.
        removal: how an absent unit is represented; one that draws takes several rows for one.
        rows: how many; None: as the method's defaults have it.

    Raises:
        InputError: the method needs more.
    """
    if rows is None:
        return {}
    sizes = {"targets": len(inquiry.question.targets), "layers": inquiry.model.layers}
    each = 1
    if method.needs in ("tape", "trace"):
        each += sizes["targets"]  # backward rows, which some of the latter have too
    if method.needs == "game":
        stand_in = inquiry.absence(removal)
        each = stand_in.draws * stand_in.passes

    def asks(options: dict[str, Any]) -> int:
        return each * method.most_rows(len(inquiry.players), method.complete(options), **sizes)

    knob = next((name for name in _BUDGETED if name in method.parameters), None)
    if knob is None:
        options: dict[str, Any] = {}
    else:  # even numbers: permutations and coalitions come in pairs, two at least
        pairs = range(1, rows + 1)
        options = {knob: 2 * max(2, bisect_right(pairs, rows, key=lambda n: asks({knob: 2 * n})))}
    if asks(options) > rows:
        raise InputError(f"needs more than {rows} rows")
    return options


class _Record:
    """Measurements by key, in a file that grows line by line."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lines: dict[str, dict[str, Any]] = {}
        if path is not None and path.exists():
            for line in path.read_text(encoding="utf-8").splitlines():
                self._keep(line)

    def _keep(self, line: str) -> None:
        try:
            found = json.loads(line)
            self._lines[found["key"]] = found
        except (json.JSONDecodeError, KeyError, TypeError):
            return  # torn when the run was interrupted: it is measured again

    def get(self, measurement: _Measurement) -> dict[str, Any]:
        """The measurement, as it was made before (of a text that had another number) or now."""
        key = measurement.key
        if key not in self._lines:
            self._lines[key] = {"key": key, **measurement.make()}
            self._add(self._lines[key])
        return self._lines[key] | measurement.place

    def _add(self, line: dict[str, Any]) -> None:
        if self._path is None:
            return
        try:
            with self._path.open("a+b") as file:
                # After a torn line a new one begins.
                torn = file.tell() > 0 and not _ends_a_line(self._path)
                file.write(("\n" * torn + json.dumps(line) + "\n").encode())
        except OSError as error:
            raise StoreError(f"cannot write '{self._path}': {error.strerror}") from error


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"
