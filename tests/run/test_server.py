"""A server that others wrote is explained over HTTP: `transformers serve` on this machine."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers.utils.import_utils import is_serve_available

import glossator
from glossator import miniature
from glossator.cli import main
from glossator.model import RemoteModel
from tests import loopback

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(
        not is_serve_available(), reason="needs a server: pip install 'transformers[serving]'"
    ),
]

PROMPT = "Mia went to the park. Mia is at the"
SAID = " park."
ASKED = {"continuation": SAID, "units": "words"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bundled model with leave to draw: the server asks its settings, not the temperature."""
    copied = tmp_path_factory.mktemp("served") / "miniature"
    shutil.copytree(miniature.path(), copied)
    settings = copied / "generation_config.json"
    drawing = json.loads(settings.read_text()) | {"do_sample": True}
    settings.write_text(json.dumps(drawing))
    return str(copied)


@pytest.fixture(scope="module")
def url(folder: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = "from transformers.cli.transformers import main; main()"
    words = ["serve", folder, "--host", "127.0.0.1", "--port", str(port), "--device", "cpu"]
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "NO_PROXY": "127.0.0.1"}
    process = subprocess.Popen(
        [sys.executable, "-c", program, *words],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(address: str, process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        assert process.poll() is None, "the server ended"
        try:
            opener.open(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the server did not answer")


@pytest.fixture(autouse=True)
def direct(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("GLOSSATOR_API_KEY", raising=False)


def test_the_likeliest_texts_give_the_scores_of_the_same_weights_in_process(
    url: str, folder: str
) -> None:
    how = {"similarity": "chrf", "regenerations": 1}
    there = glossator.explain(PROMPT, RemoteModel(url, folder, **how), **ASKED)
    with loopback.serving(glossator.load_model(device="cpu"), echoes=False) as served:
        here = glossator.explain(PROMPT, RemoteModel(served.url, "m", **how), **ASKED)
    assert float(there.full[0]) > float(there.empty[0])
    assert torch.allclose(there.scores, here.scores, rtol=0, atol=1e-9, equal_nan=True)


def test_drawn_texts_give_an_interval(url: str, folder: str) -> None:
    model = RemoteModel(url, folder, similarity="chrf", regenerations=6)
    why = glossator.explain(PROMPT, model, **ASKED)
    playing = [unit.player and unit.part == "prompt" for unit in why.units]
    assert why.stderr is not None
    assert torch.isfinite(why.stderr[0][playing]).all() and (why.stderr[0][playing] > 0).any()


def test_from_the_shell_and_paid_once(
    url: str, folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["explain", PROMPT, "--continuation", SAID, "--endpoint", url, "--model", folder]
    words += ["--similarity", "chrf", "--regenerations", "2", "--units", "sentences"]
    words += ["--responses", str(tmp_path / "answers.jsonl"), "--json"]
    records = []
    for more in ([], ["--max-calls", "0"]):
        assert main([*words, *more]) == 0
        records.append(json.loads(capsys.readouterr().out))
    assert records[0]["scores"] == records[1]["scores"]


def test_without_log_probabilities_it_says_what_to_type(
    url: str, folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["explain", PROMPT, "--continuation", SAID, "--endpoint", url, "--model", folder]
    assert main([*words, "--responses", str(tmp_path / "answers.jsonl"), "--quiet"]) == 2
    assert "--similarity chrf" in capsys.readouterr().err
