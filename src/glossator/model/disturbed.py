"""A model that is disturbed for a while, to see whether explanations notice; then as it was.

Each is a context manager. `moved` and `shifted` work by hooks, the others on the weights, of
which a copy is kept and put back bit by bit.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from glossator.errors import InputError
from glossator.model.language_model import LanguageModel

RADIUS = 0.05
"""How far inputs move: this share of the root mean square of an embedding's entries."""


@contextlib.contextmanager
def moved(
    model: LanguageModel, generator: torch.Generator, radius: float = RADIUS
) -> Iterator[None]:
    """Every entry of every input embedding moves by a random amount, at most the radius.

    A token moves alike wherever it stands, so that all rows of a text hang together. The output
    embeddings stay, also where they are the same matrix.

    Args:
        model: left as found.
        generator: of the amounts, which are uniform. radius: as a share of the embeddings' size.

    Example:
        >>> from glossator.model import load_model
        >>> model, ids = load_model(), torch.tensor([5])
        >>> with moved(model, torch.Generator()):
        ...     there = model.embed(ids)
        >>> bool((there != model.embed(ids)).any())
        True
    """
    weight = model.embedding.weight.detach()
    size = float(weight.float().square().mean().sqrt())
    amount = radius * size * (2 * torch.rand(weight.shape, generator=generator) - 1)
    amount = amount.to(weight)
    handle = model.embedding.register_forward_hook(
        lambda _, given, found: found + amount[given[0].to(amount.device)]
    )
    try:
        yield
    finally:
        handle.remove()


@contextlib.contextmanager
def shifted(model: LanguageModel, generator: torch.Generator) -> Iterator[None]:
    """All input embeddings are shifted by one vector, and the model takes it off as it begins.

    Methods see other inputs; the model computes what it did. A baseline of zeros is another
    point than before, which is what the shift is there to show.

    Args:
        model: left as found.
        generator: of the vector, which is as large as an embedding.

    Raises:
        InputError: an encoder-decoder, which has two inputs.
    """
    if model.kind == "encoder_decoder":
        raise InputError(f"{model.name} has two inputs: input_invariance is for models with one")
    weight = model.embedding.weight.detach()
    size = float(weight.float().square().mean().sqrt())
    vector = (size * torch.randn(weight.shape[1], generator=generator)).to(weight)
    inside = [False]

    def enter(_: nn.Module, arguments: Any, named: dict[str, Any]) -> Any:
        inside[0] = True
        if named.get("inputs_embeds") is not None:
            named = named | {"inputs_embeds": named["inputs_embeds"] - vector}
        return arguments, named

    def leave(*_: Any) -> None:
        inside[0] = False

    body = model.hf.base_model
    with contextlib.ExitStack() as stack:
        for handle in (
            model.embedding.register_forward_hook(
                lambda _, given, found: found if inside[0] else found + vector
            ),
            body.register_forward_pre_hook(enter, with_kwargs=True),
            body.register_forward_hook(leave, always_call=True),
        ):
            stack.callback(handle.remove)
        yield


@contextlib.contextmanager
def cascade(model: LanguageModel, generator: torch.Generator) -> Iterator[Iterator[str]]:
    """Layers are drawn anew one after the other, from the output down, and stay so.

    A weight matrix is drawn from the normal distribution with its own mean and spread.

    Args:
        model: left as found.
        generator: of the weights.

    Yields:
        An iterator; each step draws one more layer and gives its name.

    Raises:
        InputError: the layers are not to be found, or the weights are quantised.

    Example:
        >>> from glossator.model import load_model
        >>> model = load_model()
        >>> with cascade(model, torch.Generator()) as steps:
        ...     names = list(steps)
        >>> names[0], names[-1]
        ('output', 'inputs')
    """
    groups = layers_from_output(model)
    with kept_weights([p for _, parameters in groups for p in parameters]):
        yield (name for name, parameters in groups if _redraw(parameters, generator))


@contextlib.contextmanager
def redrawn(model: LanguageModel, layer: str, generator: torch.Generator) -> Iterator[None]:
    """One layer alone is drawn anew (independent randomisation); arguments as in `cascade`."""
    parameters = dict(layers_from_output(model))[layer]
    with kept_weights(parameters):
        _redraw(parameters, generator)
        yield


def layers_from_output(model: LanguageModel) -> list[tuple[str, list[nn.Parameter]]]:
    """The weights in layers: those after the blocks, the blocks from the last one, the inputs.

    A matrix that is both input and output embedding belongs to the inputs.

    Raises:
        InputError: the layers are not to be found, or the weights are quantised.
    """
    if model.blocks is None or not all(p.is_floating_point() for p in model.hf.parameters()):
        raise InputError(
            f"the layers of {model.name} cannot be drawn anew: its weights are quantised, or its "
            "blocks are not in one list"
        )
    inputs = [
        parameter
        for module in model.hf.modules()
        if isinstance(module, nn.Embedding)
        for parameter in module.parameters(recurse=False)
    ]
    blocks = [list(block.parameters()) for block in model.blocks]
    inner = {id(parameter) for group in [inputs, *blocks] for parameter in group}
    output = [parameter for parameter in model.hf.parameters() if id(parameter) not in inner]
    named = [(f"block {i}", group) for i, group in reversed(list(enumerate(blocks)))]
    found = [("output", output), *named, ("inputs", inputs)]
    return [(name, group) for name, group in found if group]


def _redraw(parameters: list[nn.Parameter], generator: torch.Generator) -> bool:
    for parameter in parameters:
        value = parameter.detach().float()
        noise = torch.randn(value.shape, generator=generator).to(value.device)
        spread = value.std(correction=0)
        parameter.data.copy_(value.mean() + spread * noise)
    return True


@contextlib.contextmanager
def rewritten(model: LanguageModel, generator: torch.Generator) -> Iterator[None]:
    """The neurons of every feed-forward network change places: the model computes the same.

    Args:
        model: left as found.
        generator: of the new places.

    Raises:
        InputError: no feed-forward network of two or three linear layers is found.
    """
    networks = [_network(block) for block in model.blocks or []]
    into = [layer for network in networks for layer in network]
    if not into:
        raise InputError(f"no feed-forward network was found in {model.name} to rewrite")
    weights = [parameter for layer, _, _ in into for parameter in layer.parameters()]
    with kept_weights(weights):
        for network in networks:
            _permute(network, generator)
        yield


Linear = tuple[nn.Module, bool, int]
"""A linear layer, whether it leads into the hidden neurons, and along which dimension they lie."""


def _network(block: nn.Module) -> list[Linear]:
    """The linear layers around the hidden neurons of a block's feed-forward network."""
    layers = []
    for name, module in block.named_modules():
        weight = getattr(module, "weight", None)
        if weight is not None and weight.dim() == 2 and "att" not in name:
            # transformers' Conv1D has its weight the other way round.
            out = 1 if type(module).__name__ == "Conv1D" else 0
            layers.append((module, weight.shape[1 - out], weight.shape[out], out))
    wide = {(b, a) for _, a, b, _ in layers} & {(a, b) for _, a, b, _ in layers}
    hidden = max((max(a, b) for a, b in wide if a != b), default=0)
    found: list[Linear] = []
    for module, inputs, outputs, out in layers:
        if hidden in (inputs, outputs) and inputs != outputs:
            found.append((module, outputs == hidden, out if outputs == hidden else 1 - out))
    return found


def _permute(network: list[Linear], generator: torch.Generator) -> None:
    order = None
    for module, leads_in, dim in network:
        weight, bias = module.get_parameter("weight"), getattr(module, "bias", None)
        if order is None:
            order = torch.randperm(weight.shape[dim], generator=generator).to(weight.device)
        weight.data.copy_(weight.data.index_select(dim, order))
        if leads_in and bias is not None:
            bias.data.copy_(bias.data[order])


@contextlib.contextmanager
def kept_weights(parameters: list[nn.Parameter]) -> Iterator[None]:
    """Put parameters back as they were, bit by bit, whatever happens."""
    before: list[Float[Tensor, "*shape"]] = [each.detach().clone() for each in parameters]
    try:
        yield
    finally:
        for parameter, value in zip(parameters, before, strict=True):
            parameter.data.copy_(value)
