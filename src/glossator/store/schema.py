"""The file format `glossator.explanation/1`, apart from the types in memory.

The format is frozen with its version; the types in memory may grow. The JSON Schema that is
published and shipped (`explanation-1.schema.json`) is generated from these classes.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from pydantic.json_schema import GenerateJsonSchema

from glossator.types import SCHEMA, Part, Reason, Verdict

Count = Annotated[int, Field(ge=0)]
Number = Annotated[float, Field(allow_inf_nan=False)] | None


class Entry(BaseModel):
    """An object of the file: no key may be missing, none added."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)


class TextEntry(Entry):
    """The text; offsets of units and targets point into prompt + continuation."""

    prompt: str
    """What the model was given."""
    continuation: str
    """What it wrote, or was asked to explain; empty for a classifier."""


class UnitEntry(Entry):
    """A span of the text that is kept or removed as one."""

    text: str
    """The characters, without surrounding white space."""
    start: Count
    """First character, counted in Unicode code points."""
    end: Count
    """One past the last character."""
    tokens: list[int]
    """Token ids; those of all units in order are the whole sequence."""
    player: bool
    """False for what is shown but never removed (special and template tokens)."""
    part: Part
    """Where it stands."""


class TargetEntry(Entry):
    """One explained output: a generated token, word or sequence, or a class."""

    text: str
    """The characters, the name of the class, or "A − B" for a contrast."""
    start: Count
    """First character, counted in Unicode code points; 0 for a class."""
    end: Count
    """One past the last character; 0 for a class."""
    tokens: list[int]
    """Token ids; the index of the class for a class."""
    value: Number
    """The readout with every unit present, in `provenance.measure`."""


class CostEntry(Entry):
    """What the explanation cost."""

    forward_rows: Count
    """Distinct token rows the model was asked about."""
    backward_rows: Count
    """Vector-Jacobian products, counted per row of the batch."""
    token_positions: Count
    """Token positions computed in forward passes; shared prefixes count once."""
    seconds: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    """Wall-clock time."""
    peak_memory_bytes: Count
    """Peak resident memory of the process, or of the GPU when one is used."""


class ProvenanceEntry(Entry):
    """Everything needed to make the same numbers again."""

    method: str
    """Registered name of the attribution method."""
    parameters: dict[str, JsonValue]
    """Its parameters, as used."""
    readout: str
    """What of the model's output was explained."""
    measure: str
    """The unit of every score, standard error and value ("nats", "probability", ...)."""
    removal: str
    """How an absent unit was represented."""
    units: str
    """Kind of units asked for."""
    target_units: str
    """Kind of targets asked for."""
    seed: int | None
    """Seed of the estimator; null when nothing was drawn."""
    generation: dict[str, JsonValue]
    """How the continuation came about."""
    model: dict[str, JsonValue]
    """Name, revision, architecture, number of parameters, dtype, device, attention."""
    tokenizer: dict[str, JsonValue]
    """Class and SHA-256."""
    engine: str
    """How the rows were computed."""
    versions: dict[str, str]
    """Versions of the software."""
    notes: dict[str, JsonValue]
    """What the method measured besides the scores."""


class TensorFile(Entry):
    """A matrix of a large explanation, kept in a file beside this one."""

    file: Annotated[str, Field(pattern=r"^[^/\\]+\.safetensors$")]
    """Name of the safetensors file, in the same folder; NaN stands for null."""
    tensor: str
    """Name of the float64 tensor in it, of the shape that the matrix would have."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of the whole file, so that files that do not belong together are noticed."""


Matrix = list[list[Number]] | TensorFile


class GroupsEntry(Entry):
    """Scores of sets of units."""

    kind: Literal["phrases", "pairs"]
    """What the sets are. The score of a phrase is what it contributes; that of a pair, how much
    the two do together beyond what each does without the other."""
    members: list[list[Count]]
    """Each set, as positions in `units`, ascending."""
    scores: Matrix
    """[targets][groups]; positive = the group raises the target's readout; null where it cannot
    act on the target."""
    stderr: Matrix | None
    """Standard error of each score; null as a whole when nothing was sampled."""


class ControlledEntry(Entry):
    """What the order of the scores does to a target, beside random orders."""

    value: Number
    """With the units in the order of their scores."""
    control: Number
    """The mean over random orders."""
    low: Number
    """Lower end of 95% of the differences to a random order."""
    high: Number
    """Upper end."""


class TargetTrustEntry(Entry):
    """How far the scores of one target can be believed."""

    verdict: Verdict
    """Whether the scores explain the target."""
    reason: Reason
    """The step of the rule that decided."""
    decisive: list[Count]
    """Positions in `units`, the largest score first; empty unless explained."""
    explainability: Number
    """In nats: how far the input moves the target."""
    comprehensiveness: ControlledEntry | None
    """Fall of the readout without the units of largest score; null where not measured."""
    sufficiency: ControlledEntry | None
    """Fall of the readout with these units alone; null where not measured."""
    p_value: Number
    """Level of significance of the scores against shuffled ones; null without players."""
    without: Number
    """The readout without the decisive units; null where there are none."""
    alone: Number
    """The readout with the decisive units alone; null where there are none."""
    noise: Number
    """Standard errors by size of the scores; null where nothing was sampled."""


class TrustEntry(Entry):
    """How far the explanation can be believed."""

    targets: list[TargetTrustEntry]
    """One entry for each target."""
    completeness_gap: Number
    """Largest difference between the sum of a row of scores and full - empty; null where scores
    are not in the readout's measure."""
    ood_rate: Number
    """Share of inputs, of those looked at, that surprise the model; null where not known."""
    rows: Count
    """Forward rows that all this took."""
    orders: Count
    """Random orders behind the controls."""
    shares: list[float]
    """Shares of the units that were removed and kept."""
    removal_agreement: Number
    """Rank correlation of the scores with those under another removal; null unless asked for."""
    other_removal: str | None
    """Which."""


class Record(Entry):
    """Why a model said what it said: signed scores of every unit for every target."""

    model_config = ConfigDict(title="glossator explanation, version 1", serialize_by_alias=True)

    schema_: Annotated[str, Field(alias="schema", json_schema_extra={"const": SCHEMA})]
    """Name and version of this format."""
    text: TextEntry
    units: list[UnitEntry]
    """Every span of the text in order, players and fixed ones."""
    targets: list[TargetEntry]
    """The explained outputs."""
    scores: Matrix
    """[targets][units]; positive = the unit raises the target's readout; null where the unit
    cannot act on the target: it comes after it, is part of it, or is held fixed."""
    stderr: Matrix | None
    """Standard error of each score, null where unknown; null as a whole when nothing was
    sampled."""
    dof: Annotated[int, Field(ge=1)] | None
    """Degrees of freedom of `stderr` (Student's t); null for normal intervals."""
    full: list[Number]
    """[targets]: the readout with all players present."""
    empty: list[Number]
    """[targets]: the readout with no player present."""
    cost: CostEntry
    provenance: ProvenanceEntry
    trust: TrustEntry | None
    """How far the scores can be believed; null where it was not measured."""
    groups: GroupsEntry | None = None
    """Scores of phrases or pairs, where the method has them; may be missing (it was added)."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a saved explanation.

    Example:
        >>> json_schema()["properties"]["schema"]["const"]
        'glossator.explanation/1'
    """
    return {
        "$schema": GenerateJsonSchema.schema_dialect,
        "$id": f"urn:{SCHEMA.replace('/', ':').replace('.', ':')}",
        **Record.model_json_schema(schema_generator=_Untitled),
    }


class _Untitled(GenerateJsonSchema):
    """Leaves out the titles that only repeat the keys."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False
