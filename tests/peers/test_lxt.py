"""lxt computes the same relevances on the same model and ids, and leaves transformers as it was."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("lxt")

from benchmarks.agreement import CHECKS, WORK, Check, holds, measure
from benchmarks.jobs import side
from benchmarks.models import Case, bundled_case

pytestmark = pytest.mark.peers


@pytest.fixture(scope="module")
def case() -> Case:
    return bundled_case("Tom gave the kite", 3)


@pytest.mark.parametrize("check", [c for c in CHECKS if c.tool == "lxt"], ids=lambda c: c.what)
def test_same_numbers(check: Check, case: Case) -> None:
    assert check.applies(case)
    found = measure(check, case, WORK)
    playing = len(case.prompt) - int(case.fixed.sum())
    assert found.scores == sum(playing + t for t in range(3))
    assert found.scale > 1e-3, "nothing to compare"
    assert holds(check, found), found


def test_it_is_not_the_plain_gradient(case: Case) -> None:
    """The comparison can fail: without the rules the relevances are others, before and after."""

    def slope() -> torch.Tensor:
        inputs = case.model.get_input_embeddings()(case.ids[None]).detach().requires_grad_(True)
        logit = case.model(inputs_embeds=inputs).logits[0, -1].max()
        return torch.autograd.grad(logit, inputs)[0]

    before = slope()
    rules = side("lxt")["lrp"](case, WORK)().scores[-1, :-1]
    after = slope()
    assert torch.equal(before, after)
    embedded = case.model.get_input_embeddings()(case.ids[None]).detach()
    plain = (before * embedded).sum(-1)[0, :-1]
    assert (plain - rules).abs().nan_to_num(0).max() > 1e-2
