"""How far results can be trusted: signal and noise over repeated runs, and where noise is from."""

from glossator.trust.alternatives import Multivariate, higher_order, multivariate
from glossator.trust.clusters import Clusters, clusters
from glossator.trust.signal import Stability, stability
from glossator.trust.variance_table import Component, VarianceTable, variance_table

__all__ = [
    "Clusters",
    "Component",
    "Multivariate",
    "Stability",
    "VarianceTable",
    "clusters",
    "higher_order",
    "multivariate",
    "stability",
    "variance_table",
]
