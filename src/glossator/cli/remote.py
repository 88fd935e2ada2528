"""The options of models that are not loaded from weights: behind an endpoint, or in a pipeline."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glossator.errors import InputError

if TYPE_CHECKING:
    from glossator.model import Bill, RemoteModel

REMOTE = "A model behind an endpoint"

Endpoint = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Ask --model at this OpenAI-compatible address, such as http://127.0.0.1:8000/v1.",
        rich_help_panel=REMOTE,
    ),
]
Similarity = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Without log-probabilities: compare regenerated texts by exact_match, token_f1, "
        "chrf or edit.",
        rich_help_panel=REMOTE,
    ),
]
Regenerations = Annotated[
    int,
    typer.Option(
        metavar="K",
        min=1,
        help="Texts drawn for each value; 1 takes the likeliest.",
        rich_help_panel=REMOTE,
    ),
]
MaxCalls = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=0,
        help="Send N requests at most; 0 reads the kept responses only.",
        rich_help_panel=REMOTE,
    ),
]
Responses = Annotated[
    Path,
    typer.Option(
        metavar="FILE",
        help="Keep every response in FILE, so that a rerun repeats no call.",
        rich_help_panel=REMOTE,
    ),
]
KeyVariable = Annotated[
    str,
    typer.Option(
        "--api-key-variable",
        metavar="NAME",
        help="Environment variable that holds the key.",
        rich_help_panel=REMOTE,
    ),
]

RESPONSES = Path("glossator-responses.jsonl")
KEY_VARIABLE = "GLOSSATOR_API_KEY"
NEED_ENDPOINT = ("similarity", "regenerations", "max_calls", "responses", "key_variable")
"""Options that say something about an endpoint only."""


def model_behind(context: typer.Context) -> RemoteModel | None:
    """The model behind the endpoint that was named; None where none was.

    Raises:
        InputError: an endpoint without a model, or as `RemoteModel`.
        StoreError: the file of responses cannot be read.
    """
    given = context.params
    if given.get("endpoint") is None:
        return None
    if given["model"] is None:
        raise InputError("--endpoint needs --model NAME: the name that the model has there")
    from glossator.model import RemoteModel

    chosen: dict[str, Any] = {name: given[name] for name in NEED_ENDPOINT}
    report = None if given["quiet"] else _print_bill
    chat = bool(given.get("chat"))
    model = RemoteModel(given["endpoint"], given["model"], chat=chat, report=report, **chosen)
    if isinstance(context.obj, list):
        context.obj.append(model)
    return model


def kept(asked: Sequence[RemoteModel]) -> str:
    """What an interrupted run leaves behind, in words.

    Args:
        asked: the models behind endpoints that it asked.

    Example:
        >>> kept([])
        'nothing was written'
    """
    tables = [model.endpoint.responses for model in asked if len(model.endpoint.responses)]
    if not tables:
        return "nothing was written"
    held = [f"'{t.path}' keeps {len(t):,} answer{'s' * (len(t) != 1)}" for t in tables]
    return f"{', '.join(held)}: the same command goes on from there"


def refuse_without_endpoint(context: typer.Context) -> None:
    """Refuse options that say something about an endpoint when there is none.

    Raises:
        InputError: which.
    """
    if context.params.get("endpoint") is not None:
        return
    for name in NEED_ENDPOINT:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option = "api-key-variable" if name == "key_variable" else name.replace("_", "-")
            raise InputError(f"--{option} needs --endpoint URL")


def _print_bill(bill: Bill) -> None:
    print(f"glossator: {bill}", file=sys.stderr)
