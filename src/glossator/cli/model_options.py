"""The options of model and machine, which many commands take beside their own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any

from glossator.cli import options, remote

_OUTPUT = ("as_json", "out", "quiet")

BEHIND = ("endpoint", "similarity", "regenerations", "max_calls", "responses", "key_variable")
"""The options of a model behind an endpoint."""


def _shared(
    model: options.Model = None,
    kind: options.Kind = None,
    endpoint: remote.Endpoint = None,
    similarity: remote.Similarity = None,
    regenerations: remote.Regenerations = 8,
    max_calls: remote.MaxCalls = None,
    responses: remote.Responses = remote.RESPONSES,
    key_variable: remote.KeyVariable = remote.KEY_VARIABLE,
    revision: options.Revision = None,
    trust_remote_code: options.TrustRemoteCode = False,
    allow_pickle: options.AllowPickle = False,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    batch_rows: options.BatchRows = None,
    max_memory: options.MaxMemory = None,
) -> None:
    """The options, in the order in which they are listed."""


Command = Callable[..., None]


def takes_model(*, but: Collection[str] = ()) -> Callable[[Command], Command]:
    """Add the options of model and machine to a command, before those of its output.

    The command reads them from the params of its context: `request.load` does.

    Args:
        but: names of those that the command does not take.
    """
    return lambda command: _with(command, but)


def _with(command: Command, but: Collection[str]) -> Command:
    own = list(inspect.signature(command, eval_str=True).parameters.values())
    shared = inspect.signature(_shared, eval_str=True).parameters.values()
    added = [parameter for parameter in shared if parameter.name not in but]
    first = next(i for i, parameter in enumerate(own) if parameter.name in _OUTPUT)
    names = {parameter.name for parameter in own}

    @functools.wraps(command)
    def taking(**given: Any) -> None:
        command(**{name: value for name, value in given.items() if name in names})

    whole = inspect.Signature([*own[:first], *added, *own[first:]])
    taking.__signature__ = whole  # type: ignore[attr-defined]
    taking.__annotations__ = {each.name: each.annotation for each in whole.parameters.values()}
    return taking
