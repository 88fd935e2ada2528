"""How far an explanation can be believed: what a game of the same removal says about its scores."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace

from glossator.errors import InputError
from glossator.evaluation.agreement import mean_likeness
from glossator.game import Counts
from glossator.model import LanguageModel
from glossator.run.inquiry import Inquiry
from glossator.run.surprise import drawn, ood_rate, tells_surprise, token_counts
from glossator.trust import form_of, measure, prepare
from glossator.types import Attribution, Explanation, Numbers, Trust

OTHER_REMOVALS = ("delete", "embedding:mean", "embedding:zero", "text:___")
"""What scores are held against where all is wanted: the first that is another one and works."""


def believed(inquiry: Inquiry, why: Explanation, *, full: bool = False) -> Explanation:
    """An explanation with its trust; what the trust cost is added to its cost.

    Args:
        inquiry: whose answer it is; its table of values is read first.
        why: of any method.
        full: without an allowance, and beside the scores under another removal.

    Raises:
        ModelError, MemoryBoundError: as the engine says.
    """
    began, counts = time.perf_counter(), Counts()
    trust = _measured(inquiry, why, counts, full)
    if full:
        trust = _beside_another_removal(inquiry, why, trust)
    cost = replace(
        why.cost,
        forward_rows=why.cost.forward_rows + trust.rows,
        token_positions=why.cost.token_positions + counts.token_positions,
        seconds=why.cost.seconds + time.perf_counter() - began,
    )
    return replace(why, trust=trust, cost=cost)


def _measured(inquiry: Inquiry, why: Explanation, counts: Counts, full: bool) -> Trust:
    stand_in = inquiry.absence(why.provenance.removal)
    spend = prepare(inquiry.before, inquiry.generator(), full)[1]
    planned = stand_in.draws * stand_in.passes * inquiry.question.readings * spend.rows
    game = inquiry.values(stand_in.name, counts, report=_announced(inquiry, planned))
    table = inquiry.game(stand_in)[1]
    used = table.known()
    found = measure(
        game,
        _of_players(inquiry, why),
        form=form_of(
            inquiry.readout.name,
            inquiry.readout.measure,
            inquiry.generation.get("contrast") is not None,
        ),
        tokens=token_counts(inquiry.model, inquiry.question),
        generator=inquiry.generator(),
        full=full,
    )
    # A method that asks no game has used no inputs: then those of the trust itself.
    used = used if len(used) > 2 else table.known()
    rate = None
    if isinstance(inquiry.model, LanguageModel) and tells_surprise(inquiry.model, stand_in):
        inputs = drawn(used, spend.probes, inquiry.generator())
        asked = inquiry.question, inquiry.players, stand_in, inquiry.budget
        rate = ood_rate(inquiry.model, *asked, inputs, counts) if len(inputs) else None
    targets = tuple(
        replace(each, decisive=Numbers(inquiry.players[player] for player in each.decisive))
        for each in found.targets
    )
    return replace(found, targets=targets, ood_rate=rate, rows=counts.forward_rows)


def _of_players(inquiry: Inquiry, why: Explanation) -> Attribution:
    players = list(inquiry.players)
    stderr = None if why.stderr is None else why.stderr[:, players]
    return Attribution(why.scores[:, players], stderr, why.dof, why.provenance.notes)


def _beside_another_removal(inquiry: Inquiry, why: Explanation, trust: Trust) -> Trust:
    """The trust with the agreement of the scores with those under another removal."""
    asked = why.provenance
    for other in OTHER_REMOVALS:
        if other == asked.removal:
            continue
        try:
            again = inquiry.run(asked.method, other, asked.parameters)
        except InputError:  # a removal that this model, or this method, does not have
            continue
        agreement = mean_likeness(why.scores, again.scores)
        return replace(
            trust,
            removal_agreement=None if math.isnan(agreement) else agreement,
            other_removal=again.provenance.removal,
            rows=trust.rows + again.cost.forward_rows,
        )
    return trust


def _announced(inquiry: Inquiry, planned: int) -> Callable[[float], None] | None:
    """Tell how many rows are planned; returns what reports those done."""
    report = inquiry.progress
    if report is None:
        return None
    report("trust", 0, planned)
    return lambda rows: report("trust", rows, planned)
