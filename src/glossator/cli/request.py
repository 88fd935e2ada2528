"""What was typed, as arguments of the Python API."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from glossator.cli import remote
from glossator.errors import InputError

if TYPE_CHECKING:
    from glossator.model import Model


def question(context: typer.Context) -> dict[str, Any]:
    """The keyword arguments of `glossator.explain` that the command takes.

    Raises:
        InputError: no prompt, options that exclude each other, or one that cannot be read.
    """
    given = context.params
    refuse_contradictions(context)
    text = read_prompt(given["prompt"], given["prompt_file"])
    names = (
        "pair continuation language max_new_tokens sample temperature seed players readout "
        "contrast removal samples precision batch_rows max_memory"
    )
    # Behind an endpoint the conversation is laid out there.
    chat = given["chat"] and given.get("endpoint") is None
    return {name: given[name] for name in names.split() if name in given} | {
        "prompt": _messages(text) if chat else text,
        "units": _units_of(given.get("units_file")) or units_named(given.get("units", "words")),
        "target_units": units_named(given["target_units"]),
        "classes": given.get("classes") or None,
        "references": read_references(given.get("references")),
    }


def load(context: typer.Context) -> Model:
    """The model that was asked for.

    Raises:
        ModelError, InputError: it cannot be loaded.
    """
    behind = remote.model_behind(context)
    if behind is not None:
        return behind
    from glossator.model import is_feature_file, load_feature_model, load_model

    if is_feature_file(context.params["model"]):
        allow = bool(context.params.get("allow_pickle"))
        return load_feature_model(context.params["model"], allow_pickle=allow)
    names = ("kind", "device", "dtype", "revision", "trust_remote_code")
    asked = {name: context.params[name] for name in names if name in context.params}
    return load_model(context.params["model"], **asked)


def method(name: str, pairs: list[str] | None) -> dict[str, Any]:
    """The method and its parameters, as keyword arguments of `glossator.explain`.

    Checked here as well as there, so that a misspelt name does not wait for a model to load.

    Raises:
        InputError: an unknown method, or a parameter that it does not take.
    """
    import glossator.attribution  # noqa: F401  registers the methods
    from glossator.registry import METHODS

    given = parameters(pairs)
    METHODS.get(name).complete(given)
    return {"method": name, "options": given}


def trust(wanted: str | None, refused: bool) -> dict[str, Any]:
    """Whether to measure trust, as a keyword argument of `glossator.explain`.

    Raises:
        InputError: another word than yes or full.
    """
    if wanted not in (None, "yes", "full"):
        raise InputError(f"got --trust {wanted}: write yes or full, or --no-trust")
    return {"trust": False if refused else True if wanted == "yes" else wanted}


def parameters(pairs: list[str] | None) -> dict[str, Any]:
    """Method parameters from NAME=VALUE; a value that is JSON counts as that, else as text.

    Raises:
        InputError: no `=` in one of them.

    Example:
        >>> parameters(["steps=64", "law=any_size"])
        {'steps': 64, 'law': 'any_size'}
    """
    found: dict[str, Any] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"got --option {pair}: write --option NAME=VALUE")
        try:
            found[name] = json.loads(value)
        except json.JSONDecodeError:
            found[name] = value
    return found


def listed(text: str) -> list[str]:
    """Names with commas between them.

    Example:
        >>> listed("lime, shapley")
        ['lime', 'shapley']
    """
    return [name.strip() for name in text.split(",") if name.strip()]


def typed(context: typer.Context, name: str) -> bool:
    """Whether a parameter stands on the command line."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


EXCLUSIVE = (
    ("continuation", "max_new_tokens"),
    ("continuation", "sample"),
    ("samples", "precision"),
    ("batch_rows", "max_memory"),
    ("units", "units_file"),
    ("trust", "no_trust"),
)


def refuse_contradictions(context: typer.Context) -> None:
    """Refuse options that exclude each other.

    Raises:
        InputError: which.
    """
    for one, other in EXCLUSIVE:
        if typed(context, one) and typed(context, other):
            flags = [f"--{name.replace('_', '-')}" for name in (one, other)]
            raise InputError(f"{flags[0]} and {flags[1]} exclude each other: give one of them")
    remote.refuse_without_endpoint(context)
    if typed(context, "temperature") and not typed(context, "sample"):
        raise InputError("--temperature needs --sample: without it the likeliest token is taken")


def read_prompt(prompt: str | None, file: Path | None) -> str:
    """The prompt, wherever it was given.

    Raises:
        InputError: none was given, or two, or it cannot be read.
    """
    if (prompt is None) == (file is None):
        got = "no prompt" if prompt is None else "a prompt and --prompt-file"
        raise InputError(
            f"got {got}: type the prompt in quotes, or name a file with --prompt-file, "
            "or type - to read standard input"
        )
    if file is None and prompt != "-":
        return str(prompt)
    return read_text(file, "prompt")


def read_text(file: Path | None, what: str) -> str:
    """The text of a file, or of standard input without one; a final newline is no part of it.

    Raises:
        InputError: it cannot be read.
    """
    try:
        text = sys.stdin.read() if file is None else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the {what} from '{file or '-'}': {error}") from error
    # An editor or `echo` ends the last line.
    return text.removesuffix("\n").removesuffix("\r")


def read_references(file: Path | None) -> list[str] | None:
    """The lines of a file that are not blank.

    Raises:
        InputError: it cannot be read, or has none.
    """
    if file is None:
        return None
    try:
        texts = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read the references from '{file}': {error}") from error
    if not texts:
        raise InputError(f"the file of references '{file}' is empty: give a text on each line")
    return texts


def _messages(text: str) -> list[dict[str, str]]:
    try:
        messages = json.loads(text)
    except json.JSONDecodeError:
        messages = text
    if isinstance(messages, list) and all(
        isinstance(each, dict) and set(each) == {"role", "content"} for each in messages
    ):
        return messages
    return [{"role": "user", "content": text}]


def units_named(units: str) -> str | list[tuple[int, int]]:
    """A kind of units, or character spans written as 0-5,6-12.

    Raises:
        InputError: spans of another form.
    """
    if not units[:1].isdigit():
        return units
    try:
        spans = [tuple(int(end) for end in span.split("-")) for span in units.split(",")]
        return [(start, end) for start, end in spans]
    except ValueError:
        raise InputError(f"cannot read the spans '{units}': write characters as 0-5,6-12") from None


def _units_of(file: Path | None) -> list[str] | list[tuple[int, int]] | None:
    """Units from a file: texts in order, or spans."""
    if file is None:
        return None
    try:
        found = json.loads(read_text(file, "units"))
    except json.JSONDecodeError as error:
        raise InputError(f"'{file}' is no JSON: {error}") from None
    if isinstance(found, list) and found:
        if all(isinstance(unit, str) for unit in found):
            return found
        if all(_is_span(unit) for unit in found):
            return [(start, end) for start, end in found]
    raise InputError(
        f"'{file}' has to hold a list of texts in the order of the prompt, or of spans [start, end]"
    )


def _is_span(unit: Any) -> bool:
    return isinstance(unit, list) and len(unit) == 2 and all(isinstance(end, int) for end in unit)
