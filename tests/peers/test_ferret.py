"""ferret gives the same AOPC, IOU, token F1 and AUPRC where its definitions are the same.

Its package imports readers of data sets that are not needed here: only the modules that measure
are loaded, so that `pip install --no-deps ferret-xai` is enough.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from tests.attribution.games import generator
from torch import Tensor

from glossator.evaluation import auprc, comprehensiveness, iou_f1, sufficiency, token_f1
from glossator.game import Game

SPEC = importlib.util.find_spec("ferret")

pytestmark = [
    pytest.mark.peers,
    pytest.mark.skipif(SPEC is None, reason="ferret is not installed"),
]

WORDS, CASES = 10, 20


@pytest.fixture(scope="module")
def ferret() -> Iterator[SimpleNamespace]:
    assert SPEC is not None
    package = ModuleType("ferret")
    package.__path__ = list(SPEC.submodule_search_locations or ())
    sys.modules["ferret"] = package
    from ferret.evaluators import faithfulness_measures, plausibility_measures
    from ferret.explainers.explanation import Explanation, ExplanationWithRationale

    yield SimpleNamespace(
        faithful=faithfulness_measures,
        plausible=plausibility_measures,
        explanation=Explanation,
        with_rationale=ExplanationWithRationale,
    )
    for name in [name for name in sys.modules if name.split(".")[0] == "ferret"]:
        del sys.modules[name]


def scores() -> Tensor:
    """Above 0: ferret 0.4 leaves other words out, or fails on the present numpy."""
    return torch.rand(CASES, WORDS, generator=generator(1), dtype=torch.float64) + 0.1


def probability(keep: Tensor) -> Tensor:
    """A probability that depends on which words are there, with interactions."""
    weights = torch.randn(WORDS, 4, generator=generator(2), dtype=torch.float64)
    return torch.sigmoid(torch.tanh(keep.double() @ weights).sum(1))


class Words:
    """A tokenizer and a classifier of texts whose words are numbers, as ferret asks for them."""

    mask_token_id, cls_token = -1, "[CLS]"
    tokenizer: Words

    def __init__(self) -> None:
        self.tokenizer = self

    def decode(self, ids: Any) -> str:
        return " ".join(str(int(each)) for each in ids)

    def _tokenize(self, text: str) -> dict[str, Tensor]:
        ids = torch.tensor([[int(word) for word in text.split()]])
        return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}

    def _forward(self, texts: str | list[str], **_: Any) -> tuple[None, Tensor]:
        texts = [texts] if isinstance(texts, str) else texts
        keep = torch.zeros(len(texts), WORDS, dtype=torch.bool)
        for row, text in enumerate(texts):
            keep[row, [int(word) for word in text.split()]] = True
        p = probability(keep)
        return None, torch.stack([1 - p, p], 1).log()


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("AOPC_Comprehensiveness_Evaluation", comprehensiveness),
        ("AOPC_Sufficiency_Evaluation", sufficiency),
    ],
)
def test_aopc(ferret: SimpleNamespace, theirs: str, ours: Any) -> None:
    game = Game(lambda keep: probability(keep)[:, None], torch.ones(1, WORDS, dtype=torch.bool))
    measure = object.__new__(getattr(ferret.faithful, theirs))
    measure.helper = Words()
    sizes = (1, 2, 5, 10)
    for row in scores():
        explanation = ferret.explanation(
            " ".join(map(str, range(WORDS))), ["word"] * WORDS, row.numpy(), "", 1
        )
        found = measure.compute_evaluation(
            explanation,
            remove_first_last=False,
            removal_args={"based_on": "k", "thresholds": sizes},
        )
        shares = [size / WORDS for size in sizes]
        assert ours(game, row[None], shares=shares).item() == pytest.approx(found.score)


def rationales() -> Tensor:
    """Any words, at least one."""
    marked = torch.rand(CASES, WORDS, generator=generator(3)) < 0.4
    marked[:, 0] |= ~marked.any(1)
    return marked


def plausible(ferret: SimpleNamespace, name: str, marked: Tensor, row: Tensor, top: int) -> float:
    measure = object.__new__(getattr(ferret.plausible, name))
    explanation = ferret.with_rationale(
        "", ["word"] * WORDS, row.numpy(), "", 1, marked.int().numpy()
    )
    found = measure.compute_evaluation(explanation, remove_first_last=False, top_k_rationale=top)
    return float(found.score)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("Tokenf1_PlausibilityEvaluation", token_f1), ("AUPRC_PlausibilityEvaluation", auprc)],
)
def test_token_f1_and_auprc(ferret: SimpleNamespace, theirs: str, ours: Any) -> None:
    for marked, row in zip(rationales(), scores(), strict=True):
        found = plausible(ferret, theirs, marked, row, int(marked.sum()))
        assert ours(marked[None], row[None]).item() == pytest.approx(found)


def test_iou(ferret: SimpleNamespace) -> None:
    """Theirs is over words, ours over spans: of one span each, ours says whether it is a half."""
    met = set()
    for first in range(WORDS - 4):
        for start in range(WORDS - 4):
            marked = torch.zeros(WORDS, dtype=torch.bool)
            marked[first : first + 4] = True
            row = torch.zeros(WORDS, dtype=torch.float64)
            row[start : start + 4] = torch.tensor([4.0, 3.0, 2.0, 1.0]).double()
            share = plausible(ferret, "TokenIOU_PlausibilityEvaluation", marked, row, 4)
            assert iou_f1(marked[None], row[None]).item() == float(share >= 0.5)
            met.add(share)
    assert len(met) == 5, "apart, and overlapping by one to four words"
