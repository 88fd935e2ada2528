from __future__ import annotations

import builtins
import importlib.resources
import json
import math
import os
from dataclasses import asdict, replace
from pathlib import Path

import jsonschema
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.render import specimens

from glossator.errors import StoreError
from glossator.store import files, from_json, json_schema, load, save, to_json, write_atomically
from glossator.types import Explanation

ROUNDING = 5.001e-9  # half a unit of the ninth significant digit, at worst
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


def assert_same(got: Explanation, expected: Explanation) -> None:
    """Numbers equal up to nine significant digits; everything but numbers exactly."""
    for name in ("prompt", "continuation", "units", "dof", "provenance", "trust"):
        assert getattr(got, name) == getattr(expected, name), name
    assert asdict(got.cost) == pytest.approx(asdict(expected.cost), rel=ROUNDING)
    for mine, theirs in zip(got.targets, expected.targets, strict=True):
        assert replace(mine, value=0.0) == replace(theirs, value=0.0)
        assert mine.value == pytest.approx(theirs.value, rel=ROUNDING)
    for name in ("scores", "stderr", "full", "empty"):
        mine, theirs = getattr(got, name), getattr(expected, name)
        if theirs is None:
            assert mine is None
        else:
            torch.testing.assert_close(mine, theirs, rtol=ROUNDING, atol=0, equal_nan=True)
    assert (got.groups is None) == (expected.groups is None)
    if got.groups is not None and expected.groups is not None:
        assert got.groups.kind == expected.groups.kind
        assert got.groups.members == expected.groups.members
        for mine, theirs in (
            (got.groups.scores, expected.groups.scores),
            (got.groups.stderr, expected.groups.stderr),
        ):
            assert (mine is None) == (theirs is None)
            if mine is not None:
                torch.testing.assert_close(mine, theirs, rtol=ROUNDING, atol=0, equal_nan=True)


@pytest.mark.parametrize("name", specimens.ALL)
def test_saved_explanation_comes_back_and_fits_the_schema(name: str, tmp_path: Path) -> None:
    explanation = specimens.ALL[name]()
    path = save(explanation, tmp_path / "why.json")
    assert path == tmp_path / "why.json"
    assert [file.name for file in tmp_path.iterdir()] == ["why.json"]
    VALIDATOR.validate(json.loads(path.read_text(encoding="utf-8")))
    assert_same(load(path), explanation)


def test_keys_are_those_of_the_issue() -> None:
    record = to_json(specimens.kite())
    assert record["schema"] == "glossator.explanation/1"
    assert list(record) == (
        ["schema", "text", "units", "targets", "scores", "stderr", "dof", "full", "empty"]
        + ["cost", "provenance", "trust", "groups"]
    )
    assert list(record["text"]) == ["prompt", "continuation"]
    assert list(record["units"][0]) == ["text", "start", "end", "tokens", "player", "part"]
    assert list(record["targets"][0]) == ["text", "start", "end", "tokens", "value"]
    assert list(record["cost"]) == (
        ["forward_rows", "backward_rows", "token_positions", "seconds", "peak_memory_bytes"]
    )
    assert record["trust"] is None
    assert record["scores"][0][0] is None  # the special token in front is no player


def test_saving_what_was_loaded_writes_the_same_bytes(tmp_path: Path) -> None:
    first = save(specimens.kite(), tmp_path / "first.json")
    second = save(load(first), tmp_path / "second.json")
    assert first.read_bytes() == second.read_bytes()


def test_large_explanation_keeps_its_matrices_in_a_file_beside_it(tmp_path: Path) -> None:
    explanation = specimens.long(words=800, targets=300)
    path = save(explanation, tmp_path / "long.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    VALIDATOR.validate(record)
    assert record["scores"]["file"] == record["stderr"]["file"] == "long.safetensors"
    assert path.stat().st_size < 200_000
    assert_same(load(path), explanation)
    with pytest.raises(StoreError, match=r"its scores are in 'long\.safetensors'.*load\(path\)"):
        from_json(record)

    save(specimens.long(words=800, targets=300, seed=2), tmp_path / "other.json")
    (tmp_path / "other.safetensors").replace(tmp_path / "long.safetensors")
    with pytest.raises(StoreError, match="belongs to another explanation"):
        load(path)
    (tmp_path / "long.safetensors").unlink()
    with pytest.raises(StoreError, match=r"long\.safetensors: No such file"):
        load(path)


def test_many_pairs_go_to_the_file_beside_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "INLINE_CELLS", 10)
    explanation = specimens.paired()
    path = save(explanation, tmp_path / "pairs.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    VALIDATOR.validate(record)
    assert record["groups"]["stderr"]["tensor"] == "groups.stderr"
    assert_same(load(path), explanation)


def test_files_from_before_there_were_groups_are_read() -> None:
    record = to_json(specimens.kite())
    del record["groups"]
    VALIDATOR.validate(record)
    assert from_json(record).groups is None


def test_trust_has_the_keys_of_the_issue() -> None:
    trust = to_json(specimens.trusted())["trust"]
    assert {"targets", "completeness_gap", "ood_rate", "rows"} <= set(trust)
    measured, unmeasured = trust["targets"]
    assert measured["verdict"] == "explained" and measured["decisive"] == [0, 3]
    assert {"explainability", "comprehensiveness", "sufficiency"} <= set(measured)
    assert list(measured["sufficiency"]) == ["value", "control", "low", "high"]
    assert unmeasured["comprehensiveness"] is None


def test_trust_that_does_not_belong_to_the_record_is_refused() -> None:
    record = to_json(specimens.trusted())
    record["trust"]["targets"][0]["decisive"] = [99]
    with pytest.raises(StoreError, match="a decisive unit is not among"):
        from_json(record)
    del record["trust"]["targets"][0]
    with pytest.raises(StoreError, match="'trust' has not one entry for each target"):
        from_json(record)


def test_published_schema_is_the_one_that_is_checked() -> None:
    shipped = importlib.resources.files("glossator.store") / "explanation-1.schema.json"
    assert json.loads(shipped.read_text(encoding="utf-8")) == json_schema(), (
        "write it again with the command in docs/schema.md"
    )
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("schema", "glossator.explanation/2"),
        ("scores", [["much"]]),
        ("units", [{"text": "no offsets"}]),
        ("trust", "high"),
        ("extra", 1),
    ],
)
def test_schema_and_reader_refuse_the_same(key: str, value: object) -> None:
    record = to_json(specimens.single()) | {key: value}
    assert not VALIDATOR.is_valid(record)
    with pytest.raises(StoreError):
        from_json(record)


@given(st.floats() | st.floats(-1e-30, 1e-30))
def test_numbers_keep_nine_digits_and_are_never_nan(value: float) -> None:
    one = specimens.undefined_only()
    explanation = replace(one, provenance=replace(one.provenance, notes={"x": [value]}))
    kept = from_json(json.loads(files.dump(to_json(explanation)))).provenance.notes["x"][0]
    if math.isfinite(value):
        assert kept == pytest.approx(value, rel=ROUNDING, abs=1e-300)
        assert math.copysign(1, kept) == 1 or value < 0
    else:
        assert kept is None


def test_a_value_that_json_does_not_know_is_named() -> None:
    one = specimens.single()
    notes = {"rate": torch.tensor(1.0)}
    explanation = replace(one, provenance=replace(one.provenance, notes=notes))
    with pytest.raises(StoreError, match=r"cannot store provenance\.notes\.rate: got a Tensor"):
        to_json(explanation)


def test_missing_folder_says_what_to_type(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        save(specimens.single(), tmp_path / "not here" / "why.json")
    assert "\n" not in str(caught.value)
    assert f"type mkdir -p '{tmp_path / 'not here'}'" in str(caught.value)


@pytest.mark.parametrize("name", ["why.html", "why", ""])
def test_a_name_that_is_no_json_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"ends in \.json"):
        save(specimens.single(), tmp_path / name)


def damage(change: str, record: dict) -> str:
    match change:
        case "scores":
            record["scores"][0].pop()
        case "rows":
            record["scores"].append([])
        case "full":
            record["full"] = []
        case "span":
            record["units"][0]["end"] = 10_000
        case "member":
            record["groups"]["members"][0] = [99]
        case "group":
            record["groups"]["scores"][0].pop()
        case "key":
            del record["cost"]["seconds"]
        case "nan":
            return json.dumps(record | {"full": [math.nan]})
    return json.dumps(record)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("scores", "'scores' is not 1 targets x 14 units"),
        ("rows", "'scores' is not 1 targets x 14 units"),
        ("full", "'full' has 0 numbers for 1 targets"),
        ("span", "is not within the 54 characters"),
        ("member", "a group names a unit that is not among the 14"),
        ("group", "'groups.scores' is not 1 targets x 3 groups"),
        ("key", r"damaged at 'cost\.seconds': Field required"),
        ("nan", "NaN is no number of JSON"),
    ],
)
def test_damaged_file_is_refused(change: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "why.json"
    path.write_text(damage(change, to_json(specimens.phrased())))
    with pytest.raises(StoreError, match=message) as caught:
        load(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no JSON, or only a part of it"),
        (b'{"schema": "glossator.expl', "no JSON, or only a part of it"),
        (b"\x89PNG\r\n\xff", "no JSON, or only a part of it"),
        (b"[" * 100_000, "no JSON, or only a part of it"),
        (b"[]", "no saved explanation"),
        (b'{"name": "package"}', "no saved explanation"),
        (b'{"schema": "glossator.explanation/9"}', "schema 'glossator.explanation/9'.*pip install"),
    ],
)
def test_other_files_are_refused(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "other.json"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=message):
        load(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"why\.json: No such file"):
        load(tmp_path / "why.json")


@pytest.mark.parametrize(
    "name", ["../secret.safetensors", "/etc/x.safetensors", "a\\b.safetensors"]
)
def test_tensors_are_read_from_the_same_folder_only(name: str, tmp_path: Path) -> None:
    file = {"file": name, "tensor": "scores", "sha256": "0" * 64}
    path = tmp_path / "why.json"
    path.write_text(json.dumps(to_json(specimens.single()) | {"scores": file}))
    with pytest.raises(StoreError, match="damaged at 'scores"):
        load(path)


@pytest.mark.parametrize("place", ["write", "fsync", "replace"])
@pytest.mark.parametrize("fault", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_interrupted_write_leaves_what_was_there(
    place: str, fault: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(specimens.single(), tmp_path / "why.json")
    before = path.read_bytes()

    def fail(*_: object) -> None:
        raise fault

    if place == "write":
        opened = builtins.open

        def half(self: Path, mode: str) -> object:
            file = opened(self, mode)
            file.write(b'{"half":')
            file.flush()
            fail()

        monkeypatch.setattr(Path, "open", half)
    else:
        monkeypatch.setattr(os, place, fail)
    expected = StoreError if isinstance(fault, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        save(specimens.kite(), path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_written_file_has_the_usual_permissions(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    written = write_atomically(tmp_path / "written", b"x")
    assert written.stat().st_mode == usual.stat().st_mode
