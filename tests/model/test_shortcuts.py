"""What is left out changes no number, and nothing of it outlives the asking."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from transformers.activations import ACT2FN

from glossator.model.shortcuts import only_at, quick_activations
from tests.game import zoo


def state(model: nn.Module) -> list[tuple[int, int, bool]]:
    """Hooks and overridden forwards of every module."""
    return [
        (len(m._forward_hooks), len(m._forward_pre_hooks), "forward" in vars(m))
        for m in model.modules()
    ]


@pytest.mark.parametrize("family", list(zoo.CONFIGS))
def test_positions_that_are_read_are_the_same(family: str) -> None:
    model = zoo.causal(family)
    before = state(model.hf)
    assert model.narrow_modules, "no family needs the whole feed-forward network"
    ids = torch.tensor(zoo.IDS)[None].repeat(2, 1)
    places = torch.arange(ids.shape[1])[None].repeat(2, 1)
    reads = torch.tensor([3, 19, 27, 39])
    with model.inference():
        whole = model.body(ids, places, torch.ones_like(ids)).flatten(0, 1)
        some = model.body(ids, places, torch.ones_like(ids), reads).flatten(0, 1)
    assert torch.allclose(whole[reads], some[reads], atol=1e-5)
    left = torch.ones(len(whole), dtype=torch.bool).index_fill(0, reads, False)
    assert not torch.allclose(whole[left], some[left], atol=1e-5), "the work was done after all"
    assert state(model.hf) == before


def test_fewer_positions_go_through_the_last_network() -> None:
    network, seen = nn.Linear(3, 5), []
    network.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape))
    with only_at([network], torch.tensor([4, 1])):
        out = network(torch.ones(2, 3, 3))
    assert out.shape == (2, 3, 5) and seen == [torch.Size([1, 2, 3])]
    assert out.abs().sum(-1).flatten().nonzero().flatten().tolist() == [1, 4]


@pytest.mark.parametrize(
    "name", ["gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu", "silu", "relu", "tanh", "mish"]
)
def test_activations_and_all_their_pull_backs(name: str) -> None:
    module, x = ACT2FN[name], torch.linspace(-4, 4, 41, requires_grad=True)
    weights = torch.randn(3, 41, generator=torch.Generator().manual_seed(0))
    plain = module(x)
    wanted = [torch.autograd.grad(plain, x, w, retain_graph=True)[0] for w in weights]
    with quick_activations(nn.Sequential(module), gradients=True):
        quick = module(x)
        (found,) = torch.autograd.grad(quick, x, weights, is_grads_batched=True, retain_graph=True)
        one_by_one = [torch.autograd.grad(quick, x, w, retain_graph=True)[0] for w in weights]
    torch.testing.assert_close(quick, plain, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(found, torch.stack(wanted), atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(found, torch.stack(one_by_one))
    assert "forward" not in vars(module)


def test_a_forward_that_the_user_has_replaced_stays() -> None:
    module = ACT2FN["gelu_new"]
    mine = module.forward = lambda x: x * 2
    with quick_activations(nn.Sequential(module), gradients=True):
        assert module(torch.tensor(3.0)) == 6
    assert module.forward is mine


def test_an_error_inside_leaves_nothing_behind() -> None:
    model = zoo.causal("gpt2")
    before = state(model.hf)
    with pytest.raises(KeyboardInterrupt), model.inference(gradients=True):
        assert state(model.hf) != before
        raise KeyboardInterrupt
    assert state(model.hf) == before
