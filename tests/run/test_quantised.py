"""Quantised weights: an explanation is that of the same numbers in full precision."""

from __future__ import annotations

import copy
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, TorchAoConfig

import glossator
from glossator import miniature
from glossator.errors import ModelError
from glossator.model import LanguageModel

PROMPT = "Tom gave the kite to"
LOOK_INSIDE = ["input_x_gradient", "integrated_gradients", "lrp", "chefer", "alti_logit"]


def int8() -> Any:
    quantization = pytest.importorskip("torchao.quantization")
    return TorchAoConfig(quantization.Int8WeightOnlyConfig())


def int4() -> Any:
    quantization = pytest.importorskip("torchao.quantization")
    size = quantization.PerGroup(32)
    return TorchAoConfig(
        quantization.IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=size)
    )


def eight_bits() -> Any:
    pytest.importorskip("accelerate")
    pytest.importorskip("bitsandbytes")
    return BitsAndBytesConfig(load_in_8bit=True)


def four_bits() -> Any:
    pytest.importorskip("accelerate")
    pytest.importorskip("bitsandbytes")
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")


@cache
def plain() -> LanguageModel:
    return glossator.load_model(device="cpu")


@cache
def quantised(scheme: Callable[[], Any]) -> LanguageModel:
    hf = AutoModelForCausalLM.from_pretrained(miniature.path(), quantization_config=scheme())
    return LanguageModel(hf.eval(), plain().tokenizer, "causal", scheme.__name__)


def in_full_precision(model: LanguageModel) -> LanguageModel:
    """The plain model with the numbers that the quantised weights stand for."""
    hf = copy.deepcopy(plain().hf)
    changed = 0
    for name, module in model.hf.named_modules():
        if isinstance(module, nn.Linear) and hasattr(module.weight, "dequantize"):
            weight = module.weight.dequantize()
            if type(module.weight) is not nn.Parameter:
                changed += int(not torch.equal(weight, hf.get_submodule(name).weight))
                hf.get_submodule(name).weight = nn.Parameter(weight.detach().clone())
    assert changed > 20
    return LanguageModel(hf, model.tokenizer, "causal", "in full precision")


def explain(model: LanguageModel, **how: Any) -> glossator.Explanation:
    return glossator.explain(PROMPT, model, continuation=" Mia", **how)


@pytest.mark.parametrize("method", ["leave_one_out", *LOOK_INSIDE])
@pytest.mark.parametrize("scheme", [int8, int4])
def test_scores_are_those_of_the_numbers_that_the_weights_stand_for(
    scheme: Callable[[], Any], method: str
) -> None:
    model = quantised(scheme)
    how = {"method": method}
    found, exact = explain(model, **how), explain(in_full_precision(model), **how)
    scale = float(exact.scores.nan_to_num(0).abs().max())
    assert torch.allclose(found.scores, exact.scores, rtol=0, atol=1e-3 * scale, equal_nan=True)
    assert torch.allclose(found.full, exact.full, rtol=0, atol=1e-3)
    assert "torchao, Int" in found.provenance.model["quantization"]


@pytest.mark.parametrize("scheme", [eight_bits, four_bits])
def test_bitsandbytes_is_near_the_plain_weights(scheme: Callable[[], Any]) -> None:
    found, exact = explain(quantised(scheme)), explain(plain())
    assert int(found.scores.nan_to_num(-99).argmax()) == int(exact.scores.nan_to_num(-99).argmax())
    assert torch.allclose(found.full, exact.full, rtol=0, atol=1.0)
    assert found.provenance.model["quantization"].startswith("bitsandbytes, ")


def test_a_saved_folder_is_loaded_as_it_is(tmp_path: Path) -> None:
    model = quantised(int8)
    model.hf.save_pretrained(tmp_path)
    plain().tokenizer.save_pretrained(tmp_path)
    again = glossator.load_model(tmp_path, device="cpu")
    assert torch.equal(explain(again).scores.nan_to_num(0), explain(model).scores.nan_to_num(0))


def test_weights_without_a_derivative_name_the_method_that_they_refuse(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As packed weights of four bits are, on devices where they have kernels of their own."""
    hf = copy.deepcopy(plain().hf)
    model = LanguageModel(hf, plain().tokenizer, "causal", "packed")
    settings = {"quant_method": "torchao", "quant_type": {"default": {"_type": "Int4"}}}
    hf.config.quantization_config = settings
    product = hf.model.layers[0].mlp.down_proj

    def forward(x: torch.Tensor) -> torch.Tensor:
        if x.requires_grad:
            raise RuntimeError("derivative for aten::packed_mm is not implemented")
        return nn.functional.linear(x, product.weight, product.bias)

    monkeypatch.setattr(product, "forward", forward)
    explain(model)
    with pytest.raises(ModelError, match=r"'lrp' .* \(torchao, Int4\) .*take leave_one_out"):
        explain(model, method="lrp")
    hf.config.quantization_config = None
    with pytest.raises(RuntimeError, match="packed_mm"):
        explain(model, method="lrp")
