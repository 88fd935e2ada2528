"""Every kind of tokenizer, made once."""

from __future__ import annotations

import pytest
from tests.text.vocabularies import KINDS
from transformers import PreTrainedTokenizerBase


@pytest.fixture(scope="session")
def tokenizers() -> dict[str, PreTrainedTokenizerBase]:
    return {kind: make() for kind, make in KINDS.items()}
