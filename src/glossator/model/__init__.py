"""The only door to transformers: loading, running, and reading a language model."""

from glossator.model.generate import generate
from glossator.model.language_model import LanguageModel
from glossator.model.load import load_model

__all__ = ["LanguageModel", "generate", "load_model"]
