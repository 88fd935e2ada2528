"""A model behind an endpoint is explained as the same weights in process are."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import glossator
from glossator.cli import main
from glossator.errors import CallLimitError, EndpointError, InputError
from glossator.model import Bill, LanguageModel, RemoteModel
from tests import interrupting, loopback

PROMPT = "Mia and Tom went to the park. Tom gave the kite to"
SAID = " Mia. Mia was happy"
NEAR = {"rtol": 0, "atol": 1e-3, "equal_nan": True}


@pytest.fixture(scope="module")
def local() -> LanguageModel:
    return glossator.load_model(device="cpu")


@pytest.fixture(scope="module")
def served(local: LanguageModel) -> Iterator[loopback.Served]:
    with loopback.serving(local) as found:
        yield found


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy of this machine stands between, and no key is set."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("GLOSSATOR_API_KEY", raising=False)


def remote(url: str, **options: Any) -> RemoteModel:
    return RemoteModel(url, "miniature", **options)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"method": "shapley", "samples": 4},
        {"units": "sentences", "target_units": "sequence"},
        {"readout": "probability"},
        {"target_units": "sentences"},
        {"players": "prompt", "method": "lime", "units": "sentences"},
        {"units": [(0, 29), (30, 48)]},
    ],
    ids=str,
)
def test_the_same_numbers_as_in_process(
    local: LanguageModel, served: loopback.Served, asked: dict[str, Any]
) -> None:
    given = {"continuation": SAID, "removal": "delete"} | asked
    here = glossator.explain(PROMPT, local, **given)
    there = glossator.explain(PROMPT, remote(served.url, anchor=""), **given)
    ours = [i for i, unit in enumerate(here.units) if unit.text != "<bos>"]
    assert [here.units[i].text for i in ours] == [unit.text for unit in there.units]
    assert torch.allclose(there.scores, here.scores[:, ours], **NEAR)
    assert torch.allclose(there.full, here.full, **NEAR)
    assert torch.allclose(there.empty, here.empty, **NEAR)
    if here.stderr is not None and there.stderr is not None:
        assert torch.allclose(there.stderr, here.stderr[:, ours], **NEAR)


def test_a_contrast_is_the_same_as_in_process(
    local: LanguageModel, served: loopback.Served
) -> None:
    given = {"continuation": " Mia", "contrast": " Tom", "removal": "delete"}
    here = glossator.explain(PROMPT, local, **given)
    there = glossator.explain(PROMPT, remote(served.url), **given)
    assert torch.allclose(there.scores, here.scores[:, 1:], **NEAR)


def test_vllms_prompt_logprobs_give_the_same_numbers(served: loopback.Served) -> None:
    both = [
        glossator.explain(PROMPT, remote(served.url, logprobs=how), continuation=" Mia")
        for how in ("echo", "prompt_logprobs")
    ]
    assert torch.allclose(both[0].scores, both[1].scores, **NEAR)


def test_a_replacement_text_stands_in_the_words_place(
    local: LanguageModel, served: loopback.Served
) -> None:
    why = glossator.explain(
        PROMPT, remote(served.url), continuation=" Mia", removal="text:Ben", players="prompt"
    )
    for i in (0, 2, 11):
        unit = why.units[i]
        other = PROMPT[: unit.start] + "Ben" + PROMPT[unit.end :]
        value = glossator.explain(other, local, continuation=" Mia").full
        assert float(why.scores[0, i]) == pytest.approx(float(why.full[0] - value[0]), abs=1e-3)


def test_what_is_generated_is_what_the_model_generates(
    local: LanguageModel, served: loopback.Served
) -> None:
    here = glossator.explain(PROMPT, local, max_new_tokens=4, players="prompt")
    there = glossator.explain(PROMPT, remote(served.url), max_new_tokens=4, players="prompt")
    assert there.continuation == here.continuation
    assert there.provenance.removal == "delete"
    assert there.provenance.model["endpoint"] == served.url


def test_through_a_proxy_that_fails_nothing_is_lost_and_a_rerun_is_free(
    local: LanguageModel, served: loopback.Served, tmp_path: Path
) -> None:
    table = tmp_path / "responses.jsonl"
    plain = glossator.explain(PROMPT, remote(served.url), continuation=SAID)
    faults = ["429", "500", "cut", "half", "pass", "hang"]
    with loopback.serving(local) as upstream, loopback.faulty(upstream.url, faults) as proxy:
        model = remote(proxy.url, responses=table, timeout=1.0)
        through = glossator.explain(PROMPT, model, continuation=SAID)
        assert torch.equal(through.scores.nan_to_num(9), plain.scores.nan_to_num(9))
        assert proxy.count == model.calls > len(model.endpoint.responses)
        sent = proxy.count
        again = remote(proxy.url, responses=table)
        rerun = glossator.explain(PROMPT, again, continuation=SAID)
        assert (again.calls, proxy.count) == (0, sent)
    # The endpoint is gone now: the table alone answers.
    offline = remote(proxy.url, responses=table, max_calls=0)
    replay = glossator.explain(PROMPT, offline, continuation=SAID)
    for why in (rerun, replay):
        assert torch.equal(why.scores.nan_to_num(9), through.scores.nan_to_num(9))
    # A torn last line costs its own response and no other.
    whole = table.read_bytes()
    table.write_bytes(whole[:-40])
    assert len(remote(proxy.url, responses=table).endpoint.responses) == whole.count(b"\n") - 1
    assert table.read_bytes().endswith(b"\n")


def test_another_model_or_sample_is_another_request() -> None:
    one, other = remote("http://127.0.0.1:1/v1"), RemoteModel("http://127.0.0.1:1/v1", "other")
    keys = {
        one.scoring("a").key,
        other.scoring("a").key,
        one.scoring("b").key,
        *(one.writing("a", 8, 1.0, 0, sample).key for sample in (0, 1)),
        one.writing("a", 9, 1.0, 0).key,
    }
    assert len(keys) == 6


def test_the_bill_is_right_and_the_limit_holds(served: loopback.Served) -> None:
    bills: list[Bill] = []
    before = served.count
    model = remote(served.url, report=bills.append)
    glossator.explain(PROMPT, model, continuation=SAID, method="shapley", samples=4)
    assert bills[0].calls == served.count - before == model.calls
    assert bills[0].tokens > bills[0].calls
    before = served.count
    with pytest.raises(CallLimitError, match=f"{bills[0].calls} calls are needed and 9 of 9"):
        glossator.explain(
            PROMPT,
            remote(served.url, max_calls=9),
            continuation=SAID,
            method="shapley",
            samples=4,
        )
    assert served.count == before


def test_the_limit_counts_what_is_sent_again(served: loopback.Served) -> None:
    with loopback.faulty(served.url, ["500"]) as proxy:
        model = remote(proxy.url, max_calls=20)
        with pytest.raises(CallLimitError):
            glossator.explain(PROMPT, model, continuation=" Mia")
        assert proxy.count <= 20


@pytest.mark.skipif(os.name != "posix", reason="signals are those of POSIX")
def test_ctrl_c_keeps_what_was_paid_for(local: LanguageModel, tmp_path: Path) -> None:
    table = tmp_path / "responses.jsonl"
    with loopback.serving(local, wait=0.3) as slow:
        command = [sys.executable, "-m", "glossator", "explain", PROMPT, "--continuation", SAID]
        command += ["--endpoint", slow.url, "--model", "m", "--responses", str(table)]
        process = interrupting.start(command)
        while slow.count < 6:
            time.sleep(0.05)
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        assert process.returncode == 130, said
        assert "calls, about" in said
        kept = table.read_text().splitlines()
        assert len(kept) == slow.count
        ending = f"'{table}' keeps {len(kept)} answers: the same command goes on from there"
        assert said.splitlines()[-1] == f"glossator: interrupted; {ending}"
        model = RemoteModel(slow.url, "m", responses=table)
        glossator.explain(PROMPT, model, continuation=SAID)
        assert len(table.read_text().splitlines()) == slow.count
        assert model.calls == slow.count - len(kept)


def test_the_key_is_sent_and_nowhere_else(
    served: loopback.Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sesame")
    table = tmp_path / "responses.jsonl"
    model = remote(served.url, responses=table, key_variable="MY_KEY")
    why = glossator.explain(PROMPT, model, continuation=" Mia", units="sentences")
    assert served.keys[-1] == "Bearer sesame"
    stored = why.save(tmp_path / "why.json").read_text()
    for text in (table.read_text(), stored, repr(vars(model)), repr(vars(model.endpoint))):
        assert "sesame" not in text

    def refuse(*_: Any) -> tuple[int, dict[str, str], bytes]:
        return 401, {}, b'{"error": {"message": "wrong key sesame"}}'

    with loopback.listening(refuse) as gate, pytest.raises(EndpointError) as caught:
        stranger = remote(gate.url, key_variable="MY_KEY")
        glossator.explain(PROMPT, stranger, continuation=" Mia")
    assert "wrong key ***" in str(caught.value) and "is MY_KEY set?" in str(caught.value)


def answering(status: int, content: bytes, **headers: str) -> Any:
    return loopback.listening(lambda *_: (status, headers, content))


@pytest.mark.parametrize(
    ("status", "content", "headers", "says"),
    [
        (429, b"{}", {"Retry-After": "3600"}, "another would have to wait 3600 s"),
        (429, b'{"error": {"code": "insufficient_quota"}}', {}, "status 429"),
        (400, b'{"error": {"message": "too long"}}', {}, "status 400: too long"),
        (200, b'{"error": "busy"}', {}, "without choices"),
        (200, b'{"choices": [{"text": "x", "logprobs": null}]}', {}, "--similarity chrf"),
    ],
)
def test_what_cannot_be_mended_by_waiting_is_said_at_once(
    status: int, content: bytes, headers: dict[str, str], says: str
) -> None:
    began = time.monotonic()
    with (
        answering(status, content, **headers) as gate,
        pytest.raises(EndpointError, match=says),
    ):
        model = remote(gate.url, concurrency=1)
        glossator.explain(PROMPT, model, continuation=" Mia")
    assert gate.count <= 3  # what was under way already
    assert time.monotonic() - began < 5


def test_endless_trouble_ends_at_the_deadline() -> None:
    with (
        answering(503, b"") as gate,
        pytest.raises(EndpointError, match="given up after .* tries"),
    ):
        model = remote(gate.url, concurrency=1, deadline=2.0)
        glossator.explain(PROMPT, model, continuation=" Mia")
    assert 2 <= gate.count <= 5


def test_nobody_there() -> None:
    model = remote("http://127.0.0.1:9/v1")
    with pytest.raises(EndpointError, match="cannot connect"):
        glossator.explain(PROMPT, model, continuation=" Mia")


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"method": "gradient"}, "needs the weights"),
        ({"method": "attention"}, "needs the weights"),
        ({"method": "linear"}, "reads the weights of a linear model"),
        ({"readout": "entropy"}, "use --readout logprob or probability"),
        ({"removal": "embedding:mean"}, "use --removal delete"),
        ({"units": "tokens"}, "tokens of miniature are not known"),
        ({"target_units": "tokens"}, "tokens of miniature are not known"),
        ({"classes": ["x"]}, "takes no classes"),
    ],
)
def test_what_an_endpoint_cannot_give_is_refused_before_anything_is_sent(
    served: loopback.Served, asked: dict[str, Any], says: str
) -> None:
    before = served.count
    with pytest.raises(InputError, match=says):
        glossator.explain(PROMPT, remote(served.url), continuation=" Mia", **asked)
    assert served.count == before


@pytest.mark.parametrize(
    ("url", "options", "says"),
    [
        ("http://me:secret@127.0.0.1/v1", {}, "holds a name or a password"),
        ("127.0.0.1:8000", {}, "write an address"),
        ("http://h /v1", {}, "write an address"),
        ("http://h/v1?key=1", {}, "write an address"),
        ("http://h/v1", {"similarity": "bleu"}, "unknown similarity 'bleu'"),
        ("http://h/v1", {"chat": True}, "choose a similarity"),
        ("http://h/v1", {"logprobs": "yes"}, "write 'echo'"),
        ("http://h/v1", {"concurrency": 0}, "concurrency is 0"),
        ("http://h/v1", {"similarity": "edit", "regenerations": 0}, "at least 1"),
    ],
)
def test_models_that_cannot_be(url: str, options: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        remote(url, **options)
    assert "secret" not in str(caught.value)


def test_the_command_line(
    served: loopback.Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = ["explain", PROMPT, "--continuation", " Mia", "--endpoint", served.url, "--json"]
    assert main([*asked, "--model", "miniature"]) == 0
    captured = capsys.readouterr()
    record = json.loads(captured.out)
    assert record["provenance"]["engine"] == "endpoint"
    assert captured.err.splitlines()[0].startswith("glossator: 15 calls, about ")
    assert (tmp_path / "glossator-responses.jsonl").exists()
    before = served.count
    assert main([*asked, "--model", "miniature", "--max-calls", "0", "--quiet"]) == 0
    assert served.count == before
    capsys.readouterr()
    for words, says in (
        ([*asked], "--endpoint needs --model"),
        (["explain", PROMPT, "--max-calls", "3"], "--max-calls needs --endpoint URL"),
        ([*asked, "--model", "other", "--max-calls", "3"], "15 calls are needed and 3 of 3"),
    ):
        assert main([*words, "--quiet"]) == 2
        error = capsys.readouterr().err
        assert says in error and error.count("\n") == 1
    assert served.count == before
