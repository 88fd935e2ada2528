"""Why a language model said something, and whether that explanation can be believed.

>>> import glossator
>>> why = glossator.explain("Mia and Tom went to the park. Tom gave the kite to")
>>> why.continuation.startswith(" Mia")
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from glossator.model import FeatureModel, LanguageModel, RemoteModel, load_model
    from glossator.run.cite import Citation, cite
    from glossator.run.compare import Comparison, compare
    from glossator.run.distribution import Distribution, explain_distribution
    from glossator.run.evaluate import Item, evaluate
    from glossator.run.explain import explain
    from glossator.run.pairs import PairStudy, pairs
    from glossator.run.sampled import SampledExplanation, explain_samples
    from glossator.run.scoreboard import Evaluation
    from glossator.store import load, save
    from glossator.trust import Stability, stability
    from glossator.types import Explanation

__all__ = [
    "Citation",
    "Comparison",
    "Distribution",
    "Evaluation",
    "Explanation",
    "FeatureModel",
    "Item",
    "LanguageModel",
    "PairStudy",
    "RemoteModel",
    "SampledExplanation",
    "Stability",
    "__version__",
    "cite",
    "compare",
    "evaluate",
    "explain",
    "explain_distribution",
    "explain_samples",
    "load",
    "load_model",
    "pairs",
    "save",
    "stability",
]

_HOMES = {
    "Citation": "glossator.run",
    "Comparison": "glossator.run",
    "Distribution": "glossator.run",
    "Evaluation": "glossator.run",
    "Explanation": "glossator.types",
    "FeatureModel": "glossator.model",
    "Item": "glossator.run",
    "LanguageModel": "glossator.model",
    "PairStudy": "glossator.run",
    "RemoteModel": "glossator.model",
    "SampledExplanation": "glossator.run",
    "Stability": "glossator.trust",
    "cite": "glossator.run",
    "compare": "glossator.run",
    "evaluate": "glossator.run",
    "explain": "glossator.run",
    "explain_distribution": "glossator.run",
    "explain_samples": "glossator.run",
    "load": "glossator.store",
    "load_model": "glossator.model",
    "pairs": "glossator.run",
    "save": "glossator.store",
    "stability": "glossator.trust",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: `import glossator` itself is quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'glossator' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
