"""Variants of a model: the model itself is left as it was."""

from __future__ import annotations

import pytest
import torch

import glossator
from glossator.errors import InputError
from glossator.model.variants import in_precision, thinned
from tests.run.small_models import small


def logits(model: glossator.LanguageModel, rows: int = 1) -> torch.Tensor:
    ids = torch.arange(10, 22).expand(rows, -1)
    with model.inference():
        return model.logits(ids, None, torch.ones_like(ids))


def test_thinning_drops_the_same_features_in_every_row() -> None:
    model = small("classifier", "gpt2")
    plain = logits(model)
    with thinned(model, 1):
        one, many = logits(model), logits(model, rows=3)
    with thinned(model, 2):
        other = logits(model)
    assert not torch.allclose(plain, one) and not torch.allclose(one, other)
    assert torch.allclose(one.expand_as(many), many, atol=1e-5)
    assert torch.equal(logits(model), plain)


def test_thinning_keeps_the_mean() -> None:
    layer = torch.nn.Dropout(0.25)
    hf = torch.nn.Sequential(layer).eval()
    model = glossator.LanguageModel(hf, None, "causal", "a layer")
    total = torch.zeros(1, 8)
    for seed in range(2000):
        with thinned(model, seed):
            found = hf(torch.ones(1, 8))
        assert ((found == 0) | (found - 4 / 3).abs().lt(1e-6)).all()
        total += found
    assert torch.allclose(total / 2000, torch.ones(1, 8), atol=0.06)


def test_hooks_go_when_something_fails() -> None:
    model = small("classifier", "gpt2")
    with pytest.raises(RuntimeError), thinned(model, 0):
        raise RuntimeError
    assert not any(module._forward_hooks for module in model.hf.modules())


def test_a_model_without_dropout_is_refused() -> None:
    with pytest.raises(InputError, match="no dropout layer"), thinned(glossator.load_model(), 0):
        pass


def test_a_precision_is_that_of_a_copy() -> None:
    model = small("classifier", "gpt2")
    half = in_precision(model, "bfloat16")
    assert (half.dtype, model.dtype) == (torch.bfloat16, torch.float32)
    assert in_precision(model, "float32") is model
    with pytest.raises(InputError, match="float32, bfloat16, float16"):
        in_precision(model, "auto")
