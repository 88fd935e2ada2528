"""How an explanation is read: what is decisive, what is tied, what is noise, and in which words.

Every view (terminal, page, figure) shows what is decided here.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.types import Explanation, Target, Unit, interval_factor

# Full colour stands for the largest score of the explanation, but never for less than this:
# an explanation in which nothing matters must look like one. 0.1 nats is a change of a
# probability by a tenth of itself.
FLOOR = {"probability": 0.02}
DEFAULT_FLOOR = 0.1

READOUTS = {
    "logprob": "log-probability",
    "logit": "logit",
    "margin": "logit margin",
    "entropy": "entropy",
    "kl": "KL divergence",
}
NOUNS = {"words": "word", "tokens": "token", "sentences": "sentence", "spans": "span"}


@dataclass(frozen=True, slots=True)
class Source:
    """A unit in its place among the sources of a target.

    Attributes:
        unit: its index.
        score: signed; positive = it raises the target's readout.
        half: half-width of the 95% interval; 0 when nothing was sampled, NaN when unknown.
        rank: 1 for the largest magnitude; words that cannot be told apart share a rank.
        tied: whether another word has the same rank.
        uncertain: the interval contains 0, or its width is not known.
    """

    unit: int
    score: float
    half: float
    rank: int
    tied: bool
    uncertain: bool


class Reading:
    """An explanation with its scale, its ranks and its wording.

    Args:
        explanation: what to read.

    Attributes:
        scores, half: [targets units], NaN where undefined.
        scale: the score shown in full colour and as the longest bar.
    """

    def __init__(self, explanation: Explanation) -> None:
        self.explanation = explanation
        self.scores: NDArray[np.float64] = explanation.scores.double().numpy()
        self.stderr = np.zeros_like(self.scores)
        if explanation.stderr is not None:
            self.stderr = explanation.stderr.double().numpy()
        self.factor = interval_factor(0.95, explanation.dof)
        self.half = self.factor * self.stderr
        self.uncertain = ~(np.abs(self.scores) > self.half) & (self.half != 0)
        floor = FLOOR.get(explanation.provenance.measure, DEFAULT_FLOOR)
        finite = np.abs(self.scores[np.isfinite(self.scores)])
        self.scale = float(max(floor, finite.max(initial=0.0)))
        self.decimals = min(4, max(0, 2 - math.floor(math.log10(self.scale))))

    @property
    def sampled(self) -> bool:
        """Whether the scores have standard errors."""
        return self.explanation.stderr is not None

    @cached_property
    def columns(self) -> list[int]:
        """Units that act on at least one target, in the order of the text."""
        return [int(unit) for unit in np.flatnonzero(np.isfinite(self.scores).any(axis=0))]

    def sources(self, target: int) -> list[Source]:
        """The units that act on a target, most decisive first, with shared ranks for ties.

        A unit is tied with the first one of its rank when the 95% interval of the difference
        of their magnitudes contains 0; the errors are taken as independent.
        """
        scores, stderr = self.scores[target], self.stderr[target]
        magnitude = np.abs(scores)
        order = [u for u in np.argsort(-magnitude, kind="stable") if np.isfinite(scores[u])]
        ranks: list[int] = []
        first = 0
        for place, unit in enumerate(order):
            leader = order[first]
            width = self.factor * math.hypot(stderr[unit], stderr[leader])
            # A difference below what the scores are shown with is no difference.
            if magnitude[leader] - magnitude[unit] > max(width, 1e-6 * self.scale):
                first = place
            ranks.append(first + 1)
        shared = Counter(ranks)
        return [
            Source(
                unit=int(unit),
                score=float(scores[unit]),
                half=float(self.half[target, unit]),
                rank=rank,
                tied=shared[rank] > 1,
                uncertain=bool(self.uncertain[target, unit]),
            )
            for unit, rank in zip(order, ranks, strict=True)
        ]

    def level(self, target: int, unit: int) -> int:
        """How strongly a score is coloured, 0 to 8; 0 within its interval or when undefined."""
        if self.uncertain[target, unit] or not math.isfinite(self.scores[target, unit]):
            return 0
        return round(8 * abs(float(self.scores[target, unit])) / self.scale)

    @cached_property
    def names(self) -> list[str]:
        """Labels of the units; a repeated one carries the number of its occurrence."""
        labels = [self.label(unit) for unit in self.explanation.units]
        total, seen = Counter(labels), Counter[str]()
        names = []
        for label in labels:
            seen[label] += 1
            names.append(label + (subscript(seen[label]) if total[label] > 1 else ""))
        return names

    def signed(self, score: float) -> str:
        """A score with its sign, in the decimals that the scale deserves."""
        return signed(score, self.decimals)

    def half_text(self, half: float) -> str:
        """A half-width: "±0.12", "±?" when unknown, nothing when the score is exact."""
        if not self.sampled:
            return ""
        return f"±{half:.{self.decimals}f}" if math.isfinite(half) else "±?"

    def label(self, span: Unit | Target) -> str:
        """The text of a unit or target on one line, white space and control codes visible."""
        return visible(span.text or self.explanation.text[span.start : span.end]) or "∅"

    def value(self, target: Target) -> str:
        """The readout of a target: "log p −0.21, p 81%" or "entropy 1.20 nats"."""
        provenance = self.explanation.provenance
        number = signed(target.value, 2).removeprefix("+")
        if self.is_log_probability(target):
            return f"log p {number}, p {percent(math.exp(target.value))}"
        name = READOUTS.get(provenance.readout, provenance.readout)
        unit = "" if provenance.measure == provenance.readout else f" {provenance.measure}"
        return f"{name} {number}{unit}"

    def is_log_probability(self, target: Target) -> bool:
        """Whether exp(value) is the probability of the target; not so for a contrast."""
        contrast = self.explanation.provenance.generation.get("contrast")
        return self.explanation.provenance.readout == "logprob" and not contrast

    @property
    def noun(self) -> str:
        """What one unit is called."""
        return NOUNS.get(self.explanation.provenance.units, "unit")

    def legend(self) -> list[str]:
        """What a number means, how it was measured, and what it cost."""
        e, noun = self.explanation, self.noun
        readout = READOUTS.get(e.provenance.readout, e.provenance.readout)
        meaning = [
            f"Scores in {e.provenance.measure}: + the {noun} raises the {readout}, − lowers it"
        ]
        if self.sampled:
            meaning += ["± 95% interval", "~ the interval contains 0"]
        meaning += ["= tied", f"word₂ the second such {noun}"]
        rows = f"{e.cost.forward_rows:,} forward rows"
        if e.cost.backward_rows:
            rows += f", {e.cost.backward_rows:,} backward rows"
        cost = f"{rows}, {e.cost.token_positions:,} token positions, {e.cost.seconds:.1f} s"
        return ["; ".join(meaning) + ".", " · ".join(self.facts()) + ".", f"Cost: {cost}."]

    def facts(self) -> list[str]:
        """Method, removal, samples, seed and model, each in a few words."""
        p = self.explanation.provenance
        facts = [f"Method {p.method}", f"removal {p.removal}"]
        samples: Any = p.notes.get("samples", p.parameters.get("samples"))
        if samples is not None:
            facts.append(
                f"{samples:,} samples" if isinstance(samples, int) else f"samples {samples}"
            )
        if p.seed is not None:
            facts.append(f"seed {p.seed}")
        facts.append(f"model {p.model.get('name', 'unknown')}")
        return [visible(fact) for fact in facts]


def signed(number: float, decimals: int) -> str:
    """A number with + or − (U+2212); "0.00" when it rounds to nothing, "–" when it is none.

    Example:
        >>> signed(1.234, 2), signed(-0.5, 1), signed(-0.001, 2), signed(float("nan"), 2)
        ('+1.23', '−0.5', '0.00', '–')
    """
    if not math.isfinite(number):
        return "–"
    text = f"{abs(number):.{decimals}f}"
    if float(text) == 0:
        return text
    return ("+" if number > 0 else "−") + text


def subscript(number: int) -> str:
    """A number in small digits below the line.

    Example:
        >>> "Tom" + subscript(12)
        'Tom₁₂'
    """
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def percent(probability: float) -> str:
    """A probability in per cent, with a decimal where it matters.

    Example:
        >>> percent(0.8123), percent(0.0234), percent(0.0001), percent(0.9999)
        ('81%', '2.3%', '<0.1%', '>99.9%')
    """
    if not math.isfinite(probability):
        return "–"
    if probability < 0.001:
        return "<0.1%"
    if probability > 0.999:
        return ">99.9%"
    decimals = 0 if 0.1 <= probability <= 0.9 else 1
    return f"{100 * probability:.{decimals}f}%"


def visible(text: str) -> str:
    r"""Text on one line: white space and control codes as pictures of themselves.

    Terminals obey control codes, so none may pass.

    Example:
        >>> visible("a b"), visible(" "), visible("\n\t"), visible("\x1b[31m")
        ('a b', '␠', '↵⇥', '␛[31m')
    """
    shown = "".join(_PICTURES.get(c) or (_control(c) if _hidden(c) else c) for c in text)
    return shown if shown.strip() else shown.replace(" ", "␠")


_PICTURES = {"\n": "↵", "\t": "⇥", "\r": "␍"}


def _hidden(character: str) -> bool:
    """Control codes, and the marks that reorder the text around them."""
    return unicodedata.category(character) == "Cc" or character in "\u202a\u202b\u202d\u202e\u202c"


def _control(character: str) -> str:
    return chr(0x2400 + ord(character)) if character < " " else "�"
