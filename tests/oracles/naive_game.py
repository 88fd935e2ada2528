"""The game by its definition: one row at a time, one scored token at a time, no cache, no trie."""

from __future__ import annotations

import torch
from torch import Tensor

from glossator.game import READOUTS, Absence
from glossator.game.removal import BASELINE
from glossator.model import LanguageModel
from glossator.text import Question


def value(
    model: LanguageModel,
    question: Question,
    players: tuple[int, ...],
    absence: Absence,
    present: list[bool],
    readout: str = "logprob",
    draw: int = 0,
) -> list[float]:
    """Value of one coalition for every target."""
    gone = {
        token
        for player, here in zip(players, present, strict=True)
        if not here
        for token in range(*question.unit_tokens[player])
    }
    form = READOUTS.get(readout)
    values = []
    for target in question.targets:
        total = 0.0
        for branch in target.branches:
            reads = []
            for s in range(branch.scored_from, len(branch.tokens)):
                given = list(branch.tokens[:s])
                logits = _next_token(model, question, absence, gone, target.context, given, draw)
                reference = None
                if form.needs_reference:
                    reference = _next_token(
                        model, question, absence, set(), target.context, given, draw
                    )[None]
                token = torch.tensor([branch.tokens[s]])
                reads.append(float(form.read(logits[None], token, reference)))
            joined = sum(reads)
            if form.joins == "product":
                joined = float(torch.tensor(joined).exp())
            total += branch.sign * joined
        values.append(total)
    return values


def _next_token(
    model: LanguageModel,
    question: Question,
    absence: Absence,
    gone: set[int],
    context: int,
    given: list[int],
    draw: int,
) -> Tensor:
    """Logits after a context with some tokens gone and the given tokens after it."""
    ids = [*question.ids[:context], *given]
    places = list(range(len(ids)))
    gone = {token for token in gone if token < context}
    with model.inference():
        if absence.replacement is not None:
            return _replaced(model, absence, ids, gone, draw)
        if absence.closes_up:
            kept = [ids[i] for i in places if i not in gone]
            if len(gone) == context:
                kept = [absence.anchor, *kept]
            row = torch.tensor([kept])
            return model.logits(row, None, torch.ones_like(row))[0, -1]
        # Keys hidden from all tokens but their own, positions as they are. The window of
        # models that have one is applied here too: a mask given whole replaces their own.
        at = torch.arange(len(ids))
        seen = at[None] <= at[:, None]
        window = getattr(model.text_config, "sliding_window", None)
        if window is not None:
            seen &= at[None] > at[:, None] - window
        for token in gone:
            seen[:, token] = False
            seen[token, token] = True
        mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
        return model.hf(
            input_ids=torch.tensor([ids]), attention_mask=mask[None, None], position_ids=at[None]
        ).logits[0, -1]


def _replaced(
    model: LanguageModel, absence: Absence, ids: list[int], gone: set[int], draw: int
) -> Tensor:
    assert absence.replacement is not None
    codes = torch.tensor(ids)
    for token in gone:
        codes[token] = int(absence.replacement[draw][token])
    embedded = model.embed(codes.clamp_min(0)).clone()
    if absence.baseline is not None:
        embedded[codes == BASELINE] = absence.baseline
    mask = torch.ones(1, len(ids), dtype=torch.long)
    return model.logits(embedded[None], None, mask)[0, -1]
