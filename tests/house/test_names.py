"""The front door: what `import glossator` offers is exactly what `__all__` says."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import glossator

OFFERED = {
    "__version__",
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
}


def test_all_is_exact() -> None:
    assert set(glossator.__all__) == OFFERED
    assert len(glossator.__all__) == len(OFFERED)


def test_every_name_is_there_and_documented() -> None:
    for name in OFFERED - {"__version__"}:
        assert getattr(glossator, name).__doc__, name


def test_no_name_is_also_that_of_a_room() -> None:
    """Importing the room would put the module in the place of the function."""
    rooms = {found.name for found in pkgutil.iter_modules(glossator.__path__)}
    assert rooms & set(glossator.__all__) == set()


def test_dir_shows_the_names() -> None:
    assert set(dir(glossator)) >= OFFERED


def test_the_front_door_opens_without_torch() -> None:
    """`glossator --help` and tab completion must not wait for PyTorch."""
    code = "import sys, glossator, glossator.cli; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
