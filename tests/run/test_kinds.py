"""Every kind of model: leave-one-out is what a naive loop over the model's forward pass gives."""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest
import torch

from glossator import compare, explain, load_model, store
from glossator.errors import InputError, ModelError, UnknownName
from glossator.game import Counts, Tape, Trace, absence
from glossator.registry import METHODS
from glossator.run import inquire
from tests.oracles.naive_kinds import absent_tokens, answer_value, masked_value, whole_logits
from tests.run.small_models import CASES, CONFIGS, small

SOURCE = "Max didn't like the rain."
PAIR = ("Max didn't like the rain.", "There was a dog.")
FIRST = {kind: next(iter(families)) for kind, families in CONFIGS.items()}
REMOVALS = ["delete", "token:7", "embedding:mean", "embedding:zero", "attention"]
NO_MASK = {"prompt": "Max didn't like rain.", "continuation": None}
ASKED = {
    "encoder_decoder": {"prompt": SOURCE, "continuation": "Der Hund Max."},
    "classifier": {"prompt": PAIR},
    "masked": {"prompt": "Max didn't like the <mask>.", "continuation": "rain"},
    "token_classifier": {"prompt": SOURCE},
    "question_answering": {"prompt": "What did Max not like?", "pair": SOURCE},
}


def asked(kind, **more):
    given = ASKED[kind] | more
    return inquire(given.pop("prompt"), small(kind, FIRST[kind]), **given)


def values_without(inquiry, removal, value):
    """[players + 1, targets] by a naive loop: the whole text, then each player left out."""
    model, question, players = inquiry.model, inquiry.question, inquiry.players
    stand_in = absence(removal, model, question)
    rows = [[True] * len(players)]
    rows += [[p != out for p in range(len(players))] for out in range(len(players))]
    found = [value(model, question, players, stand_in, row) for row in rows]
    return torch.tensor(found, dtype=torch.float64)


def assert_is_leave_one_out(inquiry, removal, value):
    why = inquiry.run("leave_one_out", removal)
    naive = values_without(inquiry, removal, value)
    drop = torch.full_like(why.scores, torch.nan)
    drop[:, list(inquiry.players)] = (naive[0] - naive[1:]).T
    defined = ~why.scores.isnan()
    assert defined.any(dim=1).all()
    # The digits of float32: of values near 1, or of the large ones of an untied head.
    near = min(1e-4, 1e-5 * max(1.0, float(naive.abs().max())))
    assert torch.allclose(why.full, naive[0], rtol=0, atol=near)
    assert torch.allclose(why.scores[defined], drop[defined], rtol=0, atol=near)
    assert why.scores[defined].abs().max() > 2e-4  # something was measured
    assert drop[:, list(inquiry.players)][~defined[:, list(inquiry.players)]].abs().sum() < 1e-4


@pytest.mark.parametrize("removal", REMOVALS)
@pytest.mark.parametrize("family", CONFIGS["encoder_decoder"])
def test_source_and_answer_words_act_on_an_answer(family, removal):
    model = small("encoder_decoder", family)
    inquiry = inquire(SOURCE, model, continuation="Der Hund Max didn't.")
    assert_is_leave_one_out(inquiry, removal, answer_value)
    parts = {inquiry.question.units[player].part for player in inquiry.players}
    assert parts == {"prompt", "continuation"}


@pytest.mark.parametrize("target_units", ["tokens", "sequence"])
def test_tokens_and_the_whole_answer_can_be_targets(target_units):
    inquiry = asked("encoder_decoder", target_units=target_units)
    assert_is_leave_one_out(inquiry, "delete", answer_value)


def test_one_answer_rather_than_another():
    inquiry = asked("encoder_decoder", contrast="Die Straße")
    assert_is_leave_one_out(inquiry, "attention", answer_value)


@pytest.mark.parametrize("family", CONFIGS["encoder_decoder"])
def test_the_decoder_begins_with_its_own_tokens_and_says_what_generate_says(family):
    model = small("encoder_decoder", family)
    why = explain(SOURCE, model, max_new_tokens=6)
    start = [u for u in why.units if u.part == "prompt" and not u.player and u.start == u.end]
    forced = (5,) if family == "mbart" else ()
    first = 1 if family.startswith("t5") else 2
    assert tuple(t for u in start for t in u.tokens)[-1 - len(forced) :] == (first, *forced)
    ids = torch.tensor([model.tokenizer(SOURCE)["input_ids"]])
    theirs = model.hf.generate(
        ids, attention_mask=torch.ones_like(ids), max_new_tokens=6 + len(forced), do_sample=False
    )
    ours = [token for unit in why.units if unit.part == "continuation" for token in unit.tokens]
    # The last token of some is forced to be the end; ours never is.
    assert theirs[0, 1 + len(forced) :].tolist()[: len(ours) - 1] == ours[:-1]
    assert why.prompt == SOURCE


def test_sampled_answers_have_a_seed():
    model = small("encoder_decoder", "bart")
    how = {"max_new_tokens": 5, "sample": True}
    texts = [explain(SOURCE, model, **how, seed=seed).continuation for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize(("language", "token"), [("fr_XX", 5), ("de", 6)])
def test_the_language_asked_for_is_forced(language, token):
    why = explain(SOURCE, small("encoder_decoder", "m2m"), language=language, max_new_tokens=1)
    last = [unit for unit in why.units if unit.part == "prompt"][-1]
    assert (last.tokens, last.player) == ((token,), False)
    assert why.provenance.generation["language"] == language


def test_the_encoder_runs_once_for_each_source():
    inquiry = asked("encoder_decoder")
    rows = []
    encoder = inquiry.model.hf.get_encoder()
    handle = encoder.register_forward_pre_hook(
        lambda _, __, given: rows.append(given["inputs_embeds"]), with_kwargs=True
    )
    try:
        inquiry.run("leave_one_out", "token:7")
    finally:
        handle.remove()
    sources = [{row.numpy().tobytes() for row in batch} for batch in rows]
    players = [p for p in inquiry.players if inquiry.question.units[p].part == "prompt"]
    assert sum(map(len, sources)) == len(set.union(*sources)) == len(players) + 2


@pytest.mark.parametrize("removal", REMOVALS)
@pytest.mark.parametrize("family", CONFIGS["classifier"])
def test_words_of_both_texts_act_on_a_class(family, removal):
    def value(model, question, players, stand_in, present):
        gone = absent_tokens(question, players, present)
        logits, _ = whole_logits(model, question, stand_in, gone)
        return logits.log_softmax(-1).tolist()

    inquiry = inquire(PAIR, small("classifier", family))
    assert_is_leave_one_out(inquiry, removal, value)
    why = inquiry.run("leave_one_out")
    assert why.prompt == "\n\n".join(PAIR)
    sides = {unit.start > len(PAIR[0]) for unit in why.units if unit.player}
    assert sides == {False, True}


@pytest.mark.parametrize("family", CONFIGS["classifier"])
def test_a_pair_is_read_as_the_tokenizer_makes_it(family):
    model = small("classifier", family)
    given = model.tokenizer(*PAIR, return_tensors="pt", return_token_type_ids=True)
    if family != "bert":
        del given["token_type_ids"]
    with torch.no_grad():
        logits = model.hf(**given).logits[0]
    why = explain(PAIR[0], model, pair=PAIR[1])
    assert torch.allclose(why.full, logits.log_softmax(-1).double(), rtol=0, atol=1e-5)
    tokens = [token for unit in why.units for token in unit.tokens]
    assert tokens == given["input_ids"][0].tolist()


def test_methods_that_look_inside_see_both_texts():
    inquiry = asked("classifier")
    how = (inquiry.model, inquiry.question, inquiry.players, inquiry.before)
    form, budget = inquiry.readout, inquiry.budget
    full = inquiry.run("leave_one_out").full
    trace = Trace(*how, form, budget, Counts())
    assert torch.allclose(trace.values(torch.ones(1, 2))[0], full, rtol=0, atol=1e-5)
    tape = Tape(*how, None, form, budget, Counts())
    assert torch.allclose(tape.pull(None, lambda g: g.sum(-1))[0][0], full, rtol=0, atol=1e-5)


@pytest.mark.parametrize("removal", REMOVALS)
@pytest.mark.parametrize("family", CONFIGS["masked"])
def test_words_act_on_what_a_mask_hides(family, removal):
    inquiry = inquire(
        "Max didn't like the <mask>; it was naïve.",
        small("masked", family),
        continuation="frühstücken",
    )
    assert len(inquiry.question.targets[0].tokens) > 1
    assert_is_leave_one_out(inquiry, removal, masked_value)


@pytest.mark.parametrize("target_units", ["words", "tokens", [(4, 10), (20, 24)]])
@pytest.mark.parametrize("family", CONFIGS["masked"])
def test_every_word_masked_in_turn(family, target_units):
    inquiry = inquire(SOURCE, small("masked", family), target_units=target_units)
    assert_is_leave_one_out(inquiry, "embedding:mean", masked_value)
    if not isinstance(target_units, str):
        assert [target.text for target in inquiry.question.targets] == ["didn't", "rain"]


def test_the_likeliest_word_is_filled_in():
    model = small("masked", "roberta")
    text = "Max didn't like the <mask>; it was <mask>."
    given = model.tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        logits = model.hf(**given).logits[0]
    best = logits[given["input_ids"][0] == 4].argmax(-1).tolist()
    why = explain(text, model)
    assert [target.tokens for target in why.targets] == [(token,) for token in best]
    masks = [unit for unit in why.units if unit.text == "<mask>"]
    assert len(masks) == 2 and not any(unit.player for unit in masks)


def test_one_word_rather_than_another_behind_a_mask():
    model = small("masked", "bert")
    known = sorted(name[1:] for name in model.tokenizer.get_vocab() if name[0] == "Ġ")
    one, other = [word for word in known if word.isascii() and word.isalpha()][:2]
    prompt = "Max didn't like the <mask>."
    each = [explain(prompt, model, continuation=word).scores for word in (one, other)]
    both = explain(prompt, model, continuation=one, contrast=other)
    assert torch.allclose(both.scores, each[0] - each[1], atol=1e-6, equal_nan=True)
    assert both.targets[0].text == f"{one} − {other}"


@pytest.mark.parametrize("removal", REMOVALS[1:])
def test_words_act_on_labels(removal):
    def value(model, question, players, stand_in, present):
        gone = absent_tokens(question, players, present)
        logits, _ = whole_logits(model, question, stand_in, gone)
        table = logits.log_softmax(-1)
        return [float(table[t.place, t.tokens[0]]) for t in question.targets]

    inquiry = asked("token_classifier")
    assert_is_leave_one_out(inquiry, removal, value)
    given = inquire(SOURCE, inquiry.model, target_units=[(0, 3)], classes=["LABEL_2", 3])
    assert [t.text for t in given.question.targets] == ["Max: LABEL_2", "Max: LABEL_3"]
    assert_is_leave_one_out(given, removal, value)


@pytest.mark.parametrize("removal", REMOVALS[1:])
@pytest.mark.parametrize("family", CONFIGS["question_answering"])
def test_words_of_question_and_context_act_on_the_answer(family, removal):
    def value(model, question, players, stand_in, present):
        gone = absent_tokens(question, players, present)
        (start, end), _ = whole_logits(model, question, stand_in, gone)
        first, last = question.targets[0].branches[0].tokens
        return [float(start.log_softmax(-1)[first] + end.log_softmax(-1)[last])]

    question, context = ASKED["question_answering"].values()
    model = small("question_answering", family)
    inquiry = inquire((question, context), model, continuation="the rain")
    assert [target.text for target in inquiry.question.targets] == ["the rain"]
    assert_is_leave_one_out(inquiry, removal, value)


def test_the_best_answer_is_the_likeliest_span_of_the_context():
    model = small("question_answering", "bert")
    question, context = ASKED["question_answering"].values()
    found = inquire((question, context), model).question
    given = model.tokenizer(question, context, return_tensors="pt")
    with torch.no_grad():
        output = model.hf(**given)
    start, end = output.start_logits[0], output.end_logits[0]
    inside = [i for i, side in enumerate(given.sequence_ids(0)) if side == 1]
    spans = [(a, b) for a in inside for b in inside if a <= b]
    best = max(spans, key=lambda span: float(start[span[0]] + end[span[1]]))
    assert found.targets[0].branches[0].tokens == best


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("method", [m for m in METHODS if METHODS.get(m).needs == "game"])
def test_every_method_on_values_answers(kind, method):
    few = {"target_units": [(0, 3), (20, 24)]} if kind == "token_classifier" else {}
    if method == "reagent":
        few["readout"] = "probability"
    why = asked(kind, **few).run(method, "token:7")
    assert why.scores.shape == (len(why.targets), len(why.units))
    assert (~why.scores.isnan()).any() and not why.scores.isinf().any()
    if method in ("exact_shapley", "shapley"):
        total = why.scores.nan_to_num(0).sum(1)
        assert torch.allclose(total, why.full - why.empty, rtol=0, atol=1e-4)


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("method", [m for m in METHODS if METHODS.get(m).needs != "game"])
def test_methods_that_look_inside_answer_or_say_which_do(kind, method):
    inquiry = asked(kind)
    if method == "linear":
        with pytest.raises(InputError, match="linear model on named features"):
            inquiry.run(method)
    elif method == "alti_logit" and kind == "classifier":
        with pytest.raises(ModelError, match="is a classifier"):
            inquiry.run(method)
    elif kind != {"trace": "classifier", "states": "masked"}.get(METHODS.get(method).needs, kind):
        with pytest.raises(InputError, match=r"cannot look into .* use one of .*leave_one_out"):
            inquiry.run(method)
    elif method == "lrp" and kind == "encoder_decoder":
        with pytest.raises(InputError, match="no rules of relevance"):
            inquiry.run(method)
    else:
        why = inquiry.run(method)
        assert torch.allclose(why.full, inquiry.run("leave_one_out").full, rtol=0, atol=1e-4)
        assert (why.scores.nan_to_num(0) != 0).any()


@pytest.mark.parametrize(("kind", "family"), CASES)
def test_integrated_gradients_add_up(kind, family):
    given = dict(ASKED[kind])
    inquiry = inquire(given.pop("prompt"), small(kind, family), **given)
    why = inquiry.run("integrated_gradients", "embedding:mean", {"steps": 128})
    gap = why.scores.nan_to_num(0).sum(1) - (why.full - why.empty)
    assert (gap.abs() <= 0.02 * (why.full - why.empty).abs().clamp_min(0.5)).all()


def test_gradients_of_source_and_answer_are_autograds():
    inquiry = asked("encoder_decoder", target_units="sequence", units="tokens")
    model, question = inquiry.model, inquiry.question
    size, ids = question.source_length, torch.tensor([question.ids])
    source = model.embed(ids[:, :size]).detach().requires_grad_(True)
    target = question.targets[0]
    given = model.embed(ids[:, size:-1]).detach()
    logits = model.hf(inputs_embeds=source, decoder_inputs_embeds=given).logits[0]
    begin = target.context - 1 - size
    steps = logits[begin : begin + len(target.tokens)].log_softmax(-1)
    value = steps[range(len(target.tokens)), list(target.tokens)].sum()
    (slope,) = torch.autograd.grad(value, source)
    expected = (slope[0] * source[0]).sum(-1).detach()
    scores = inquiry.run("input_x_gradient").scores[0]
    for unit in inquiry.players:
        first, stop = question.unit_tokens[unit]
        assert float(scores[unit]) == pytest.approx(float(expected[first:stop].sum()), abs=1e-5)


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.usefixtures("two_threads")
def test_the_same_numbers_at_any_batch_size(kind):
    """To the last bit, but for heads on every token: their last digit feels the size of a batch."""
    records = []
    for batch_rows in (None, 1, 3):
        inquiry = asked(kind, batch_rows=batch_rows)
        removal = "token:7" if kind in ("token_classifier", "question_answering") else "delete"
        record = store.to_json(inquiry.run("shapley", removal, {"samples": 6}))
        records.append(record["scores"])
    if kind in ("token_classifier", "question_answering"):
        tables = [torch.tensor([[s or 0.0 for s in row] for row in scores]) for scores in records]
        assert all(torch.allclose(tables[0], other, rtol=0, atol=1e-6) for other in tables[1:])
    else:
        assert records[0] == records[1] == records[2]


@pytest.mark.parametrize("kind", CONFIGS)
@pytest.mark.parametrize("readout", ["probability", "logit", "margin", "entropy", "kl"])
def test_every_readout_is_read(kind, readout):
    why = asked(kind, readout=readout).run("leave_one_out")
    assert torch.isfinite(why.full).all()
    if readout == "kl":
        assert torch.allclose(why.full, torch.zeros_like(why.full), atol=1e-6)


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_bound_on_memory_changes_no_score(kind):
    free, bound = (asked(kind, max_memory=size).run("leave_one_out") for size in (None, "3MB"))
    assert torch.equal(free.scores.nan_to_num(0), bound.scores.nan_to_num(0))


@pytest.mark.parametrize(("kind", "family"), CASES)
def test_a_saved_model_is_recognised_and_its_record_read_back(kind, family, tmp_path):
    small(kind, family).hf.save_pretrained(tmp_path / "model")
    small(kind, family).tokenizer.save_pretrained(tmp_path / "model")
    model = load_model(tmp_path / "model")
    assert model.kind == kind
    given = dict(ASKED[kind])
    why = explain(given.pop("prompt"), model, **given)
    again = store.load(why.save(tmp_path / "why.json"))
    assert torch.equal(again.scores.isnan(), why.scores.isnan())
    assert str(again) == str(why) and again._repr_html_()


def test_one_set_of_weights_in_two_kinds(tmp_path):
    small("masked", "bert").hf.save_pretrained(tmp_path)
    small("masked", "bert").tokenizer.save_pretrained(tmp_path)
    assert load_model(tmp_path, kind="token_classifier").kind == "token_classifier"
    with pytest.raises(UnknownName, match="did you mean 'masked'"):
        load_model(tmp_path, kind="mask")
    with pytest.raises(ModelError, match="no decoder of its own"):
        load_model(tmp_path, kind="encoder_decoder")


def test_several_methods_share_one_table():
    found = compare(PAIR, small("classifier", "bert"), methods=["leave_one_out", "shapley"])
    assert len(found.explanations) == 2


@pytest.mark.parametrize(
    ("kind", "more", "message"),
    [
        ("encoder_decoder", {"pair": "x"}, "takes no second text"),
        ("encoder_decoder", {"language": "xx_YY"}, "no token for the language"),
        ("encoder_decoder", {"prompt": [{"role": "user", "content": "Hi"}]}, "no chat messages"),
        ("encoder_decoder", {"target_units": [(0, 3)]}, "name a kind"),
        ("classifier", {"language": "fr"}, "takes no language"),
        ("classifier", {"pair": "third text"}, "once"),
        ("classifier", {"prompt": ("Max", "")}, "is empty"),
        ("masked", {"prompt": "<mask> and <mask>"}, "several masks"),
        ("masked", {"prompt": "No mask here."}, "write <mask>"),
        ("masked", {"contrast": "the dog Max"}, "as many tokens"),
        ("masked", NO_MASK | {"target_units": "sequence"}, "of its own"),
        ("question_answering", {"pair": None}, "--pair"),
        ("question_answering", {"continuation": "snow"}, "not in the context"),
        ("token_classifier", {"classes": ["LABLE_1"]}, "did you mean"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_to_type(kind, more, message):
    with pytest.raises(InputError, match=message):
        asked(kind, **more)


@pytest.mark.parametrize(
    ("kind", "removal", "message"),
    [
        ("encoder_decoder", "resample", "two"),
        ("token_classifier", "delete", "its place"),
        ("question_answering", "delete", "its place"),
    ],
)
def test_removals_that_make_no_sense_are_refused(kind, removal, message):
    with pytest.raises(InputError, match=message):
        asked(kind).run("leave_one_out", removal)


def test_a_quantised_model_is_explained_or_says_what_to_install(tmp_path):
    pytest.importorskip("torchao")
    from torchao.quantization import Int8WeightOnlyConfig
    from transformers import AutoModelForMaskedLM, TorchAoConfig

    small("masked", "bert").hf.save_pretrained(tmp_path)
    quantised = AutoModelForMaskedLM.from_pretrained(
        tmp_path, quantization_config=TorchAoConfig(Int8WeightOnlyConfig())
    )
    model = type(small("masked", "bert"))(
        quantised.eval(), small("masked", "bert").tokenizer, "masked", "int8"
    )
    exact = explain(ASKED["masked"]["prompt"], small("masked", "bert"), continuation="rain")
    why = explain(ASKED["masked"]["prompt"], model, continuation="rain")
    assert torch.allclose(why.full, exact.full, atol=0.2)


@pytest.mark.parametrize(
    ("method", "package"), [("bitsandbytes", "accelerate|bitsandbytes"), ("torchao", "torchao")]
)
def test_quantised_weights_say_what_to_install(method, package, tmp_path):
    if find_spec(method):
        pytest.skip(f"{method} is installed")
    small("masked", "bert").hf.save_pretrained(tmp_path)
    small("masked", "bert").tokenizer.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    quantised = {
        "bitsandbytes": {"quant_method": "bitsandbytes", "load_in_8bit": True},
        "torchao": {
            "quant_method": "torchao",
            "quant_type": {"default": {"_type": "Int8WeightOnlyConfig", "_data": {}}},
        },
    }
    config["quantization_config"] = quantised[method]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=rf"pip install.*({package})"):
        load_model(tmp_path)
