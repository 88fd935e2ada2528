from __future__ import annotations

import json

import pytest
import torch
from benchmarks.leaderboard import SECTIONS, page

from glossator.errors import InputError, UnknownName
from glossator.ground_truth import texts
from glossator.ground_truth.programs import model_of
from glossator.registry import METHODS
from glossator.run import inquire
from glossator.run.ground_truth import _Measurement, ground_truth, within
from glossator.run.known_sets import SUITES, KnownSet, Wanted, answers, known_sets
from glossator.run.leaderboard import leaderboard

SMALL = {"methods": ["leave_one_out", "shapley"], "removals": ["embedding:zero"], "items": 2}


def test_what_a_program_hangs_on_is_found_exactly_by_exact_shapley_values():
    board = ground_truth(
        methods=["exact_shapley", "leave_one_out", "attention"],
        removals=["embedding:zero"],
        suites=["programs"],
        items=3,
        rows=None,
    )
    exact = next(entry for entry in board.entries if entry.method == "exact_shapley")
    assert exact.precision.value == exact.first.value == 1
    assert exact.shapley.value < 1e-3 and exact.rest.value < 1e-3
    assert board.entries[0] is exact
    one_out = next(entry for entry in board.entries if entry.method == "leave_one_out")
    assert one_out.by_suite["programs"] < 1  # each of several alarms would do alone
    assert board.right["programs", "any"] == (3, 3)


def test_the_measurements_of_a_record_are_not_made_again(tmp_path, monkeypatch):
    path = tmp_path / "record.jsonl"
    first = ground_truth(**SMALL, suites=["programs"], record=path)
    lines = path.read_text().splitlines()
    assert len({json.loads(line)["key"] for line in lines}) == len(lines) == 2 * 2 * 10
    path.write_text("\n".join(lines[:-1]) + "\n" + lines[-1][:20])  # interrupted while writing
    made = []
    make = _Measurement.make
    monkeypatch.setattr(_Measurement, "make", lambda self: made.append(self) or make(self))
    again = ground_truth(**SMALL, suites=["programs"], record=path)
    assert len(made) == 1 and str(again) == str(first)
    assert json.loads(path.read_text().splitlines()[-1])["key"] == json.loads(lines[-1])["key"]
    ground_truth(**SMALL, suites=["programs"], record=path, seed=1)
    assert len(made) == 1 + 40
    path.write_text(path.read_text().replace('"item": 1', '"item": 7'))  # of a longer run
    assert str(ground_truth(**SMALL, suites=["programs"], record=path)) == str(first)


def test_a_key_hangs_on_everything_that_the_result_does():
    one, two = texts("any", 2)
    known = KnownSet("programs", "any", model_of("any"), (one, two), 2)
    same = KnownSet("programs", "any", model_of("any"), (one, two), 2)
    plain = ("leave_one_out", "delete", None, 0)
    others = [
        _Measurement(known, 1, *plain),
        _Measurement(known, 0, "lime", "delete", None, 0),
        _Measurement(known, 0, "leave_one_out", "attention", None, 0),
        _Measurement(known, 0, "leave_one_out", "delete", 50, 0),
        _Measurement(known, 0, "leave_one_out", "delete", None, 1),
        _Measurement(KnownSet("programs", "both", model_of("any"), (one,), 1), 0, *plain),
        _Measurement(KnownSet("programs", "any", model_of("both"), (one,), 1), 0, *plain),
    ]
    key = _Measurement(known, 0, *plain).key
    assert _Measurement(same, 0, *plain).key == key
    assert len({key, *(other.key for other in others)}) == 1 + len(others)


@pytest.mark.parametrize("rows", [12, 40, 200])
def test_methods_take_as_many_rows_as_fit_and_no_more(rows):
    item = texts("recall", 1)[0]
    for name in METHODS:
        method = METHODS.get(name)
        if method.needs not in ("game", "tape", "trace"):
            continue
        inquiry = inquire(item.prompt, model_of("recall"), **item.asked)
        try:
            options = within(inquiry, method, "embedding:zero", rows)
            why = inquiry.run(name, "embedding:zero", options)
        except InputError:
            continue
        # Values with all and with no players are asked besides, for the record.
        assert why.cost.forward_rows + why.cost.backward_rows <= rows + 2, (name, options)


def test_draws_of_a_removal_are_paid_for():
    item = texts("recall", 1)[0]
    inquiry = inquire(item.prompt, model_of("recall"), **item.asked)
    shapley = METHODS.get("shapley")
    once, often = (
        within(inquiry, shapley, name, 400)["samples"] for name in ("delete", "resample:4")
    )
    assert 3 * often < once
    with pytest.raises(InputError, match="needs more than 20 rows"):
        within(inquiry, METHODS.get("leave_one_out"), "resample:4", 20)


@pytest.mark.parametrize("suite", ["programs", "world", "planted", "reviews"])
def test_the_suites_that_need_no_data_are_answered_rightly(suite):
    sets = list(known_sets(Wanted(None, 5, 0, None), [suite]))
    assert sum(len(each.items) for each in sets) >= 0.8 * sum(each.drawn for each in sets)
    assert all(each.suite == suite for each in sets)
    if suite in ("programs", "planted"):
        assert all(len(each.items) == each.drawn for each in sets)


def test_an_item_that_the_model_answers_otherwise_is_told():
    (item,) = texts("recall", 1)
    model = model_of("recall")
    assert answers(model, item)
    wrong = type(item)(item.prompt, " pink" if item.answer != " pink" else " red", item.decisive)
    assert not answers(model, wrong)
    likely = type(item)(
        item.prompt, item.answer, item.decisive, item.asked, instead=(" anna", " tom")
    )
    assert answers(model, likely)


def test_suites_say_what_they_need(tmp_path):
    with pytest.raises(UnknownName, match="did you mean 'world'"):
        ground_truth(suites=["word"])
    with pytest.raises(InputError, match="--data DIR"):
        ground_truth(suites=["sst"])
    with pytest.raises(InputError, match="causal language model"):
        ground_truth(suites=["cose"], data=tmp_path)
    with pytest.raises(InputError, match="at least one item"):
        ground_truth(items=0)
    assert set(SUITES) >= {"programs", "world", "planted", "reviews", "sst", "cad", "cose"}


def test_texts_marked_by_people_are_asked_of_word_counts(tmp_path):
    words = {"lovely": 4, "awful": 0}
    lines = [
        {"tokens": [word, "film", str(i)], "label": label, "phrases": [[0, 1, label], [1, 3, 2]]}
        for i in range(8)
        for word, label in words.items()
    ]
    for part in ("train", "dev"):
        path = tmp_path / f"sst5_trees_{part}.jsonl"
        path.write_text("\n".join(map(json.dumps, lines)))
    board = ground_truth(
        methods=["leave_one_out", "lrp"], suites=["sst"], data=tmp_path, items=6, seed=1
    )
    (entry,) = board.entries  # lrp cannot look into it
    assert (entry.method, entry.removal, entry.precision.value) == ("leave_one_out", "delete", 1)


def line(method, item, precision, rows=10, removal="", name="one", **more):
    scores = {"precision": precision, "first": precision, "rest": 1 - precision}
    where = {"suite": "made", "set": name, "item": item, "method": method, "removal": removal}
    return where | scores | {"rows": rows, "chance": 0.25} | more


def made(means, items=40, **more):
    generator = torch.Generator().manual_seed(0)
    return [
        line(method, item, round(min(1.0, max(0.0, mean + 0.2 * noise)), 3), rows, **more)
        for method, (mean, rows) in means.items()
        for item, noise in enumerate(torch.randn(items, generator=generator).tolist())
    ]


def test_the_best_comes_first_and_the_others_are_tested_against_it():
    means = {"bad": (0.2, 5), "good": (0.7, 300), "cheap": (0.69, 20)}
    board = leaderboard(made(means), {("made", "one"): (40, 40)})
    assert [entry.method for entry in board.entries][-1] == "bad"
    assert board.p["bad"] < 0.001
    assert len(board.p) == 2 and max(board.p.values()) > 0.05
    any_cost, few = board.recommended(), board.recommended(100)
    assert {any_cost.best.method, any_cost.as_good[0].method} == {"good", "cheap"}
    assert few.best.method == "cheap" and few.as_good == ()
    assert str(few).startswith("at 100 rows: cheap")
    assert board.recommended(1) is None


def test_the_mean_is_over_sets_and_its_interval_over_texts():
    lines = made({"a": (0.8, 1)}, 10) + made({"a": (0.2, 1)}, 90, name="two")
    entry = leaderboard(lines, {("made", "one"): (10, 10), ("made", "two"): (90, 90)}).entries[0]
    each = [
        torch.tensor([each["precision"] for each in lines if each["set"] == name]).double()
        for name in ("one", "two")
    ]
    assert entry.precision.value == pytest.approx(float(sum(x.mean() for x in each)) / 2)
    error = float(sum(x.var(unbiased=False) / len(x) for x in each)) ** 0.5 / 2
    half = (entry.precision.high - entry.precision.low) / 2
    assert half == pytest.approx(1.96 * error, rel=0.15)


def test_failures_are_counted_and_never_scored():
    failed = [line("a", 40, 0.0) | {"precision": None, "first": None, "rest": None}]
    said = {"suite": "made", "set": "one", "item": 41, "method": "a", "removal": "", "error": "no"}
    lines = [*made({"a": (0.5, 1)}), *failed, said, said | {"item": 42}]
    board = leaderboard(lines, {("made", "one"): (43, 43)})
    (entry,) = board.entries
    assert (entry.measured, entry.failed, entry.why) == (40, 3, "no")
    assert entry.precision.value == entry.precision.value and "3 of 43" in str(board)
    nothing = leaderboard([said], {("made", "one"): (42, 42)})
    assert nothing.entries == () and nothing.recommended() is None
    assert nothing.refused == {"a": "no"}


def test_an_entry_that_misses_a_set_comes_last_and_is_not_tested():
    lines = made({"a": (0.3, 1), "b": (0.9, 1)}) + made({"a": (0.3, 1)}, name="two")
    board = leaderboard(lines, {("made", "one"): (40, 40), ("made", "two"): (40, 40)})
    assert [entry.method for entry in board.entries] == ["a", "b"] and board.p == {}
    assert board.recommended().best.method == "a"


def test_removals_that_make_no_difference_are_one_entry():
    lines = made({"a": (0.5, 1)}, removal="x") + made({"a": (0.5, 1)}, removal="y")
    (entry,) = leaderboard(lines, {("made", "one"): (40, 40)}).entries
    assert entry.removal == "any" and entry.name == "a, any"


def test_one_text_of_a_set_leaves_the_interval_open():
    (entry,) = leaderboard([line("a", 0, 0.5)], {("made", "one"): (1, 1)}).entries
    assert (entry.precision.low, entry.precision.high) == (0, 1)


def test_two_runs_give_the_same_table():
    means = {"a": (0.5, 1), "b": (0.45, 1)}
    one, two = (leaderboard(made(means), {("made", "one"): (40, 40)}, seed=3) for _ in range(2))
    assert str(one) == str(two) and one.p == two.p


def test_a_section_of_the_page_that_is_made_anew_leaves_the_others_as_they_are():
    first, second, third = (section.title for section in SECTIONS.values())
    one = page({"people": "| marked |"}, "")
    both = page({"constructed": "old\n\n### Part"}, one)
    assert both.endswith(f"## {first}\n\nold\n\n### Part\n\n## {third}\n\n| marked |\n")
    again = page({"constructed": "new", "miniature": "| world |"}, both)
    assert again.endswith(
        f"## {first}\n\nnew\n\n## {second}\n\n| world |\n\n## {third}\n\n| marked |\n"
    )
    assert again.count("# Leaderboard") == 1 and page({"constructed": "new"}, again) == again
