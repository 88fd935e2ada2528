"""Classifiers: every removal equals plain rows, one at a time."""

from __future__ import annotations

import pytest
import torch

from glossator.game import READOUTS, Budget, WholeEngine, absence
from glossator.game.removal import BASELINE
from tests.game import zoo
from tests.game.test_engine import REMOVALS, coalitions


def engine(model, question, removal, budget=None) -> WholeEngine:
    stand_in = absence(removal, model, question)
    form = READOUTS.get("logprob")
    return WholeEngine(model, question, zoo.acting(question), stand_in, form, budget or Budget())


def plain(found: WholeEngine, present: list[bool]) -> torch.Tensor:
    """Log-probabilities of all classes for one coalition."""
    model, question, stand_in = found.model, found.question, found.absence
    gone = {
        token
        for player, here in zip(found.players, present, strict=True)
        if not here
        for token in range(*question.unit_tokens[player])
    }
    ids, mask = torch.tensor(question.ids), torch.ones(len(question.ids), dtype=torch.long)
    kept = [i for i in range(len(ids)) if i not in gone]
    if stand_in.closes_up:
        ids, mask = ids[kept], mask[kept]
    elif stand_in.replacement is None:
        mask[list(gone)] = 0
    else:
        ids[list(gone)] = torch.from_numpy(stand_in.replacement[0])[list(gone)]
    embedded = model.embed(ids.clamp_min(0)).detach().clone()
    if stand_in.baseline is not None:
        embedded[ids == BASELINE] = stand_in.baseline
    with torch.no_grad():
        return model.logits(embedded[None], None, mask[None])[0].log_softmax(-1).double()


@pytest.mark.parametrize("removal", REMOVALS)
@pytest.mark.parametrize("family", zoo.CLASSIFIERS)
def test_equals_plain_rows(family, removal):
    found = engine(zoo.classifier(family), zoo.class_question(), removal)
    keep = coalitions(len(found.players))
    expected = torch.stack([plain(found, row) for row in keep.tolist()])
    assert torch.allclose(found.evaluate(keep), expected, rtol=0, atol=1e-5)


def test_a_contrast_is_the_difference_of_two_classes():
    model = zoo.classifier("bert")
    each = engine(model, zoo.class_question(), "delete")
    difference = engine(model, zoo.class_question(contrast=True), "delete")
    keep = coalitions(len(each.players))
    all_classes = each.evaluate(keep)
    expected = all_classes[:, 0] - all_classes[:, 1]
    assert torch.allclose(difference.evaluate(keep)[:, 0], expected, atol=1e-9)


@pytest.mark.usefixtures("two_threads")
def test_the_same_bits_at_any_batch_size():
    model = zoo.classifier("bert")
    values = []
    for budget in (Budget(), Budget(batch_rows=1)):
        found = engine(model, zoo.class_question(), "delete", budget)
        values.append(found.evaluate(coalitions(len(found.players), 12)))
    assert torch.equal(*values)
