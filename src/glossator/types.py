"""The result types every room shares: units, targets, estimates, explanations.

An `Explanation` is what the user keeps: for every target (an explained output) and every unit
(a word, token, sentence or span of the text) a signed score, its standard error, what it cost
and where it came from. Scores are NaN in memory, null on disk, where a unit cannot act on a
target: it comes after it, is part of it, or is held fixed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor

Part = Literal["prompt", "continuation"]

SCHEMA = "glossator.explanation/1"

Tree = int | tuple[Any, ...]
"""A player by number, or a phrase: a tuple of trees."""

OOD_FACTOR = 2.0
"""How many times more surprising than in the whole text the words of an input may be."""

Verdict = Literal["explained", "unexplained", "unsure"]

Reason = Literal[
    "decisive", "unmoved", "chance", "spread", "unconfirmed", "few units", "unmeasured"
]
"""Why a verdict is as it is; docs/trust.md has the rule."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A span of the text that is kept or removed as one.

    Attributes:
        text: the characters, without surrounding white space.
        start, end: character offsets into prompt + continuation.
        tokens: the token ids of the unit; the units' ids in order are the whole sequence. For
            models that are given text these are its characters, by code point.
        player: False for what is shown but held fixed (special and template tokens).
        part: whether it belongs to the prompt or the continuation.
    """

    text: str
    start: int
    end: int
    tokens: tuple[int, ...]
    player: bool
    part: Part


@dataclass(frozen=True, slots=True)
class Target:
    """One explained output: a generated token, word or sequence, or a class.

    Attributes:
        text: the characters (or the class name, or "A − B" for a contrast).
        start, end: character offsets into prompt + continuation (both 0 for a class).
        tokens: the token ids (the class index for a class).
        value: the readout with every unit present.
    """

    text: str
    start: int
    end: int
    tokens: tuple[int, ...]
    value: float


class Numbers(tuple[int, ...]):
    """Players by number, in the notes of an `Attribution`; units by number in an `Explanation`."""


@dataclass(frozen=True, eq=False, slots=True)
class Groups:
    """Scores of sets of players (in an `Attribution`) or of units (in an `Explanation`).

    Attributes:
        kind: "phrases", whose score is what the phrase contributes, or "pairs", whose score is
            how much the two do together beyond what each does without the other.
        members: each set, as numbers in ascending order.
        scores: [targets groups]; positive = the group raises the target's readout. NaN where
            not all members of a pair, or none of a phrase, can act on the target.
        stderr: standard error of each score, same shape; None when nothing was sampled.
    """

    kind: Literal["phrases", "pairs"]
    members: tuple[Numbers, ...]
    scores: Float[Tensor, "targets groups"]
    stderr: Float[Tensor, "targets groups"] | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """What an attribution method returns, over players only.

    Attributes:
        scores: [targets players]; positive = the player raises the target's readout.
            NaN where the player cannot act on the target.
        stderr: standard error of each score, same shape; None when nothing was sampled.
        dof: degrees of freedom of `stderr` (Student's t); None for a normal interval.
        notes: what else the method measured (samples drawn, completeness gap): JSON values,
            and `Numbers` where they name players. A `caveat` is shown with the scores; a `unit`
            is theirs where it is not the readout's ("share", "logit").
        groups: scores of sets of players, where the method has them.
    """

    scores: Float[Tensor, "targets players"]
    stderr: Float[Tensor, "targets players"] | None = None
    dof: int | None = None
    notes: dict[str, Any] = field(default_factory=dict)
    groups: Groups | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number and the interval it lies in.

    Attributes:
        value: the estimate.
        low, high: ends of its interval.
        level: confidence of the interval.

    Example:
        >>> snr = Estimate(0.5, 0.2, 0.9)
        >>> float(snr), str(snr)
        (0.5, '0.5 [0.2, 0.9]')
    """

    value: float
    low: float
    high: float
    level: float = 0.95

    def __float__(self) -> float:
        return self.value

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


@dataclass(frozen=True, slots=True)
class Controlled:
    """What an order of units does to a target, beside what random orders do.

    Attributes:
        value: with the units in order of their scores; in the readout's measure.
        control: the mean over random orders.
        low, high: between them lie 95% of the differences to a single random order. Where 0 is
            not between them, the order is hardly a random one.
    """

    value: float
    control: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TargetTrust:
    """How far the scores of one target can be believed.

    Attributes:
        verdict: whether they explain the target. reason: the step of the rule that decided.
        decisive: in a `Trust` of players, players; in that of an `Explanation`, units, the largest
            score first: those without which half of what the target owes to the input is gone,
            each alone or the fewest together. Empty where there are none.
        explainability: in nats: how well one drawn output tells the whole input from a
            perturbed one, at most. Below 0.03 the input does not move the target.
        comprehensiveness: fall of the readout without the units of largest score, averaged over
            shares of the units; sufficiency: fall of the readout with these alone. None where
            they were not measured.
        p_value: how often shuffled scores agree as well with what units add in random orders, or
            to all others;
            NaN never, None where there is nothing to shuffle.
        without, alone: the readout without the decisive units, and with them alone.
        noise: standard errors by size of the scores (root mean squares); None where nothing was
            sampled, or all scores are 0.
    """

    verdict: Verdict
    reason: Reason
    decisive: Numbers
    explainability: float
    comprehensiveness: Controlled | None = None
    sufficiency: Controlled | None = None
    p_value: float | None = None
    without: float | None = None
    alone: float | None = None
    noise: float | None = None


@dataclass(frozen=True, slots=True)
class Trust:
    """How far an explanation can be believed, measured.

    Attributes:
        targets: one entry for each.
        completeness_gap: largest difference between a row of scores summed and full - empty, in
            the readout's measure; None where scores are not in it.
        ood_rate: share of looked-at inputs of the method whose remaining words the model finds
            more than `OOD_FACTOR` times as surprising as in the whole text (negative
            log-likelihood); None where the model does not tell.
        removal_agreement: rank correlation of the scores with those under another removal, a
            mean over targets; None unless it was asked for. other_removal: which.
        rows: forward rows that all this took, beyond those of the method.
        orders: random orders behind the controls. shares: of the units, removed or kept.
    """

    targets: tuple[TargetTrust, ...]
    completeness_gap: float | None
    ood_rate: float | None
    rows: int
    orders: int
    shares: tuple[float, ...]
    removal_agreement: float | None = None
    other_removal: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What an explanation cost.

    Attributes:
        forward_rows: distinct token rows the model was asked about.
        backward_rows: vector-Jacobian products, counted per row of the batch.
        token_positions: token positions computed in forward passes (shared prefixes once).
        seconds: wall-clock time.
        peak_memory_bytes: peak resident memory of the process, or of the GPU when one is used.
    """

    forward_rows: int = 0
    backward_rows: int = 0
    token_positions: int = 0
    seconds: float = 0.0
    peak_memory_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything needed to make the same numbers again. No time stamps: same seed, same record.

    Attributes:
        method: registered name. parameters: its keyword arguments, as used.
        readout: name of the readout; measure: its unit in words ("nats", "probability", ...).
        removal: how an absent unit was represented. units, target_units: kinds asked for.
        seed: seed of the estimator; None when nothing was drawn. generation: how the
            continuation came about ({"mode": "given"} or {"mode": "sample", ...}).
        model: {"name", "revision", "architecture", "parameters", "dtype", "device",
            "attention", "weights_sha256"?}.
        tokenizer: {"class", "sha256"}.
        engine: "trie" or "batched", with the reason for the latter.
        versions: {"glossator", "torch", "transformers", "python", "words"}: the last names the
            rules that cut the text into words.
        notes: what the method measured besides the scores (samples, completeness gap).
    """

    method: str
    parameters: dict[str, Any]
    readout: str
    measure: str
    removal: str
    units: str
    target_units: str
    seed: int | None
    generation: dict[str, Any]
    model: dict[str, Any]
    tokenizer: dict[str, Any]
    engine: str
    versions: dict[str, str]
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why a model said what it said: signed scores of every unit for every target.

    Attributes:
        prompt, continuation: the text; offsets of units and targets point into their sum.
        units: every span of the text in order, players and fixed ones.
        targets: the explained outputs.
        scores: [targets units], in `provenance.measure`; positive = the unit raises the
            target's readout; NaN where the unit cannot act on the target.
        stderr: standard errors of the same shape; None when nothing was sampled.
        dof: degrees of freedom of `stderr`; None for normal intervals.
        full, empty: [targets], the readout with all and with no players.
        trust: how far the scores can be believed; None where it was not measured.
        groups: scores of sets of units (phrases, pairs), where the method has them; their
            intervals have the same `dof`.

    Example:
        >>> from glossator import explain
        >>> why = explain("Mia and Tom went to the park. Tom gave the kite to",
        ...               max_new_tokens=1, method="leave_one_out")
        >>> why.scores.shape == (len(why.targets), len(why.units))
        True
    """

    prompt: str
    continuation: str
    units: tuple[Unit, ...]
    targets: tuple[Target, ...]
    scores: Float[Tensor, "targets units"]
    stderr: Float[Tensor, "targets units"] | None
    dof: int | None
    full: Float[Tensor, " targets"]
    empty: Float[Tensor, " targets"]
    cost: Cost
    provenance: Provenance
    trust: Trust | None = None
    groups: Groups | None = None

    @property
    def text(self) -> str:
        """Prompt and continuation, the string that all offsets point into."""
        return self.prompt + self.continuation

    def half_width(self, level: float = 0.95) -> Float[Tensor, "targets units"] | None:
        """Half-width of the two-sided interval of each score; None when nothing was sampled.

        Args:
            level: confidence, between 0 and 1.

        Returns:
            [targets units], same unit as the scores.
        """
        if self.stderr is None:
            return None
        return self.stderr * interval_factor(level, self.dof)

    def save(self, path: str | Path) -> Path:
        """Write one JSON file (large ones: JSON and safetensors beside it); see `glossator.load`.

        Raises:
            StoreError: the folder does not exist or cannot be written.
        """
        # Notebooks and scripts expect methods here; the rooms above are entered only when called.
        from glossator.store import save

        return save(self, path)

    def _repr_html_(self) -> str:
        from glossator.render import to_html

        page: str = to_html(self, standalone=False)
        return page

    def __str__(self) -> str:
        from glossator.render import to_text

        text: str = to_text(self)
        return text


@dataclass(frozen=True, eq=False)
class AttentionView:
    """What each attention head reads to say each generated word: shares, not effects.

    Attributes:
        prompt, continuation: the text; offsets of units and targets point into their sum.
        units: every span of the text in order.
        targets: the generated words (or classes), with their log-probability.
        shares: [targets layers heads units], 0 to 1: attention from the positions a target is
            read from (their mean) to the tokens of a unit (their sum); a head's sum to 1.
        entropy: [targets layers heads] of a head's shares, in nats: 0 where it reads one unit,
            the logarithm of their number where it reads all alike.
        first_token: [targets layers heads] the share of the first token, where heads look that
            have nothing to do.
        caveat: what to mind; every view shows it.
        provenance: model, tokenizer, generation, units and versions.
    """

    prompt: str
    continuation: str
    units: tuple[Unit, ...]
    targets: tuple[Target, ...]
    shares: Float[Tensor, "targets layers heads units"]
    entropy: Float[Tensor, "targets layers heads"]
    first_token: Float[Tensor, "targets layers heads"]
    caveat: str
    provenance: dict[str, Any]

    @property
    def text(self) -> str:
        """Prompt and continuation, the string that all offsets point into."""
        return self.prompt + self.continuation

    def save(self, path: str | Path) -> Path:
        """Write the view as JSON, schema `glossator.attention/1`.

        Raises:
            StoreError: the folder does not exist or cannot be written.
        """
        from glossator.store import save_attention

        return save_attention(self, path)

    def _repr_html_(self) -> str:
        from glossator.render import attention_html

        page: str = attention_html(self, standalone=False)
        return page


def interval_factor(level: float = 0.95, dof: int | None = None) -> float:
    """How many standard errors a two-sided interval reaches to each side.

    Args:
        level: confidence, between 0 and 1.
        dof: degrees of freedom of Student's t; None for the normal distribution.

    Example:
        >>> round(interval_factor(0.95), 2), round(interval_factor(0.95, 7), 2)
        (1.96, 2.36)
    """
    from scipy.special import ndtri, stdtrit

    tail = 0.5 + level / 2
    return float(ndtri(tail) if dof is None else stdtrit(dof, tail))


def undefined(shape: tuple[int, ...]) -> Tensor:
    """A float64 tensor of NaN: scores before any is known."""
    return torch.full(shape, math.nan, dtype=torch.float64)
