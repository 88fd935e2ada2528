"""Load a model and its tokenizer from a folder, from the hub, or from the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from glossator.errors import InputError, ModelError
from glossator.model.kinds import HEADS, Kind, kind_of
from glossator.model.language_model import LanguageModel
from glossator.model.quantization import quantization

DTYPES = {
    "auto": "auto",
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def load_model(
    name_or_path: str | Path | None = None,
    *,
    kind: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    revision: str | None = None,
    max_memory: int | str | None = None,
    trust_remote_code: bool = False,
    pickled_weights: bool = False,
) -> LanguageModel:
    """Load a language model of any kind, or a classifier.

    Args:
        name_or_path: a folder in Hugging Face format, a name on the hub, or None for the
            bundled miniature.
        kind: "causal", "encoder_decoder", "masked", "classifier", "token_classifier" or
            "question_answering"; None: as the configuration names it.
        device: "auto" (the GPU when there is one), "cpu", "cuda", "cuda:1", "mps".
        dtype: "auto" (as stored), "float32", "bfloat16" or "float16".
        revision: branch, tag or commit on the hub.
        max_memory: bound on the engine's activations, in bytes or as "2GB"; None chooses one.
        trust_remote_code: run code that comes with the model; refused unless asked for.
        pickled_weights: accept weights that are not safetensors; refused unless asked for.

    Returns:
        The model, in evaluation mode, with its tokenizer.

    Raises:
        ModelError: no model or tokenizer there, or one that cannot be used.
        InputError: unknown dtype or device, or a memory size that cannot be read.

    Example:
        >>> load_model().kind
        'causal'
    """
    if dtype not in DTYPES:
        raise InputError(f"unknown dtype '{dtype}': use one of {', '.join(DTYPES)}")
    name, path = _resolve(name_or_path)
    # Said outright: left open, transformers asks on the terminal.
    options: dict[str, Any] = {"trust_remote_code": trust_remote_code}
    if revision is not None:
        options["revision"] = revision
    tokenizer = _load_tokenizer(name, path, options)
    config = _config(name, path, options)
    found = kind_of(config, name, kind)
    if not pickled_weights:
        options["use_safetensors"] = True
    try:
        hf = _loader(found).from_pretrained(path, dtype=DTYPES[dtype], **options)
    except (OSError, ValueError, ImportError, RuntimeError) as error:
        raise ModelError(f"cannot load the model '{name}': {_first_line(error)}") from error
    if "bitsandbytes" not in (quantization(config) or ""):  # which puts them on a device itself
        hf.to(_device(device))
    return LanguageModel(hf.eval(), tokenizer, found, name, revision, parse_bytes(max_memory))


def parse_bytes(size: int | str | None) -> int | None:
    """A memory size in bytes.

    Raises:
        InputError: it is neither a number of bytes nor a number with kB, MB, GB, KiB, ...

    Example:
        >>> parse_bytes("2GB"), parse_bytes("512MiB"), parse_bytes(1000), parse_bytes(None)
        (2000000000, 536870912, 1000, None)
    """
    if size is None or isinstance(size, int):
        return size
    units = {"": 1, "B": 1}
    for power, letter in enumerate("KMGT", start=1):
        units |= {f"{letter}B": 1000**power, f"{letter}IB": 1024**power, letter: 1000**power}
    text = size.strip().upper()
    number = text.rstrip("KMGTIB")
    try:
        return int(float(number) * units[text[len(number) :].strip()])
    except (ValueError, KeyError):
        raise InputError(f"cannot read the memory size '{size}': write e.g. 2GB") from None


def _resolve(name_or_path: str | Path | None) -> tuple[str, str]:
    if name_or_path is None:
        from glossator import miniature

        return "glossator/miniature", str(miniature.path())
    return str(name_or_path), str(name_or_path)


def _device(device: str) -> torch.device:
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError) as error:
        raise InputError(f"cannot use the device '{device}': {_first_line(error)}") from error
    return found


def _load_tokenizer(name: str, path: str, options: dict[str, Any]) -> Any:
    from transformers import AutoTokenizer

    folder = Path(path)
    if folder.is_dir():
        files = {"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model"}
        if not any((folder / file).exists() for file in files):
            raise ModelError(
                f"the model folder '{name}' has no tokenizer: "
                "save one there with tokenizer.save_pretrained(folder)"
            )
    try:
        return AutoTokenizer.from_pretrained(path, **options)
    except (OSError, ValueError, ImportError, KeyError, TypeError) as error:
        raise ModelError(f"cannot load a tokenizer from '{name}': {_first_line(error)}") from error


def _config(name: str, path: str, options: dict[str, Any]) -> Any:
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(path, **options)
    except (OSError, ValueError, json.JSONDecodeError) as error:
        raise ModelError(f"cannot load a model from '{name}': {_first_line(error)}") from error


def _loader(kind: Kind) -> Any:
    import transformers

    return getattr(transformers, HEADS[kind].loader)


def _first_line(error: BaseException) -> str:
    if "custom code" in str(error):
        return "it comes with remote code, which is run only with --trust-remote-code"
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"it needs {error.name}: type `pip install {error.name}`"
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
