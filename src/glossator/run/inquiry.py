"""One text, one model, one set of targets: asked by as many methods as wanted.

An inquiry encodes once, generates once, and keeps one game per removal, so a second method
reads the table of the first.
"""

from __future__ import annotations

import hashlib
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import InputError
from glossator.game import (
    Absence,
    Budget,
    Counts,
    Game,
    Readout,
    Tape,
    Trace,
    absence,
)
from glossator.model import LanguageModel, Model
from glossator.model.language_model import versions
from glossator.registry import METHODS, Method
from glossator.run.draws import mean_game
from glossator.run.kinds import KINDS
from glossator.run.ways import Asking
from glossator.text import Question, phrases, word_segmenter
from glossator.types import (
    Cost,
    Explanation,
    Groups,
    Numbers,
    Provenance,
    Target,
    undefined,
)

Progress = Callable[[str, float, int], None]
"""Called as (method, rows done, rows planned); first with 0 rows done, before any is run."""

DEFAULT_METHOD = "leave_one_out"


@dataclass
class Inquiry:
    """A question put to a model, with everything that methods share.

    Attributes:
        prompt, continuation: the text; the continuation is "" for a classifier.
        units, target_units: the kinds asked for, for the record.
        generation: how the continuation came about, for the record.
        references: texts that `resample` and `expected_gradients` draw from.
    """

    model: Model
    question: Question
    prompt: str
    continuation: str
    readout: Readout
    units: str
    target_units: str
    generation: dict[str, Any]
    budget: Budget = field(default_factory=Budget)
    seed: int = 0
    references: tuple[str, ...] = ()
    progress: Progress | None = None
    _games: dict[tuple[str, int], tuple[Any, Game]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        acting = self.question.before.any(dim=0)
        self.players = tuple(
            unit for unit, acts in zip(self.question.players, acting, strict=True) if acts
        )
        self.before = self.question.before[:, acting]
        if not self.players:
            raise InputError(
                "no unit of the text can act on a target: give a longer prompt or smaller --units"
            )

    def run(
        self, name: str, removal: str | None = None, options: dict[str, Any] | None = None
    ) -> Explanation:
        """Explain by one method.

        Args:
            name: a registered method. removal: None for the default.
            options: the method's own parameters.

        Raises:
            InputError: an unknown name, or a parameter the method does not take, or a method
                that needs more than the model shows.
            ModelError, MemoryBoundError: as the engine says.
        """
        method = METHODS.get(name)
        parameters = method.complete(options or {})
        removal = removal or method.removal or KINDS[self.model.kind].removal
        if self.model.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.model.device)
        began, counts = time.perf_counter(), Counts()
        found, full, empty, engine = Asking(self, method, removal, parameters, counts).solve()
        cost = Cost(
            **asdict(counts), seconds=time.perf_counter() - began, peak_memory_bytes=self._peak()
        )
        return Explanation(
            prompt=self.prompt,
            continuation=self.continuation,
            units=self.question.units,
            targets=self.targets(full),
            scores=self._spread(found.scores),
            stderr=None if found.stderr is None else self._spread(found.stderr),
            dof=found.dof,
            full=full,
            empty=empty,
            cost=cost,
            provenance=self._provenance(method, parameters, engine, self._in_units(found.notes)),
            groups=self._groups(found.groups),
        )

    def absence(self, removal: str | None = None) -> Absence:
        """What stands in for an absent unit; None for the default of the model's kind."""
        return absence(
            removal or KINDS[self.model.kind].removal,
            self.model,
            self.question,
            seed=self.seed,
            references=self.references,
        )

    def value(self) -> Float[Tensor, " targets"]:
        """The readout of each target with every unit present; one forward row."""
        everyone = torch.ones(1, len(self.players), dtype=torch.bool)
        value: Tensor = self.engine(self.absence()).evaluate(everyone)[0]
        return value

    def generator(self, draw: int = 0) -> torch.Generator:
        """The source of chance of a method, for each draw of what stands in."""
        return torch.Generator().manual_seed(self.seed + 1_000_003 * draw)

    def engine(self, stand_in: Absence, draw: int = 0) -> Any:
        """What evaluates coalitions of this text on this model."""
        return KINDS[self.model.kind].engine(
            self.model, self.question, self.players, stand_in, self.readout, self.budget, draw
        )

    def game(self, stand_in: Absence, draw: int = 0) -> tuple[Any, Game]:
        """The engine and the game of a draw, with the table that all methods share."""
        if (stand_in.name, draw) not in self._games:
            engine = self.engine(stand_in, draw)
            self._games[stand_in.name, draw] = (engine, self.new_game(engine))
        return self._games[stand_in.name, draw]

    def new_game(self, engine: Any) -> Game:
        """A game with an empty table."""
        text = self.prompt + self.continuation
        contrasted = self.generation.get("contrast") is not None
        return Game(
            engine.evaluate,
            self.before,
            phrases=phrases(text, [self.question.units[player] for player in self.players]),
            decision=0.0 if contrasted else self.readout.decision,
            measure=self.readout.measure,
        )

    def values(
        self,
        removal: str | None = None,
        counts: Counts | None = None,
        readout: Readout | None = None,
        report: Callable[[float], None] | None = None,
    ) -> Game:
        """Values of coalitions, the mean over the draws of what stands in for absent units.

        Args:
            removal: None for the default of the model's kind.
            counts: is added to.
            readout: None for the inquiry's own, whose table is the one that methods share.
            report: is told of the rows computed.
        """
        asked = self if readout is None else replace(self, readout=readout, _games={})
        stand_in = self.absence(removal)
        games = []
        for draw in range(stand_in.draws):
            engine, game = asked.game(stand_in, draw)
            engine.counts, engine.progress = counts or Counts(), report
            games.append(game)
        return mean_game(games)

    def tape(
        self,
        stand_in: Absence | None,
        counts: Counts,
        report: Callable[[float], None] | None = None,
    ) -> Tape:
        """Values and gradients at points of the embedding space; `counts` is added to."""
        return Tape(
            self.opened("a gradient"),
            self.question,
            self.players,
            self.before,
            stand_in,
            self.readout,
            self.budget,
            counts,
            report,
            self.references,
        )

    def trace(self, counts: Counts, report: Callable[[float], None] | None = None) -> Trace:
        """What the model computes inside while it reads the text; `counts` is added to."""
        model = self.opened("a look inside")
        if "trace" not in KINDS[model.kind].ways:
            kinds = " and ".join(kind for kind, row in KINDS.items() if "trace" in row.ways)
            raise InputError(f"{model.name} is none of the kinds that can be looked into: {kinds}")
        return Trace(
            model,
            self.question,
            self.players,
            self.before,
            self.readout,
            self.budget,
            counts,
            report,
        )

    def opened(self, what: str) -> LanguageModel:
        """The model, for what needs more of it than values.

        Raises:
            InputError: it shows nothing else.
        """
        if isinstance(self.model, LanguageModel):
            return self.model
        raise InputError(
            f"{what} needs the weights of the model, and {self.model.name} is given text "
            "and answers: take a method that needs values only, such as leave_one_out or shapley"
        )

    def _spread(self, scores: Tensor) -> Tensor:
        """From players to all units; NaN where a unit is no player or cannot act."""
        spread = undefined((len(self.question.targets), len(self.question.units)))
        spread[:, list(self.players)] = torch.where(self.before, scores.double(), torch.nan)
        return spread

    def _in_units(self, notes: Any) -> Any:
        """Notes with the numbers of units where they had those of players."""
        if isinstance(notes, Numbers):
            return [self.players[player] for player in notes]
        if isinstance(notes, dict):
            return {key: self._in_units(value) for key, value in notes.items()}
        return [self._in_units(value) for value in notes] if isinstance(notes, list) else notes

    def _groups(self, groups: Groups | None) -> Groups | None:
        if groups is None:
            return None
        members = tuple(Numbers(self._in_units(member)) for member in groups.members)
        return replace(groups, members=members)

    def targets(self, full: Tensor) -> tuple[Target, ...]:
        """What is explained, with the readout of each."""
        return tuple(
            Target(asked.text, asked.start, asked.end, tuple(asked.tokens), float(value))
            for asked, value in zip(self.question.targets, full, strict=True)
        )

    def _peak(self) -> int:
        if self.model.device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self.model.device))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024

    def _provenance(
        self, method: Method, parameters: dict[str, Any], engine: Any, notes: dict[str, Any]
    ) -> Provenance:
        path = engine.path if engine.reason is None else f"{engine.path}: {engine.reason}"
        return Provenance(
            method=method.name,
            parameters=parameters,
            readout=self.readout.name,
            measure=self.readout.measure,
            removal=engine.absence.name,
            units=self.units,
            target_units=self.target_units,
            seed=self.seed,
            generation=self.generation,
            model=self.model.describe(),
            tokenizer=self.model.tokenizer_description,
            engine=path or "",
            versions=versions() | {"words": word_segmenter()},
            notes=notes | self._named_references(),
        )

    def _named_references(self) -> dict[str, Any]:
        if not self.references:
            return {}
        digest = hashlib.sha256("\n".join(self.references).encode()).hexdigest()
        return {"references": {"texts": len(self.references), "sha256": digest}}
