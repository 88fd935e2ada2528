"""What every test relies on: shapes checked at run time, no network, as many threads as told."""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path

# Set before transformers is imported: it reads the variable once.
os.environ["HF_HUB_OFFLINE"] = "1"

from jaxtyping import install_import_hook

# Every annotation of the package is checked by beartype on each call; jaxtyping's are shapes.
# Not so in cli, which holds no tensor: typer hands its commands a context of another class than
# the typer.Context that it asks them to declare.
PACKAGE = Path(__file__).parents[1] / "src" / "glossator"
ROOMS = [found.name for found in pkgutil.iter_modules([str(PACKAGE)]) if found.name != "cli"]
install_import_hook([f"glossator.{room}" for room in ROOMS], "beartype.beartype")

import pytest  # noqa: E402  (after the variable and the hook, as above)
import torch  # noqa: E402

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))

# A package of its own, which the plug-in test installs: to import it here registers its method.
collect_ignore = ["plugin_package"]


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Sums of several threads may differ in their last digits with how the work was cut."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)
