"""The tape's values and gradients equal plain autograd, one target and one row at a time."""

from __future__ import annotations

import pytest
import torch

from glossator.errors import InputError
from glossator.game import READOUTS, Budget, Counts, Tape, absence
from glossator.model import load_model
from glossator.text import ask, continue_text, encode
from tests.game import zoo


def tape(
    model, question, removal="embedding:mean", readout="logprob", budget=None, references=()
) -> Tape:
    players = zoo.acting(question)
    before = question.before[:, : len(players)]
    stand_in = absence(removal, model, question)
    form = READOUTS.get(readout)
    asked = (model, question, players, before, stand_in, form, budget or Budget(), Counts())
    return Tape(*asked, references=references)


def plain(model, question, readout, points):
    """Values and gradients by the definition: each scored token in a row of its own."""
    form = READOUTS.get(readout)
    values, gradients = [], []
    for point in points:
        for target in question.targets:
            leaf = point.clone().requires_grad_(True)
            clean = model.embed(torch.tensor(question.ids)).detach()
            playing = torch.zeros(len(question.ids), dtype=torch.bool)
            for player in question.players:
                playing[slice(*question.unit_tokens[player])] = True
            context = torch.where(playing[:, None], leaf, clean)[: target.context]
            value = 0.0
            for branch in target.branches:
                reads = []
                for s in range(branch.scored_from, len(branch.tokens)):
                    given = model.embed(torch.tensor(branch.tokens[:s], dtype=torch.long)).detach()
                    row = torch.cat([context, given])[None]
                    places = torch.arange(row.shape[1])[None]
                    logits = model.logits(row, places, torch.ones_like(places))[0, -1:]
                    clean_row = torch.cat([clean[: target.context], given])[None]
                    reference = model.logits(clean_row, places, torch.ones_like(places))[0, -1:]
                    token = torch.tensor([branch.tokens[s]])
                    reads.append(form.read(logits, token, reference.detach())[0])
                joined = torch.stack(reads).sum()
                value += branch.sign * (joined.exp() if form.joins == "product" else joined)
            values.append(value.detach())
            gradients.append(torch.autograd.grad(value, leaf)[0])
    shape = (len(points), len(question.targets))
    return torch.stack(values).reshape(shape), torch.stack(gradients).unflatten(0, shape)


def by_player(question, players, gradients, direction):
    products = (gradients * direction).sum(-1).double()
    slices = [slice(*question.unit_tokens[p]) for p in players]
    return torch.stack([products[..., s].sum(-1) for s in slices], dim=-1)


@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2", "gpt_neox", "opt", "falcon"])
@pytest.mark.parametrize("where", ["clean", "between"])
def test_equals_plain_autograd(family, where):
    compare_with_autograd(zoo.causal(family), zoo.words_question(), where)


@pytest.mark.parametrize("asked", [zoo.tokens_question, zoo.contrast_question])
@pytest.mark.parametrize("where", ["clean", "between"])
def test_other_targets_equal_plain_autograd(asked, where):
    compare_with_autograd(zoo.causal("llama"), asked(), where)


@pytest.mark.parametrize("readout", list(READOUTS))
def test_every_readout_equals_plain_autograd(readout):
    compare_with_autograd(zoo.causal("llama"), zoo.words_question(), "between", readout)


def compare_with_autograd(model, question, where, readout="logprob"):
    found = tape(model, question, readout=readout)
    direction = torch.randn(found.inputs.shape, generator=torch.Generator().manual_seed(0))
    points = found.inputs[None]
    if where == "between":
        share = torch.tensor([0.3, 0.8])[:, None, None]
        points = found.absent + share * (found.inputs - found.absent)
    given = None if where == "clean" else points
    values, pulled = found.pull(given, lambda g: (g * direction).sum(-1))
    expected, gradients = plain(model, question, readout, points)
    players = zoo.acting(question)
    wanted = by_player(question, players, gradients, direction)
    acts = found.before.expand_as(pulled)
    scale = wanted.abs().max().clamp_min(1.0)
    assert torch.allclose(values, expected.double(), rtol=1e-4, atol=1e-4)
    assert torch.allclose(pulled[acts] / scale, wanted[acts] / scale, rtol=0, atol=2e-5)


def test_one_forward_row_serves_all_targets_of_the_clean_text():
    found = tape(zoo.causal("llama"), zoo.words_question())
    found.pull(None, lambda g: g.sum(-1))
    assert found.counts.forward_rows == 1
    assert found.counts.backward_rows == found.targets


def test_the_same_numbers_under_any_memory_bound():
    question = zoo.words_question()
    share = torch.linspace(0, 1, 9)[:, None, None]
    results = []
    for budget in (Budget(), Budget(max_memory=300_000)):
        found = tape(zoo.causal("llama"), question, budget=budget)
        points = found.absent + share * (found.inputs - found.absent)
        results.append(found.pull(points, lambda g: g.sum(-1)))
    for one, other in zip(*results, strict=True):
        assert torch.allclose(one, other, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("max_memory", [None, 300_000])
def test_each_row_has_a_direction_of_its_own(max_memory):
    found = tape(zoo.causal("llama"), zoo.words_question(), budget=Budget(max_memory=max_memory))
    points = found.absent + torch.rand(9, 1, 1) * (found.inputs - found.absent)
    ways = torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
    values, along = found.pull(points, ways)
    for row, (point, way) in enumerate(zip(points, ways, strict=True)):
        value, alone = found.pull(point[None], lambda g, way=way: (g * way).sum(-1))
        assert torch.allclose(values[row], value[0], atol=1e-5)
        assert torch.allclose(along[row], alone[0], atol=1e-4)


@pytest.mark.parametrize("family", ["llama", "gemma"])
def test_words_of_the_vocabulary_are_embedded_as_the_model_does(family):
    """Gemma scales what it looks up."""
    found = tape(zoo.causal(family), zoo.words_question())
    assert found.vocabulary == zoo.VOCABULARY
    table = found.embed(torch.arange(found.vocabulary))
    assert torch.equal(table[found.ids], found.inputs)
    assert not table.requires_grad


def test_spans_are_the_characters_of_the_players():
    question = zoo.words_question()
    found = tape(zoo.causal("llama"), question)
    units = [question.units[player] for player in zoo.acting(question)]
    assert found.spans == [(unit.start, unit.end) for unit in units]


def test_the_text_is_its_own_reference():
    """All of it but the fixed first token."""
    assert tuple(tape(zoo.causal("llama"), zoo.words_question()).references) == zoo.IDS[1:]


def test_references_are_the_words_of_the_texts_given():
    model = load_model()
    texts = ("The lamp is red.", "Tom saw a kite.")
    question = ask(continue_text(model.tokenizer, encode(model.tokenizer, "The cup is"), " red"))
    ids = model.tokenizer(list(texts), add_special_tokens=False)["input_ids"]
    assert tape(model, question, references=texts).references.tolist() == ids[0] + ids[1]


def test_parameters_and_mode_are_left_as_found():
    model = zoo.causal("llama")
    model.hf.train()
    frozen = next(model.hf.parameters())
    frozen.requires_grad_(False)
    tape(model, zoo.words_question()).pull(None, lambda g: g.sum(-1))
    assert not frozen.requires_grad
    assert (
        sum(p.requires_grad for p in model.hf.parameters()) == len(list(model.hf.parameters())) - 1
    )
    assert all(p.grad is None for p in model.hf.parameters())
    assert all(module.training for module in model.hf.modules())
    frozen.requires_grad_(True)
    model.hf.eval()


def test_a_removal_without_an_embedding_is_refused():
    with pytest.raises(InputError, match="needs a baseline embedding"):
        _ = tape(zoo.causal("llama"), zoo.words_question(), "delete").absent


@pytest.mark.parametrize("family", zoo.CLASSIFIERS)
def test_classifier_gradients_equal_plain_autograd(family):
    model, question = zoo.classifier(family), zoo.class_question()
    found = tape(model, question)
    points = 0.5 * (found.inputs + found.absent)[None]
    values, pulled = found.pull(points, lambda g: g.sum(-1))
    leaf = points.clone().requires_grad_(True)
    logits = model.logits(leaf, None, torch.ones(1, len(question.ids), dtype=torch.long))
    for t, value in enumerate(logits.log_softmax(-1)[0]):
        (gradient,) = torch.autograd.grad(value, leaf, retain_graph=True)
        wanted = by_player(question, zoo.acting(question), gradient, torch.ones(()))
        assert torch.allclose(values[0, t], value.double(), atol=1e-5)
        assert torch.allclose(pulled[0, t], wanted[0], rtol=1e-3, atol=1e-4)
