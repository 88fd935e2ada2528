"""The bundled miniature: a language model of a small world whose decisive words are known."""

from pathlib import Path

from glossator.miniature.item import Item, Link
from glossator.miniature.world import generate, phenomena

__all__ = ["Item", "Link", "generate", "path", "phenomena"]


def path() -> Path:
    """The folder of the bundled model, for `AutoModelForCausalLM` and `AutoTokenizer`.

    Example:
        >>> (path() / "config.json").exists()
        True
    """
    return Path(__file__).parent / "model"
