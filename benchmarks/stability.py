"""Do the intervals of signal, noise and their ratio hold the truth as often as they say?

    python -m benchmarks.stability [--problems 4000] [--out docs/design/signal-intervals.md]

Runs are simulated whose signal and noise are known, for weak and strong signals, few and many
runs, and five kinds of noise; each construction of intervals is asked about all of them.
"""

from __future__ import annotations

import argparse
import sys
from itertools import product
from pathlib import Path

import numpy as np
from tests.trust.simulated import NOISES, WORDS, known

from benchmarks.machine import made_by
from glossator.trust.moments import bounds, moments

RATIOS = (0.05, 0.5, 5.0)
RUNS = (5, 20)
CONSTRUCTIONS = ("effective", "nominal", "bootstrap")
RESAMPLED = 10  # the bootstrap is asked about one problem in so many
NAMES = ("signal", "noise", "snr")

Case = tuple[str, float, int]


def held(values: np.ndarray, ratio: float, construction: str) -> dict[str, tuple[float, float]]:
    """Share of intervals that hold the truth, and their median width over the truth."""
    truth = {"signal": ratio, "noise": 1.0, "snr": ratio}
    if construction == "bootstrap":
        each = [bounds(moments(one), construction) for one in values[::RESAMPLED]]
        ends = {name: np.array([found[name] for found in each]).T for name in NAMES}
    else:
        ends = bounds(moments(values), construction)
    return {
        name: (
            float(np.mean((low <= truth[name]) & (truth[name] <= high))),
            float(np.median(high - low)) / truth[name],
        )
        for name, (low, high) in ends.items()
    }


def bias(problems: int) -> list[str]:
    """Means of three estimates of the ratio."""
    lines = [
        "| SNR | runs | Var of means / noise | signal / noise | `snr` |",
        "|---:|---:|---:|---:|---:|",
    ]
    for ratio, runs in product(RATIOS, RUNS):
        found = moments(known(ratio, runs, problems, seed=1))
        naive = found.means / found.noise
        means = [each.mean() for each in (naive, found.signal / found.noise, found.snr)]
        cells = " | ".join(f"{mean:.3f}" for mean in means)
        lines.append(f"| {ratio} | {runs} | {cells} |")
    return lines


def coverages(problems: int) -> dict[Case, dict[str, dict[str, tuple[float, float]]]]:
    """For each kind of noise, ratio and number of runs: what each construction holds."""
    found = {}
    for noise, ratio, runs in product(NOISES, RATIOS, RUNS):
        values = known(ratio, runs, problems, noise=noise)
        found[noise, ratio, runs] = {each: held(values, ratio, each) for each in CONSTRUCTIONS}
        print(noise, ratio, runs, flush=True)
    return found


def tables(found: dict[Case, dict[str, dict[str, tuple[float, float]]]]) -> list[str]:
    """A table for each quantity: coverage by kind of noise, ratio, runs and construction."""
    lines = []
    for name, title in (("snr", "The ratio"), ("signal", "The signal"), ("noise", "The noise")):
        lines += [f"## {title}\n", "| noise | SNR | runs | " + " | ".join(CONSTRUCTIONS) + " |"]
        lines.append("|---|---:|---:|" + "---:|" * len(CONSTRUCTIONS))
        for (noise, ratio, runs), each in found.items():
            cells = [f"{each[c][name][0]:.1%} ({each[c][name][1]:.2g})" for c in CONSTRUCTIONS]
            lines.append(f"| {noise} | {ratio} | {runs} | " + " | ".join(cells) + " |")
        lines.append("")
    return lines


QUESTION = f"""\
# Intervals of signal, noise and their ratio

**Question.** A handful of runs gives scores [runs words]. Between which numbers do signal, noise
and their ratio lie? Runs are few: five trainings of a model are many.

**Simulated.** {WORDS} words whose true means have a variance of exactly the ratio in the table,
noise of variance 1, and five kinds of noise: *normal* and independent; *unequal words*, the
noisiest with four times the standard deviation of the quietest; *heavy tails*, Student's t with 5
degrees of freedom; *one pattern*, where half of the noise moves all words along one pattern;
*stretched*, where that pattern is the signal itself, so that some runs show it stronger.

**Constructions.** *Nominal*: the variance ratio of the words, F = runs x variance of the means /
noise, is noncentral F; the ends are the ratios at which an F so large, or so small, has 2.5%.
Signal and noise have chi-square intervals, combined for the difference. *Effective*: the same, with
degrees of freedom that the runs show: fewer where words move together (the ratio of traces that
corrects repeated measures for sphericity), fewer where the noise differs from run to run by more
than normal noise would. *Bootstrap*: percentiles over runs drawn again.

In each cell: how often a 95% interval holds the truth, and in brackets its median width over the
truth.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", type=int, default=4000)
    parser.add_argument("--out", type=Path, default=Path("docs/design/signal-intervals.md"))
    asked = parser.parse_args()
    command = " ".join(["python -m benchmarks.stability", *sys.argv[1:]])
    lines = [QUESTION, made_by(command), *tables(coverages(asked.problems))]
    lines += ["## Bias\n", "Means over the simulations, under normal noise.\n"]
    lines += [*bias(asked.problems), "", DECISION]
    asked.out.write_text("\n".join(lines))


DECISION = """\
## Decided

`effective` is the default. Under independent normal noise it holds the truth in 95 to 97% of cases
for all three quantities, at every ratio and number of runs, and is a few per cent wider than
`nominal`, which is exact there. It bears words of unequal noise, and most of heavy tails. `nominal`
holds half of what it says as soon as words move together.

**Where it fails.** With noise that is one pattern, or the signal itself made stronger or weaker,
`effective` holds 72 to 98% at five runs: five numbers do not tell how words move together. With 20
runs it holds 82 to 99%; the noise under heavy tails, 89 to 91%. Trainings of a model do differ in
such ways; five of them give intervals that are too short, and the page on stability says so.

The percentile bootstrap over runs holds too little at five runs under any noise: runs drawn again
are fewer different ones. It is offered, and is the best of the three for the signal where noise
follows the signal and runs are many.

`snr` takes off the bias of dividing by an estimate; the variance of the means over the noise, with
no correction, is five times a ratio of 0.05 at five runs.
"""

if __name__ == "__main__":
    main()
