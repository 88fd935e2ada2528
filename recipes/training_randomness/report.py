"""The case study as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
from recipes.training_randomness.families import FAMILIES
from recipes.training_randomness.measures import DEFINITIONS, Measured, measure
from recipes.training_randomness.relevances import Runs
from recipes.training_randomness.texts import Corpus
from scipy.stats import wilcoxon

from glossator.types import Estimate

LEAD = """\
Classifiers of sentiment that differ in nothing but one source of randomness explain the same texts.
What their explanations share is the **signal**, how they differ is the **noise** (Bogaert and
Standaert 2024, [arXiv 2403.10275](https://arxiv.org/abs/2403.10275)). There, a transformer made
more noise and less signal than a linear model on named linguistic features, at the same accuracy.
Does that hold here?

Every transformer (2 layers, width 64) starts from weights of its own and sees the texts in an order
of its own; every linear model, on words and pairs of neighbouring words, is fitted to a bootstrap
sample, or by descent in an order of its own. Punctuation is no feature; transformers see it.
Relevance is for the log odds of "positive". For a linear model, LRP and integrated gradients are
the method `linear`. The relevances of a run and text are scaled to mean square 1, so that signal
and noise of the families are in the same unit. Signal and noise are means over texts, SNR is their
ratio; "two runs" is the correlation that two runs are expected to have, "for 0.9" how many runs
must be averaged for a reliability of 0.9. Intervals (95%) are over texts and runs (two jackknives).

Both alternative definitions stand below the plain one: *pairs of words* (what two neighbours score
together; covariance over runs counts) and *spread* (how much a word varies over runs is the signal;
[more](../stability.md)).
"""

Key = tuple[str, str, str, str]
"""Length, definition, family, method."""


def tables(runs: dict[str, Runs]) -> dict[Key, Measured]:
    """Everything measured; alternative definitions for the first method of each family only."""
    found = {}
    for family, of_family in runs.items():
        main = next(iter(FAMILIES[family].methods))
        for (length, method), texts in of_family.relevances.items():
            for definition in DEFINITIONS if method == main else ("words",):
                found[length, definition, family, method] = measure(texts, definition)
    return dict(sorted(found.items(), key=_order))


def _order(item: tuple[Key, Measured]) -> tuple[bool, int]:
    length, definition, *_ = item[0]
    return length != "short", list(DEFINITIONS).index(definition)


def section(corpus: Corpus, runs: dict[str, Runs], found: dict[Key, Measured]) -> list[str]:
    """Tables of one corpus, and what they say."""
    count = len(next(iter(runs.values())).accuracy)
    minutes = sum(sum(each.seconds) for each in runs.values()) / 60
    lines = [
        f"## {corpus.name}\n",
        f"{len(corpus.train):,} texts to train on, {len(corpus.test):,} to measure accuracy on, "
        f"{count} runs of each family; {minutes:.0f} minutes of one core.\n",
        "| family | differs in | accuracy | least | most |",
        "|---|---|---:|---:|---:|",
    ]
    for family, each in runs.items():
        numbers = (np.mean(each.accuracy), min(each.accuracy), max(each.accuracy))
        cells = " | ".join(f"{number:.3f}" for number in numbers)
        lines.append(f"| {family} | {FAMILIES[family].differs} | {cells} |")
    lines += [
        "",
        "| texts | definition | family | method | signal | noise | SNR | two runs | for 0.9 |",
        "|---|---|---|---|---:|---:|---:|---:|---:|",
        *(_row(key, each) for key, each in found.items()),
    ]
    dropped = sum(each.dropped for each in found.values())
    lines += ["", f"Left out, having no relevance at all in some run: {dropped} texts.", ""]
    return [*lines, in_short(found), *verdicts(found), ""]


def _row(key: Key, each: Measured) -> str:
    length, definition, family, method = key
    snr = each.snr.value
    needed = f"{int(np.ceil(9 / snr)):,}" if snr > 0 else "∞"
    found = (each.signal, each.noise, each.snr, each.correlation)
    numbers = " | ".join(str(number) for number in found)
    texts = f"{length} ({len(each.by_text)})"
    return f"| {texts} | {definition} | {family} | {method} | {numbers} | {needed} |"


def in_short(found: dict[Key, Measured]) -> str:
    """How often the order of the families is the paper's, by definition."""
    by_definition: dict[str, Counter[str]] = {}
    for (_, definition), ours, _, theirs in _compared(found):
        by_definition.setdefault(definition, Counter())[holds(theirs, ours)] += 1
    said = [
        f"by *{definition}* it "
        + ", ".join(f"{verdict} in {n} of {counts.total()}" for verdict, n in counts.most_common())
        for definition, counts in by_definition.items()
    ]
    return f"**In short**, of the paper's order: {'; '.join(said)} comparisons.\n"


def verdicts(found: dict[Key, Measured]) -> Iterator[str]:
    """Whether the order of the families is the paper's, for each length and definition."""
    for (length, definition), ours, family, theirs in _compared(found):
        shared = sorted(ours.by_text.keys() & theirs.by_text.keys())
        apart = [theirs.by_text[text] - ours.by_text[text] for text in shared]
        p_value = float(wilcoxon(apart).pvalue)
        yield (
            f"- {length} texts, {definition}: {family}, against the transformer's LRP: "
            f"{_against('signal', theirs.signal, ours.signal)}, "
            f"{_against('noise', theirs.noise, ours.noise)}; the ratio is higher in "
            f"{sum(each > 0 for each in apart)} of {len(apart)} texts (Wilcoxon, for these "
            f"runs, p = {p_value:.2g}). The paper's order **{holds(theirs, ours)}**."
        )


def _compared(
    found: dict[Key, Measured],
) -> Iterator[tuple[tuple[str, str], Measured, str, Measured]]:
    """Length and definition, the transformer's LRP, a family of linear models, and its own."""
    transformer, *linear = FAMILIES
    for length, definition in dict.fromkeys(key[:2] for key in found):
        for family in linear:
            ours = found[length, definition, transformer, "lrp"]
            yield (length, definition), ours, family, found[length, definition, family, "linear"]


def _against(what: str, theirs: Estimate, ours: Estimate) -> str:
    word = "more" if theirs.value > ours.value else "less"
    return f"{word} {what} ({theirs.value:.2f}, {ours.value:.2f})"


def holds(features: Measured, transformer: Measured) -> str:
    """More signal and less noise, both beyond the intervals; or the other way round."""
    if _above(features.signal, transformer.signal) and _above(transformer.noise, features.noise):
        return "holds"
    if _above(transformer.signal, features.signal) and _above(features.noise, transformer.noise):
        return "is reversed"
    return "is not shown"


def _above(one: Estimate, other: Estimate) -> bool:
    return one.low > other.high
