"""inseq computes the same numbers on the same model, ids and baseline."""

from __future__ import annotations

import pytest

pytest.importorskip("inseq")

from benchmarks.agreement import CHECKS, WORK, Check, holds, in_double, measure
from benchmarks.models import Case, Shape, build_case, bundled_case

pytestmark = pytest.mark.peers

TINY = Shape("tiny", layers=2, width=32, heads=2, vocabulary=101, spread=0.3)


@pytest.fixture(scope="module", params=["random", "bundled"])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "bundled":
        return bundled_case("Tom gave the kite", 3)
    return build_case(TINY, 4, 3)


@pytest.mark.parametrize("check", [c for c in CHECKS if c.tool == "inseq"], ids=lambda c: c.what)
def test_same_numbers(check: Check, case: Case) -> None:
    if not check.applies(case):
        pytest.skip("inseq also moves the token that the tokenizer puts first")
    found = measure(check, case, WORK)
    if check.function == "value_zeroing":
        assert found.scores == (case.shape.layers - 1) * 3 * (len(case.ids) - 1)
    else:
        playing = len(case.prompt) - int(case.fixed.sum())
        assert found.scores == sum(playing + t for t in range(3))
    assert found.scale > 1e-3, "nothing to compare"
    assert holds(check, found) or holds(check, in_double(check, case)), found
