"""`evaluate` end to end on the bundled model: all metrics, honest tables, broken methods caught."""

from __future__ import annotations

import math

import pytest
import torch

import glossator
from glossator import Item, LanguageModel, evaluate, load_model
from glossator.errors import InputError, UnknownName
from glossator.game import Tape
from glossator.miniature.world import generate
from glossator.registry import METHODS, METRICS, attribution
from glossator.run.evaluate import DEFAULT_METRICS
from glossator.types import Attribution

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    return load_model(device="cpu")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> str:
    """A method that looks at no model: the later a word, the larger its score."""
    monkeypatch.setattr(METHODS, "_components", dict(METHODS._components))

    @attribution(
        "later_is_more",
        needs="tape",
        measures="the place of the word",
        paper="none",
        rows="0",
        count=lambda players: 0,
    )
    def later_is_more(tape: Tape, *, generator: torch.Generator | None = None) -> Attribution:
        place = torch.arange(tape.players, dtype=torch.float64).expand(tape.before.shape)
        return Attribution(place.masked_fill(~tape.before, torch.nan))

    return "later_is_more"


def items(count: int) -> list[Item]:
    return [
        Item(item.prompt, {"continuation": item.answer, "contrast": item.foil}, item.decisive)
        for item in generate("recipient", count)
    ]


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_of_one_text(name: str, model: LanguageModel) -> None:
    found = evaluate(
        PROMPT,
        model,
        methods=["leave_one_out", "input_x_gradient"],
        metrics=[name],
        continuation=" Mia.",
        rationale=["Mia", "Tom gave"],
        controls=2,
    )
    assert [cell.method for cell in found.cells] == ["leave_one_out", "input_x_gradient"]
    low, high = METRICS.get(name).range
    for cell in found.cells:
        assert found.over == "targets"
        assert len(cell.each) == len(cell.control) == cell.targets == 2
        assert cell.undefined == int(cell.each.isnan().sum())
        known = cell.each[~cell.each.isnan()]
        assert bool(((known >= low - 1e-9) & (known <= high + 1e-9)).all())
        if len(known):
            assert cell.value is not None
            assert cell.value.value == pytest.approx(float(known.mean()))
        else:
            assert cell.value is cell.difference is None
    assert found.rows["leave_one_out"] > 0


def test_the_same_seed_gives_the_same_table_and_the_model_is_left_as_found(
    model: LanguageModel,
) -> None:
    before = {name: value.clone() for name, value in model.hf.state_dict().items()}

    def table() -> list[list[float]]:
        found = evaluate(
            PROMPT,
            model,
            methods=["shapley"],
            metrics=["infidelity", "max_sensitivity", "parameter_randomisation"],
            samples=4,
            continuation=" Mia",
            controls=2,
            seed=3,
        )
        return [[*cell.each.tolist(), *cell.control.tolist()] for cell in found.cells]

    assert table() == table()
    after = model.hf.state_dict()
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_metrics_share_a_table_and_methods_pay_for_themselves(model: LanguageModel) -> None:
    """Polarity asks for all and all but one; what completeness needs besides is one row."""
    found = evaluate(
        PROMPT,
        model,
        methods=["leave_one_out", "attention", "exact_shapley"],
        metrics=["polarity", "completeness"],
        continuation=" Mia",
        units=[(0, 11), (12, 29), (30, 50)],
        controls=1,
    )
    rows = {(cell.method, cell.metric): cell.rows for cell in found.cells}
    assert rows["leave_one_out", "polarity"] == 4
    assert rows["leave_one_out", "completeness"] == 1
    assert set(list(rows.values())[1::3]) == {0}, "the second method asks for nothing new"
    assert found.rows["leave_one_out"] == 5, "n + 1, and the empty text"
    assert found.rows["exact_shapley"] == 8


def test_a_data_set_is_averaged_over_items_and_methods_are_tested(model: LanguageModel) -> None:
    found = evaluate(
        items(8),
        model,
        methods=["leave_one_out", "input_x_gradient"],
        metrics=["comprehensiveness", "auprc", "shortcut_rank"],
        controls=4,
    )
    assert found.over == "items"
    assert all(len(cell.each) == 8 for cell in found.cells)
    assert len(found.tests) == 3
    for test in found.tests:
        assert test.items == 8
        assert test.p <= test.adjusted <= 1
        first, second = (found.cell(name, test.metric).each for name in (test.first, test.second))
        assert test.difference.value == pytest.approx(float((first - second).mean()))
    best = found.cell("leave_one_out", "auprc")
    assert best.difference is not None
    assert best.difference.low > 0, "better than shuffled, beyond its interval"
    assert found.cell("leave_one_out", "comprehensiveness").difference.low > 0


def test_broken_methods_are_caught(model: LanguageModel, broken: str) -> None:
    """Parameter randomisation, and the words that the world has planted."""
    sanity = evaluate(
        items(2),
        model,
        methods=["leave_one_out", broken],
        metrics=["parameter_randomisation", "independent_randomisation"],
        controls=2,
    )
    assert sanity.cell(broken, "parameter_randomisation").value.value == pytest.approx(1)
    assert sanity.cell(broken, "independent_randomisation").value.value == pytest.approx(1)
    assert sanity.cell("leave_one_out", "parameter_randomisation").value.value < 0.7
    planted = evaluate(
        items(12),
        model,
        methods=["leave_one_out", broken],
        metrics=["shortcut_precision"],
        controls=4,
    )
    sound, bad = (planted.cell(name, "shortcut_precision") for name in ("leave_one_out", broken))
    assert sound.difference.low > 0
    assert bad.difference.low <= 0
    assert sound.value.value > bad.value.value + 0.2


def test_invariances_tell_methods_apart(model: LanguageModel) -> None:
    """Rewriting changes nothing; a shift changes what looks at a baseline of zeros."""
    found = evaluate(
        PROMPT,
        model,
        methods=["leave_one_out", "input_x_gradient"],
        metrics=["implementation_invariance", "input_invariance"],
        removal="embedding:zero",
        continuation=" Mia",
        controls=1,
    )
    for method in ("leave_one_out", "input_x_gradient"):
        assert found.cell(method, "implementation_invariance").value.value < 1e-3
        assert found.cell(method, "input_invariance").value.value > 1e-2
    mean = evaluate(
        PROMPT,
        model,
        methods=["leave_one_out"],
        metrics=["input_invariance"],
        removal="embedding:mean",
        continuation=" Mia",
        controls=1,
    )
    assert mean.cells[0].value.value < 1e-3


def test_removals_that_draw_are_averaged(model: LanguageModel) -> None:
    found = evaluate(
        PROMPT,
        model,
        methods=["leave_one_out"],
        metrics=["completeness", "comprehensiveness"],
        removal="resample:3",
        continuation=" Mia",
        controls=2,
    )
    assert all(math.isfinite(cell.value.value) for cell in found.cells)


def test_likeliest_tokens_are_those_of_the_model(model: LanguageModel) -> None:
    """By hand: the text of the kept words alone, its K likeliest tokens."""
    asked = {"continuation": " Mia", "removal": "delete"}
    found = evaluate(
        PROMPT,
        model,
        methods=["leave_one_out"],
        metrics=["acc_at_k", "div_at_k"],
        options={"acc_at_k": {"k": 5, "share": 0.5}, "div_at_k": {"k": 5, "share": 0.5}},
        controls=1,
        **asked,
    )
    why = glossator.explain(PROMPT, model, **asked)
    scores = why.scores[0].nan_to_num(nan=-math.inf)
    prompt = [i for i, unit in enumerate(why.units) if unit.part == "prompt"]
    players = [i for i in prompt if why.units[i].player]
    kept = scores.topk(math.ceil(len(players) / 2)).indices.tolist()

    def distribution(units: list[int]) -> torch.Tensor:
        ids = [token for i in units for token in why.units[i].tokens]
        with model.inference():
            inputs = torch.tensor([ids])
            return model.logits(inputs, None, torch.ones_like(inputs))[0, -1].double().softmax(0)

    whole = distribution(prompt)
    part = distribution([i for i in prompt if i in kept or i not in players])
    top = whole.topk(5).indices
    common = len(set(top.tolist()) & set(part.topk(5).indices.tolist())) / 5
    assert found.cell("leave_one_out", "acc_at_k").each.tolist() == [pytest.approx(common)]
    lost = float((whole[top] - part[top]).sum())
    assert found.cell("leave_one_out", "div_at_k").each.tolist() == [pytest.approx(lost, abs=1e-4)]


def test_requests_that_cannot_be_met(model: LanguageModel) -> None:
    def ask(*metrics: str, **asked: object) -> None:
        evaluate(PROMPT, model, methods=["leave_one_out"], metrics=metrics, **asked)

    with pytest.raises(InputError, match="a rationale"):
        ask("token_f1", continuation=" Mia")
    with pytest.raises(InputError, match="no contrast"):
        ask("acc_at_k", continuation=" Mia", contrast=" Tom")
    with pytest.raises(UnknownName, match="did you mean 'comprehensiveness'"):
        ask("comprehensivenes")
    with pytest.raises(InputError, match="takes no 'most'"):
        ask("fid", options={"fid": {"most": 3}})
    with pytest.raises(InputError, match="'lime', which is not evaluated"):
        ask("fid", options={"lime": {"samples": 3}})
    with pytest.raises(InputError, match="at least one"):
        ask(*DEFAULT_METRICS, controls=0)
    with pytest.raises(InputError, match="is nowhere"):
        ask("token_f1", continuation=" Mia", rationale=["zebra"])
