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
FLOOR = {"probability": 0.02, "share": 0.02, "similarity": 0.02}
DEFAULT_FLOOR = 0.1

READOUTS = {
    "logprob": "log-probability",
    "logit": "logit",
    "margin": "logit margin",
    "entropy": "entropy",
    "kl": "KL divergence",
}
VERDICTS = {"explained": "✓", "unexplained": "✗", "unsure": "?"}
REASONS = {
    "unmoved": "No {noun} moves {name} beyond noise.",
    "chance": "Unexplained: the scores of {name} are no better than shuffled ones.",
    "spread": "Unsure: the scores of {name} beat shuffled ones, but no few {noun}s carry half.",
    "unconfirmed": "Unsure: {name} hangs on the top {noun}s, but shuffled scores often fit too.",
    "few units": "Unsure: {name} has too few {noun}s to tell right scores from lucky ones.",
    "unmeasured": "Unsure: {name} was not measured; --trust full has no bound on the rows.",
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


@dataclass(frozen=True, slots=True)
class Set:
    """A phrase or a pair among those of a target.

    Attributes:
        label: its words. score: signed. half: half-width of the 95% interval, 0 when exact.
    """

    label: str
    score: float
    half: float


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
        floor = FLOOR.get(self.unit, DEFAULT_FLOOR)
        finite = np.abs(self.scores[np.isfinite(self.scores)])
        self.scale = float(max(floor, finite.max(initial=0.0)))
        self.decimals = min(4, max(0, 2 - math.floor(math.log10(self.scale))))

    @property
    def unit(self) -> str:
        """The unit of the scores, which need not be the readout's: shares, logits."""
        provenance = self.explanation.provenance
        return str(provenance.notes.get("unit", provenance.measure))

    @property
    def shares(self) -> bool:
        """Whether the scores are shares of something, without a sign, and no effects."""
        return self.unit == "share"

    @property
    def raised(self) -> str:
        """What a positive score raises."""
        provenance = self.explanation.provenance
        if self.unit == "logit" and provenance.measure != "logit":
            return "logit"
        return READOUTS.get(provenance.readout, provenance.readout)

    @property
    def caveat(self) -> str | None:
        """What to mind about the scores, as a sentence; None where the method names nothing."""
        caveat = self.explanation.provenance.notes.get("caveat")
        return f"Mind: {visible(str(caveat))}." if caveat else None

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

    def sets(self, target: int) -> list[Set]:
        """Phrases or pairs of a target whose interval does not contain 0, largest first.

        The whole text is none of them: its score is what the words have to share.
        """
        groups = self.explanation.groups
        if groups is None:
            return []
        stderr = groups.stderr if groups.stderr is not None else groups.scores * 0
        found = [
            Set(self._words(member), float(score), self.factor * float(error))
            for member, score, error in zip(
                groups.members, groups.scores[target], stderr[target], strict=True
            )
            if groups.kind == "pairs" or len(member) < len(self.columns)
        ]
        certain = [each for each in found if abs(each.score) > each.half]
        return sorted(certain, key=lambda each: -abs(each.score))

    def _words(self, member: tuple[int, ...]) -> str:
        groups, units = self.explanation.groups, self.explanation.units
        if groups and groups.kind == "pairs":
            return " × ".join(self.names[unit] for unit in member)
        if member[-1] - member[0] == len(member) - 1:
            return visible(self.explanation.text[units[member[0]].start : units[member[-1]].end])
        return " … ".join(self.names[unit] for unit in member)

    def level(self, target: int, unit: int) -> int:
        """How strongly a score is coloured, 0 to 8; 0 within its interval or when undefined."""
        if self.uncertain[target, unit] or not math.isfinite(self.scores[target, unit]):
            return 0
        return round(8 * abs(float(self.scores[target, unit])) / self.scale)

    @cached_property
    def names(self) -> list[str]:
        """Labels of the units; a repeated one carries the number of its occurrence."""
        return numbered([self.label(unit) for unit in self.explanation.units])

    def signed(self, score: float) -> str:
        """A score with its sign, if it can have one, in the decimals that the scale deserves."""
        number = signed(score, self.decimals)
        return number.removeprefix("+") if self.shares else number

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
        """What a number means, how it was measured, what it cost, and what to mind."""
        e, noun = self.explanation, self.noun
        meaning = [f"Scores in {self.unit}: + the {noun} raises the {self.raised}, − lowers it"]
        if self.shares:
            meaning = [f"Scores are shares, 0 to 1, that go to the {noun}: no sign, no effect"]
        if self.sampled:
            meaning += ["± 95% interval", "~ the interval contains 0"]
        meaning += ["= tied", f"word₂ the second such {noun}"]
        rows = f"{e.cost.forward_rows:,} forward rows"
        if e.cost.backward_rows:
            rows += f", {e.cost.backward_rows:,} backward rows"
        cost = f"{rows}, {e.cost.token_positions:,} token positions, {e.cost.seconds:.1f} s"
        lines = ["; ".join(meaning) + ".", " · ".join(self.facts()) + ".", f"Cost: {cost}."]
        return lines + [line for line in (self.trust_line(), self.caveat) if line]

    def mark(self, target: int) -> str:
        """The verdict on a target as one sign; nothing where trust was not measured."""
        trust = self.explanation.trust
        return "" if trust is None else VERDICTS[trust.targets[target].verdict]

    def decisive(self, target: int) -> list[str]:
        """The names of the units that explain a target; none where nothing does or says so."""
        trust = self.explanation.trust
        found = () if trust is None else trust.targets[target].decisive
        return [self.names[unit] for unit in found]

    def verdict(self, target: int) -> str | None:
        """The verdict on a target as a sentence; None where trust was not measured."""
        trust, one = self.explanation.trust, self.explanation.targets[target]
        if trust is None:
            return None
        found, name, noun = trust.targets[target], f"“{self.label(one)}”", self.noun
        if found.verdict != "explained":
            return REASONS[found.reason].format(name=name, noun=noun)
        words = self.decisive(target)
        many = f"{len(words)} {noun}{'s' if len(words) > 1 else ''}"
        sentence = f"{name} is explained by {many}: {', '.join(words)}."
        if found.without is None or found.alone is None:
            return sentence
        whole, without, alone = (
            self.amount(one, value) for value in (one.value, found.without, found.alone)
        )
        return f"{sentence} From {whole} to {without} without, {alone} with nothing else."

    def amount(self, target: Target, value: float) -> str:
        """A readout of a target in a few characters: "3.1%", "−1.20 nats"."""
        if self.is_log_probability(target):
            return percent(math.exp(value))
        measure = self.explanation.provenance.measure
        return percent(value) if measure == "probability" else f"{signed(value, 2)} {measure}"

    def trust_line(self) -> str | None:
        """What was measured about all targets; None where trust was not measured."""
        trust = self.explanation.trust
        if trust is None:
            return None
        explained = sum(each.verdict == "explained" for each in trust.targets)
        parts = [f"{explained} of {len(trust.targets)} explained ({VERDICTS['explained']})"]
        for name in ("comprehensiveness", "sufficiency"):
            found = [each for t in trust.targets if (each := getattr(t, name)) is not None]
            if found:
                value = sum(each.value for each in found) / len(found)
                control = sum(each.control for each in found) / len(found)
                parts.append(f"{name} {signed(value, 2)}, in random order {signed(control, 2)}")
        if trust.ood_rate is not None:
            parts.append(f"{percent(trust.ood_rate)} of inputs surprise the model")
        if trust.removal_agreement is not None:
            agreement = signed(trust.removal_agreement, 2)
            parts.append(f"rank correlation with removal {trust.other_removal} {agreement}")
        return f"Trust: {'; '.join(parts)}; {trust.rows:,} rows."

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


def numbered(labels: list[str]) -> list[str]:
    """Labels of which a repeated one carries the number of its occurrence.

    Example:
        >>> numbered(["Tom", "saw", "Tom"])
        ['Tom₁', 'saw', 'Tom₂']
    """
    total, seen = Counter(labels), Counter[str]()
    names = []
    for label in labels:
        seen[label] += 1
        names.append(label + (subscript(seen[label]) if total[label] > 1 else ""))
    return names


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
