"""The engine equals the naive game, whatever the model, the removal and the batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from glossator.errors import InputError, MemoryBoundError, ModelError
from glossator.game import READOUTS, Budget, Engine, absence
from glossator.game.budget import block_bytes, gathered_bytes, key_bytes
from glossator.model import load_model, path_attention
from glossator.run import inquire
from tests.game import zoo
from tests.oracles import naive_game

REMOVALS = ("delete", "attention", "token:unk", "token:5", "embedding:zero", "embedding:mean")


def engine(model, question, removal, readout="logprob", budget=None, draw=0):
    stand_in = absence(removal, model, question)
    form = READOUTS.get(readout)
    return Engine(
        model, question, zoo.acting(question), stand_in, form, budget or Budget(), draw=draw
    )


def coalitions(players: int, count: int = 5) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    keep = torch.rand(count + 2, players, generator=generator) < 0.5
    keep[0], keep[1] = True, False
    return keep


def oracle(found: Engine, keep: torch.Tensor, readout: str = "logprob") -> torch.Tensor:
    parts = (found.model, found.question, found.players, found.absence)
    rows = [naive_game.value(*parts, k, readout, found.draw) for k in keep.tolist()]
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("removal", REMOVALS)
@pytest.mark.parametrize("family", zoo.CONFIGS)
def test_equals_the_naive_game(family, removal):
    model, question = zoo.causal(family), zoo.words_question()
    # Two window sizes alternate by layer here, which no one mask can say to the oracle.
    if family == "gemma2" and removal == "attention":
        pytest.skip("the oracle's one mask cannot hold two attention spans")
    if family == "falcon_alibi" and removal == "attention":
        with pytest.raises(InputError, match="takes no positions"):
            engine(model, question, removal)
        return
    found = engine(model, question, removal)
    keep = coalitions(len(found.players))
    assert torch.allclose(found.evaluate(keep), oracle(found, keep), rtol=0, atol=2e-5)
    assert (found.path == "batched") == family.startswith("falcon")


@pytest.mark.parametrize("removal", REMOVALS)
@pytest.mark.parametrize("asked", [zoo.tokens_question, zoo.contrast_question])
def test_other_targets_equal_the_naive_game(asked, removal):
    found = engine(zoo.causal("llama"), asked(), removal)
    keep = coalitions(len(found.players))
    assert torch.allclose(found.evaluate(keep), oracle(found, keep), rtol=0, atol=2e-5)


@pytest.mark.parametrize("readout", list(READOUTS))
@pytest.mark.parametrize("family", ["llama", "gemma2"])
def test_every_readout_equals_the_naive_game(family, readout):
    found = engine(zoo.causal(family), zoo.words_question(), "delete", readout)
    keep = coalitions(len(found.players))
    expected = oracle(found, keep, readout)
    assert torch.allclose(found.evaluate(keep), expected, rtol=1e-5, atol=2e-5)


def test_a_text_without_a_fixed_token_starts_from_the_anchor_when_all_is_deleted():
    question = zoo.words_question(fixed=())
    found = engine(zoo.causal("llama"), question, "delete")
    keep = coalitions(len(found.players))
    assert torch.allclose(found.evaluate(keep), oracle(found, keep), rtol=0, atol=2e-5)


def test_resampling_draws_words_of_equal_length_and_each_draw_equals_the_naive_game():
    model, question = zoo.causal("llama"), zoo.words_question()
    keep = None
    for draw in (0, 1):
        found = engine(model, question, "resample:2", draw=draw)
        keep = coalitions(len(found.players)) if keep is None else keep
        assert torch.allclose(found.evaluate(keep), oracle(found, keep), rtol=0, atol=2e-5)
    words = {unit.tokens for unit in question.units}
    for player in found.players[:-1]:
        first, stop = question.unit_tokens[player]
        for row in found.absence.replacement:
            drawn = tuple(int(token) for token in row[first:stop])
            halves = {(drawn[:cut], drawn[cut:]) for cut in range(1, len(drawn))}
            assert drawn != question.units[player].tokens
            assert drawn in words or any(a in words and b in words for a, b in halves)


@pytest.mark.parametrize("family", ["gpt2", "llama", "falcon"])
@pytest.mark.parametrize("removal", ["delete", "attention", "token:unk"])
def test_the_same_bits_at_any_batch_size(family, removal):
    values = []
    for budget in (Budget(), Budget(batch_rows=1), Budget(batch_rows=3), Budget(600_000)):
        found = engine(zoo.causal(family), zoo.words_question(), removal, budget=budget)
        values.append(found.evaluate(coalitions(len(found.players), 20)))
    assert all(torch.equal(values[0], other) for other in values[1:])


@pytest.mark.parametrize("removal", ["delete", "attention", "token:unk"])
@pytest.mark.parametrize("family", ["gpt2", "llama", "gemma2"])
def test_long_rows_are_asked_block_by_block(family, removal, monkeypatch):
    found = engine(zoo.causal(family), zoo.words_question(), removal)
    keep = coalitions(len(found.players), 20)
    whole = found.evaluate(keep)
    for name in ("QUERIES_AT_ONCE", "KEYS_AT_ONCE"):
        monkeypatch.setattr(path_attention, name, 4)
    parts = engine(zoo.causal(family), zoo.words_question(), removal).evaluate(keep)
    assert torch.allclose(parts, whole, rtol=0, atol=2e-5)


def test_rows_of_many_blocks_have_the_same_bits_at_any_batch_size():
    bundled = load_model()
    bundled.hf.config.max_position_embeddings = 2048
    text = "Mia has a red cat. Tom has a blue dog. " * 90
    values = []
    for rows in (None, 1, 3):
        inquiry = inquire(text, bundled, max_new_tokens=2, batch_rows=rows)
        found = inquiry.engine(inquiry.absence("delete"))
        assert len(found.question.ids) > 2 * path_attention.QUERIES_AT_ONCE
        values.append(found.evaluate(coalitions(len(found.players), 2)))
    assert found.path == "trie"
    assert all(torch.equal(values[0], other) for other in values[1:])


def test_the_last_block_answers_only_where_it_is_read(monkeypatch):
    model, asked = zoo.causal("llama"), {}
    before = path_attention._attention

    def counted(query, key, value, mask, options):
        layer = len(asked) % model.layers
        asked[len(asked)] = (layer, query.shape[0] * query.shape[2])
        return before(query, key, value, mask, options)

    found = engine(model, zoo.words_question(), "token:unk")
    found.evaluate(coalitions(len(found.players)))  # the first use compares both paths
    monkeypatch.setattr(path_attention, "_attention", counted)
    asked.clear()
    found.evaluate(coalitions(len(found.players), 40))
    queries = [sum(n for layer, n in asked.values() if layer == at) for at in range(model.layers)]
    assert queries[-1] < queries[0] == queries[-2]


def test_a_memory_bound_limits_the_keys_of_many_short_rows():
    model = zoo.causal("llama")
    for length in (16, 64):
        for size in (10**6, 10**7):
            tokens, rows = Budget(size).trie_chunk(model, length)
            assert rows * length * gathered_bytes(model) <= size / 4
            held = length * key_bytes(model) + tokens * block_bytes(model)
            assert held <= size * 5 / 8
    assert Budget(10**7, batch_rows=2).trie_chunk(model, 64)[1] == 2


@pytest.mark.parametrize("removal", ["delete", "attention", "token:unk", "embedding:zero"])
def test_token_positions_are_the_count_of_distinct_prefixes(removal):
    found = engine(zoo.causal("llama"), zoo.words_question(), removal)
    keep = coalitions(len(found.players), 30)
    found.evaluate(keep)
    rows = found._builder.build(keep.numpy())
    prefixes = {
        tuple(zip(tokens[:end].tolist(), places[:end].tolist(), strict=True))
        for tokens, places, length in zip(rows.tokens, rows.positions, rows.lengths, strict=True)
        for end in range(1, length + 1)
    }
    assert found.counts.token_positions == len(prefixes)


def test_leave_one_out_costs_the_positions_of_the_formula():
    """One-token words and replacement: the clean row, and each row from its word on."""
    question = zoo.words_question()
    found = engine(zoo.causal("llama"), question, "token:0")
    players = len(found.players)
    found.evaluate(torch.cat([torch.ones(1, players), 1 - torch.eye(players)]).bool())
    width = found._builder.width
    firsts = [question.unit_tokens[p][0] for p in found.players]
    tails = sum(width - first for first in firsts)
    # A generated word of two tokens that is absent is itself scored along the clean row.
    assert found.counts.token_positions == width + tails


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_tokenizers_padding_side_makes_no_difference(side):
    model = zoo.causal("gpt2")
    tokenizer = type(zoo.TOKENIZER)(**vars(zoo.TOKENIZER), padding_side=side)
    other = type(model)(model.hf, tokenizer, "causal", "gpt2")
    keep = coalitions(len(zoo.acting(zoo.words_question())))
    values = [engine(m, zoo.words_question(), "delete").evaluate(keep) for m in (model, other)]
    assert torch.equal(*values)


def test_the_model_is_left_as_found_even_after_an_error():
    model = zoo.causal("llama")
    model.hf.train()
    before = {name: p.clone() for name, p in model.hf.state_dict().items()}
    attention = model.hf.config._attn_implementation
    found = engine(model, zoo.words_question(), "delete")

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    found.progress = interrupt
    with pytest.raises(KeyboardInterrupt):
        found.evaluate(coalitions(len(found.players)))
    assert all(module.training for module in model.hf.modules())
    assert model.hf.config._attn_implementation == attention
    assert all(torch.equal(p, before[name]) for name, p in model.hf.state_dict().items())
    assert all(p.requires_grad for p in model.hf.parameters())
    model.hf.eval()


def test_a_model_whose_attention_ignores_paths_is_run_in_plain_rows(monkeypatch):
    model = zoo.causal("phi")
    monkeypatch.setattr(model, "parity", {})
    attend = path_attention.PathAttention.attend
    monkeypatch.setattr(
        path_attention.PathAttention, "attend", lambda self, *args: 1.5 * attend(self, *args)
    )
    found = engine(model, zoo.words_question(), "token:5")
    keep = coalitions(len(found.players))
    assert torch.allclose(found.evaluate(keep), oracle(found, keep), rtol=0, atol=2e-5)
    assert found.path == "batched" and "does not attend" in found.reason


def test_logits_that_are_no_numbers_are_an_error():
    torch.manual_seed(0)
    import transformers

    model = transformers.AutoModelForCausalLM.from_config(zoo.CONFIGS["llama"]())
    model.model.layers[0].mlp.down_proj.weight.data[0, 0] = float("nan")
    broken = type(zoo.causal("llama"))(model.eval(), zoo.TOKENIZER, "causal", "broken")
    found = engine(broken, zoo.words_question(), "delete")
    with pytest.raises(ModelError, match="not numbers"):
        found.evaluate(coalitions(len(found.players)))


def test_a_memory_bound_below_one_row_is_refused_with_the_size_to_give():
    found = engine(zoo.causal("llama"), zoo.words_question(), "delete", budget=Budget(1000))
    with pytest.raises(MemoryBoundError, match="too small for one row of .* --max-memory"):
        found.evaluate(coalitions(len(found.players)))


def test_rows_and_depths_agree():
    """Every read points at the node before its scored token, in every coalition."""
    found = engine(zoo.causal("llama"), zoo.words_question(), "delete")
    rows = found._builder.build(coalitions(len(found.players), 10).numpy())
    assert (rows.read_depth >= 0).all()
    assert (rows.read_depth < rows.lengths[rows.read_row]).all()
    assert np.issubdtype(rows.tokens.dtype, np.integer)
