"""How far results can be trusted: does a game bear the scores out, and would other runs agree?"""

from glossator.trust.alternatives import Multivariate, higher_order, multivariate
from glossator.trust.block import measure, prepare
from glossator.trust.clusters import Clusters, clusters
from glossator.trust.explainability import form_of
from glossator.trust.pooled import Pooled, pool
from glossator.trust.signal import Stability, stability
from glossator.trust.variance_table import Component, VarianceTable, variance_table

__all__ = [
    "Clusters",
    "Component",
    "Multivariate",
    "Pooled",
    "Stability",
    "VarianceTable",
    "clusters",
    "form_of",
    "higher_order",
    "measure",
    "multivariate",
    "pool",
    "prepare",
    "stability",
    "variance_table",
]
