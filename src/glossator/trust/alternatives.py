"""Signal and noise of more than single words' means: of groups of words, and of their spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glossator.errors import InputError
from glossator.trust.signal import Stability, as_table, stability, table


@dataclass(frozen=True, eq=False)
class Multivariate:
    """Signal and noise of groups of words.

    Attributes:
        groups: of what the words of a group score together; `mean` and the others are [groups].
        apart: the noise that groups would have if their words' noises were independent.
    """

    groups: Stability
    apart: float

    @property
    def covariance(self) -> float:
        """What covariances within groups add to the noise; below 0 where they take away.

        Negative where words stand in for each other: one run gives a score to the one, another
        run to the other, and their sum is stable.
        """
        return self.groups.noise.value - self.apart


def multivariate(relevances: Any, groups: Sequence[Sequence[int]], **options: Any) -> Multivariate:
    """Signal and noise of phrases: a group's score in a run is the sum of its words'.

    The multivariate definition that Bogaert and Standaert 2024 (arXiv 2403.10275) call for: the
    noise of a sum has the covariances over runs in it, which single words do not show.

    Args:
        relevances: [runs words], as for `stability`.
        groups: word numbers of each group, at least two groups; a word is in one of them at most.
        options: further arguments of `stability`.

    Raises:
        InputError: fewer than two groups, an empty one, a number that is no word's, a word that is
            in two; or as for `stability`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> phrases, sway = np.arange(10), rng.normal(size=(20, 10))
        >>> runs = np.stack([phrases + sway, phrases - sway], axis=2).reshape(20, 20)
        >>> runs += 0.1 * rng.normal(size=(20, 20))
        >>> found = multivariate(runs, [(2 * i, 2 * i + 1) for i in range(10)])
        >>> found.groups.snr.low > 100 * stability(runs).snr.value, found.covariance < -1.5
        (True, True)
    """
    values = as_table(relevances)
    chosen = [np.asarray(list(group), dtype=np.int64) for group in groups]
    if len(chosen) < 2 or any(not len(group) for group in chosen):
        raise InputError(f"got {len(chosen)} group(s): give at least 2, of one word or more each")
    every = np.concatenate(chosen)
    if every.min() < 0 or every.max() >= values.shape[1]:
        raise InputError(f"groups name words by number, 0 to {values.shape[1] - 1}")
    if len(set(every.tolist())) < len(every):
        raise InputError("a word is in two groups: put it into one of them")
    sums = np.stack([values[:, group].sum(1) for group in chosen], axis=1)
    found = stability(sums, **options)
    variance = values.var(0, ddof=1)
    alone = np.array([variance[group].sum() for group in chosen])
    return Multivariate(found, float(alone[np.isfinite(alone)].mean()))


def higher_order(relevances: Any, **options: Any) -> Stability:
    """Signal and noise of how much each word varies: variance over runs as the signal.

    A word can matter to every run and yet have a mean near 0, if runs give it either sign. Its
    variance says so. Runs are taken in pairs, in the order given: half the squared difference of
    two runs has the word's variance as its mean, and pairs are independent of each other. The
    definitions of `stability` are applied to these, so `mean` is each word's variance over runs.

    Args:
        relevances: [runs words], as for `stability`; at least four runs. The last of an odd number
            is left out.
        options: further arguments of `stability`.

    Returns:
        Estimates in the fourth power of the scores' unit; `runs` counts pairs.

    Raises:
        InputError: fewer than four runs, or as for `stability`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> signs = np.where(rng.random((40, 30)) < 0.5, -1.0, 1.0)
        >>> strong = np.arange(30) < 5  # words that matter, with either sign
        >>> runs = strong * 3 * signs + rng.normal(size=(40, 30))
        >>> stability(runs).snr.low < 0 < higher_order(runs).snr.low
        True
    """
    values, kept = table(relevances)
    pairs = len(values) // 2
    if pairs < 2:
        raise InputError(f"got {len(values)} runs: the spread of words needs at least 4")
    first, second = values[: 2 * pairs : 2], values[1 : 2 * pairs : 2]
    squares = np.full((pairs, len(kept)), np.nan)
    squares[:, kept] = (first - second) ** 2 / 2
    return stability(squares, **options)
