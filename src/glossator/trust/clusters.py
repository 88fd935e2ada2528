"""Do the runs fall into groups that each have an explanation of their own?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.cluster.hierarchy import fcluster, linkage

from glossator.errors import InputError
from glossator.trust.moments import Array
from glossator.trust.signal import Stability, stability, table

PERMUTATIONS = 199


@dataclass(frozen=True, eq=False)
class Clusters:
    """Runs in clusters of similar explanations.

    Attributes:
        labels: [runs] the cluster of each, from 0, in order of first appearance.
        share: of the noise that lies between clusters. Clustering finds some in any noise:
        by_chance: the share to be expected if words varied independently of each other.
        p_value: how often chance gives as large a share.
        within: signal and noise within each cluster; None for one of a single run.
    """

    labels: Int[Array, " runs"]
    share: float
    by_chance: float
    p_value: float
    within: tuple[Stability | None, ...]


def clusters(
    relevances: Any,
    count: int = 2,
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
    **options: Any,
) -> Clusters:
    """Split runs into clusters by Ward's criterion, and say whether that is more than chance.

    Models that differ in their seed alone may have found different ways to be right. Then what
    looks like noise around one mean is signal around several.

    Args:
        relevances: [runs words], as for `stability`.
        count: of clusters, 2 or more.
        permutations: of the runs, in each word by itself: they keep how much a word varies, and
            destroy what words have in common.
        seed: of the permutations.
        options: further arguments of `stability`, for the clusters.

    Raises:
        InputError: fewer than 2 clusters, not more runs than clusters, or as for `stability`.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> ways = rng.normal(size=(2, 30))
        >>> found = clusters(np.repeat(ways, 5, axis=0) + 0.3 * rng.normal(size=(10, 30)))
        >>> found.labels.tolist(), found.p_value
        ([0, 0, 0, 0, 0, 1, 1, 1, 1, 1], 0.005)
    """
    values, _ = table(relevances)
    if not 2 <= count < len(values):
        raise InputError(f"got {len(values)} runs for {count} clusters: give 2 or more, below that")
    labels, share = _split(values, count)
    generator = np.random.default_rng(seed)
    drawn = [_split(generator.permuted(values, axis=0), count)[1] for _ in range(permutations)]
    as_large = sum(each >= share - 1e-12 for each in drawn)
    members = [values[labels == label] for label in range(labels.max() + 1)]
    return Clusters(
        labels=labels,
        share=share,
        by_chance=float(np.mean(drawn)),
        p_value=(1 + as_large) / (1 + permutations),
        within=tuple(stability(each, **options) if len(each) > 1 else None for each in members),
    )


def _split(values: Float[Array, "runs words"], count: int) -> tuple[Int[Array, " runs"], float]:
    """Labels, and the share of the noise that lies between the clusters."""
    found = fcluster(linkage(values, "ward"), count, criterion="maxclust")
    _, first, numbers = np.unique(found, return_index=True, return_inverse=True)
    labels = np.argsort(np.argsort(first))[numbers.ravel()]
    total = ((values - values.mean(0)) ** 2).sum()
    inside = sum(
        ((values[labels == label] - values[labels == label].mean(0)) ** 2).sum()
        for label in range(labels.max() + 1)
    )
    return labels, float(1 - inside / total) if total > 0 else 0.0
