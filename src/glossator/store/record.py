"""An explanation as a JSON record, and back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from pydantic import ValidationError
from torch import Tensor

from glossator.errors import StoreError
from glossator.store.schema import (
    ControlledEntry,
    GroupsEntry,
    Record,
    TargetEntry,
    TensorFile,
    TrustEntry,
    UnitEntry,
)
from glossator.types import (
    SCHEMA,
    Controlled,
    Cost,
    Explanation,
    Groups,
    Numbers,
    Provenance,
    Target,
    TargetTrust,
    Trust,
    Unit,
)

Read = Callable[[TensorFile], Tensor]

DIGITS = 9  # significant digits kept of every number


def to_json(explanation: Explanation, digits: int = DIGITS) -> dict[str, Any]:
    """The record of an explanation: what `save` writes, as a dictionary of JSON values.

    Args:
        explanation: what to record.
        digits: significant digits kept of every number.

    Returns:
        The keys of schema `glossator.explanation/1`. NaN becomes null, and so does an
        infinite number, which JSON cannot hold.

    Raises:
        StoreError: a value of the provenance is none that JSON knows.
    """
    stderr, groups = explanation.stderr, explanation.groups
    record = {
        "schema": SCHEMA,
        "text": {"prompt": explanation.prompt, "continuation": explanation.continuation},
        "units": [asdict(unit) for unit in explanation.units],
        "targets": [asdict(target) for target in explanation.targets],
        "scores": explanation.scores.tolist(),
        "stderr": None if stderr is None else stderr.tolist(),
        "dof": explanation.dof,
        "full": explanation.full.tolist(),
        "empty": explanation.empty.tolist(),
        "cost": asdict(explanation.cost),
        "provenance": asdict(explanation.provenance),
        "trust": None if explanation.trust is None else asdict(explanation.trust),
        "groups": groups
        and {
            "kind": groups.kind,
            "members": groups.members,
            "scores": groups.scores.tolist(),
            "stderr": None if groups.stderr is None else groups.stderr.tolist(),
        },
    }
    return {key: plain(value, digits, key) for key, value in record.items()}


def plain(value: Any, digits: int, path: str) -> Any:
    """A value in the terms of JSON, numbers rounded to significant digits.

    Args:
        value: lists, tuples, dictionaries with string keys, numbers, text, truth values, None.
        digits: significant digits kept.
        path: where it stands in the record, for the error message.

    Raises:
        StoreError: it is of another type.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            # Adding 0.0 turns -0.0 into 0.0.
            return float(f"{value:.{digits}g}") + 0.0 if math.isfinite(value) else None
        case list() | tuple():
            return [plain(item, digits, path) for item in value]
        case dict() if all(isinstance(key, str) for key in value):
            return {key: plain(item, digits, f"{path}.{key}") for key, item in value.items()}
    kind = type(value).__name__
    raise StoreError(f"cannot store {path}: got a {kind}, expected JSON values (float(...)?)")


def from_json(record: object) -> Explanation:
    """The explanation of a record that `to_json` made.

    Args:
        record: a dictionary of JSON values, all matrices inline.

    Returns:
        An explanation with float64 tensors; NaN where the record has null.

    Raises:
        StoreError: it is no record of this schema; the message says which key is wrong.
    """
    return to_explanation(parse(record), _refuse_file)


def _refuse_file(file: TensorFile) -> Tensor:
    raise StoreError(f"its scores are in '{file.file}': read both with load(path)")


def parse(record: object) -> Record:
    """A record checked against the schema.

    Raises:
        StoreError: it has another version, or a key that is missing or wrong.
    """
    schema = record.get("schema") if isinstance(record, dict) else None
    if not isinstance(schema, str) or not schema.startswith("glossator.explanation/"):
        raise StoreError(f"it is no saved explanation: its key 'schema' is not '{SCHEMA}'")
    if schema != SCHEMA:
        raise StoreError(
            f"it has schema '{schema}', this version reads '{SCHEMA}': pip install -U glossator"
        )
    try:
        return Record.model_validate(record)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise StoreError(f"it is damaged at '{key}': {first['msg']}") from None


def to_explanation(record: Record, read: Read) -> Explanation:
    """The explanation of a checked record.

    Args:
        record: as parsed.
        read: the tensor that a file beside the record holds.

    Raises:
        StoreError: units, targets and numbers do not belong together.
    """
    _check_spans(record)
    if record.trust is not None and len(record.trust.targets) != len(record.targets):
        raise StoreError("it is damaged: 'trust' has not one entry for each target")
    shape = (len(record.targets), len(record.units))
    scores = _matrix("scores", record.scores, shape, read)
    stderr = None if record.stderr is None else _matrix("stderr", record.stderr, shape, read)
    return Explanation(
        prompt=record.text.prompt,
        continuation=record.text.continuation,
        units=tuple(Unit(**{**dict(u), "tokens": tuple(u.tokens)}) for u in record.units),
        targets=tuple(
            Target(**{**dict(t), "tokens": tuple(t.tokens), "value": _number(t.value)})
            for t in record.targets
        ),
        scores=scores,
        stderr=stderr,
        dof=record.dof,
        full=_vector("full", record.full, record),
        empty=_vector("empty", record.empty, record),
        cost=Cost(**dict(record.cost)),
        provenance=Provenance(**dict(record.provenance)),
        trust=None if record.trust is None else _trust(record.trust, len(record.units)),
        groups=None if record.groups is None else _groups(record.groups, shape, read),
    )


def tensor(values: Sequence[Any]) -> Tensor:
    """Nested lists of numbers as float64, NaN for null."""
    return torch.tensor(np.array(values, dtype=np.float64))


def _number(value: float | None) -> float:
    return math.nan if value is None else value


def _check_spans(record: Record) -> None:
    length = len(record.text.prompt) + len(record.text.continuation)
    spans: list[UnitEntry | TargetEntry] = [*record.units, *record.targets]
    for span in spans:
        if not span.start <= span.end <= length:
            raise StoreError(f"it is damaged: '{span.text}' is not within the {length} characters")


def _vector(key: str, values: list[float | None], record: Record) -> Float[Tensor, " targets"]:
    if len(values) != len(record.targets):
        raise StoreError(
            f"it is damaged: '{key}' has {len(values)} numbers for {len(record.targets)} targets"
        )
    return tensor(values)


def _groups(entry: GroupsEntry, shape: tuple[int, int], read: Read) -> Groups:
    if any(not 0 <= unit < shape[1] for member in entry.members for unit in member):
        raise StoreError(f"it is damaged: a group names a unit that is not among the {shape[1]}")
    shape = (shape[0], len(entry.members))
    stderr = entry.stderr
    return Groups(
        entry.kind,
        tuple(map(Numbers, entry.members)),
        _matrix("groups.scores", entry.scores, shape, read),
        None if stderr is None else _matrix("groups.stderr", stderr, shape, read),
    )


def _trust(entry: TrustEntry, units: int) -> Trust:
    if any(not 0 <= unit < units for target in entry.targets for unit in target.decisive):
        raise StoreError(f"it is damaged: a decisive unit is not among the {units}")
    targets = tuple(
        TargetTrust(
            **dict(target)
            | {
                "decisive": Numbers(target.decisive),
                "explainability": _number(target.explainability),
                "comprehensiveness": _controlled(target.comprehensiveness),
                "sufficiency": _controlled(target.sufficiency),
            }
        )
        for target in entry.targets
    )
    return Trust(**dict(entry) | {"targets": targets, "shares": tuple(entry.shares)})


def _controlled(entry: ControlledEntry | None) -> Controlled | None:
    if entry is None:
        return None
    return Controlled(**{key: _number(value) for key, value in entry})


def _matrix(
    key: str,
    value: list[list[float | None]] | TensorFile,
    shape: tuple[int, int],
    read: Read,
) -> Float[Tensor, "targets columns"]:
    if isinstance(value, TensorFile):
        found = read(value)
        fits = tuple(found.shape) == shape
    else:
        fits = len(value) == shape[0] and all(len(row) == shape[1] for row in value)
        found = tensor(value).reshape(shape) if fits else torch.empty(0)
    if not fits:
        columns = "groups" if key.startswith("groups") else "units"
        raise StoreError(f"it is damaged: '{key}' is not {shape[0]} targets x {shape[1]} {columns}")
    return found
