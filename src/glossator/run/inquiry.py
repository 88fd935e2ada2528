"""One text, one model, one set of targets: asked by as many methods as wanted.

An inquiry encodes once, generates once, and keeps one game per removal, so a second method
reads the table of the first.
"""

from __future__ import annotations

import contextlib
import hashlib
import resource
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from glossator.errors import InputError, ModelError
from glossator.game import (
    READOUTS,
    Absence,
    Budget,
    Counts,
    Features,
    Game,
    Readout,
    Rehearsal,
    States,
    Tape,
    Trace,
    absence,
)
from glossator.model import FeatureModel, LanguageModel, Model, RemoteModel, Request
from glossator.model.language_model import versions
from glossator.registry import METHODS, Method
from glossator.run.draws import mean_attribution, mean_game
from glossator.run.kinds import KINDS
from glossator.text import Question, phrases, word_segmenter
from glossator.types import (
    Attribution,
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
        self,
        name: str,
        removal: str | None = None,
        options: dict[str, Any] | None = None,
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
        self._check_way(method)
        ways = {
            "game": self._solve_game,
            "tape": self._solve_tape,
            "trace": self._solve_trace,
            "states": self._solve_states,
            "features": self._solve_features,
        }
        solve = ways[method.needs]
        estimate, full, empty, engine = solve(method, removal, parameters, counts)
        cost = Cost(
            **asdict(counts), seconds=time.perf_counter() - began, peak_memory_bytes=self._peak()
        )
        return Explanation(
            prompt=self.prompt,
            continuation=self.continuation,
            units=self.question.units,
            targets=self.targets(full),
            scores=self._spread(estimate.scores),
            stderr=None if estimate.stderr is None else self._spread(estimate.stderr),
            dof=estimate.dof,
            full=full,
            empty=empty,
            cost=cost,
            provenance=self._provenance(method, parameters, engine, self._in_units(estimate.notes)),
            groups=self._groups(estimate.groups),
        )

    def _check_way(self, method: Method) -> None:
        """Refuse a method that cannot ask a model of this kind.

        Raises:
            InputError: with the names of those that can.
        """
        ways = KINDS[self.model.kind].ways
        if isinstance(self.model, LanguageModel) and method.needs not in (*ways, "features"):
            able = [name for name in METHODS if METHODS.get(name).needs in ways]
            raise InputError(
                f"'{method.name}' cannot look into a {self.model.kind.replace('_', ' ')} model: "
                f"use one of {', '.join(able)}"
            )

    def _solve_game(
        self, method: Method, removal: str, parameters: dict[str, Any], counts: Counts
    ) -> tuple[Attribution, Tensor, Tensor, Any]:
        stand_in = self.stand_in(removal)
        planned = stand_in.draws * stand_in.passes * self._most_rows(method, parameters)
        if isinstance(self.model, RemoteModel):
            planned = self._rehearse(self.model, method, stand_in, parameters)
        self.announce(method.name, planned)
        estimates, fulls, empties = [], [], []
        engine = None
        for draw in range(stand_in.draws):
            engine, game = self.drawn_game(stand_in, draw)
            engine.counts = counts
            engine.progress = self.reporter(method.name, planned)
            estimates.append(method.run(game, generator=self.generator(draw), **parameters))
            fulls.append(game.full)
            empties.append(game.empty)
        full, empty = torch.stack(fulls).mean(0), torch.stack(empties).mean(0)
        return mean_attribution(estimates), full, empty, engine

    def game(
        self,
        removal: str | None,
        counts: Counts,
        readout: Readout | None = None,
        report: Callable[[float], None] | None = None,
    ) -> Game:
        """Values of coalitions under a removal, the mean over its draws.

        Args:
            removal: None for the default.
            counts: is added to.
            readout: None for the inquiry's own, whose game shares the table that methods fill.
            report: is told of rows computed.
        """
        asking = self if readout is None else replace(self, readout=readout, _games={})
        stand_in = self.stand_in(removal)
        parts = [asking.drawn_game(stand_in, draw) for draw in range(stand_in.draws)]
        for engine, _ in parts:
            engine.counts, engine.progress = counts, report
        return mean_game([game for _, game in parts])

    def stand_in(self, removal: str | None) -> Absence:
        """What stands in for an absent unit; None: the default."""
        name = removal or KINDS[self.model.kind].removal
        return absence(name, self.model, self.question, seed=self.seed, references=self.references)

    def drawn_game(self, stand_in: Absence, draw: int) -> tuple[Any, Game]:
        """Engine and game of one draw of a removal, made when first asked."""
        if (stand_in.name, draw) not in self._games:
            engine = self._engine(stand_in, draw)
            self._games[stand_in.name, draw] = (engine, self._game(engine))
        return self._games[stand_in.name, draw]

    def generator(self, draw: int) -> torch.Generator:
        """What a method draws from, the same for every method."""
        return torch.Generator().manual_seed(self.seed + 1_000_003 * draw)

    def _rehearse(
        self, model: RemoteModel, method: Method, stand_in: Absence, parameters: dict[str, Any]
    ) -> int:
        """Calls that the method will make, told and held against the limit before any is sent."""
        noted: dict[str, Request] = {}
        for draw in range(stand_in.draws):
            game = self._game(Rehearsal(self._engine(stand_in, draw), noted))
            method.run(game, generator=self.generator(draw), **parameters)
            game(torch.tensor([[True], [False]]).expand(2, game.players))
        bill = model.quote(noted.values())
        return bill.calls + bill.answered

    def _solve_tape(
        self, method: Method, removal: str, parameters: dict[str, Any], counts: Counts
    ) -> tuple[Attribution, Tensor, Tensor, Any]:
        planned = self._most_rows(method, parameters)
        model = self.opened(f"'{method.name}'")
        stand_in = absence(removal, model, self.question, seed=self.seed)
        self.announce(method.name, planned)
        tape = self.tape(stand_in, counts, self.reporter(method.name, planned))
        generator = torch.Generator().manual_seed(self.seed)
        with _passing_gradients(method, model):
            estimate = method.run(tape, generator=generator, **parameters)
        return estimate, *self._ends(stand_in, counts, tape.full)

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

    def _solve_trace(
        self, method: Method, removal: str, parameters: dict[str, Any], counts: Counts
    ) -> tuple[Attribution, Tensor, Tensor, Any]:
        planned = self._most_rows(method, parameters)
        self.announce(method.name, planned)
        trace = self.trace(counts, self.reporter(method.name, planned))
        generator = torch.Generator().manual_seed(self.seed)
        with _passing_gradients(method, self.opened(f"'{method.name}'")):
            estimate = method.run(trace, generator=generator, **parameters)
        stand_in = absence(removal, self.model, self.question, seed=self.seed)
        return estimate, *self._ends(stand_in, counts)

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

    def _solve_states(
        self, method: Method, removal: str, parameters: dict[str, Any], counts: Counts
    ) -> tuple[Attribution, Tensor, Tensor, Any]:
        model = self.opened(f"'{method.name}'")
        stand_in = self.stand_in(removal)
        planned = stand_in.draws * stand_in.passes * self._most_rows(method, parameters)
        planned += 2 * stand_in.passes * self.question.readings  # the readout's two ends
        self.announce(method.name, planned)
        report = self.reporter(method.name, planned)
        estimates = []
        for draw in range(stand_in.draws):
            how = (self.players, self.before, stand_in, self.budget, counts, report, draw)
            states = States(model, self.question, *how)
            estimates.append(method.run(states, generator=self.generator(draw), **parameters))
        return mean_attribution(estimates), *self._ends(stand_in, counts)

    def _solve_features(
        self, method: Method, removal: str, parameters: dict[str, Any], counts: Counts
    ) -> tuple[Attribution, Tensor, Tensor, Any]:
        if not isinstance(self.model, FeatureModel):
            raise InputError(
                f"'{method.name}' reads the weights of a linear model on named features, and "
                f"{self.model.name} is none: give a FeatureModel, or take leave_one_out"
            )
        if self.readout.name != "logit":
            raise InputError(
                f"'{method.name}' explains the decision function: type --readout logit"
            )
        self.announce(method.name, self._most_rows(method, parameters))
        features = Features(self.model, self.question, self.players, self.before)
        estimate = method.run(features, generator=self.generator(0), **parameters)
        stand_in = absence(removal, self.model, self.question, seed=self.seed)
        return estimate, *self._ends(stand_in, counts)

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

    def _ends(
        self, stand_in: Absence, counts: Counts, full: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Any]:
        """Values with all players, if not known, and with none; and the engine they are from."""
        engine = self._engine(stand_in)
        engine.counts = counts
        everyone, nobody = torch.tensor([[[True]], [[False]]]).expand(2, 1, len(self.players))
        full = engine.evaluate(everyone)[0] if full is None else full
        return full, engine.evaluate(nobody)[0], engine

    def _engine(self, stand_in: Absence, draw: int = 0) -> Any:
        return KINDS[self.model.kind].engine(
            self.model, self.question, self.players, stand_in, self.readout, self.budget, draw
        )

    def _game(self, engine: Any) -> Game:
        text = self.prompt + self.continuation
        contrasted = self.generation.get("contrast") is not None
        return Game(
            engine.evaluate,
            self.before,
            phrases=phrases(text, [self.question.units[player] for player in self.players]),
            decision=0.0 if contrasted else self.readout.decision,
            measure=self.readout.measure,
        )

    def _most_rows(self, method: Method, parameters: dict[str, Any]) -> int:
        targets, layers = len(self.question.targets), self.model.layers
        rows = method.most_rows(len(self.players), parameters, targets=targets, layers=layers)
        return rows * self.question.readings

    def announce(self, method: str, planned: int) -> None:
        """Tell how many rows are planned, before any is run."""
        if self.progress is not None:
            self.progress(method, 0, planned)

    def reporter(self, method: str, planned: int) -> Callable[[float], None] | None:
        """What is told of rows done; None where nobody listens."""
        if self.progress is None:
            return None
        report = self.progress
        return lambda rows: report(method, rows, planned)

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


@contextlib.contextmanager
def _passing_gradients(method: Method, model: LanguageModel) -> Iterator[None]:
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


def readout_of(name: str) -> Readout:
    """The readout of that name; UnknownName lists the close ones."""
    return READOUTS.get(name)
