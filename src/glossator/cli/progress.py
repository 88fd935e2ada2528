"""What a run says on standard error: its cost before it starts, and how far it is."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from logging import getLogger
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


class Report(Protocol):
    """What the Python API calls while it works."""

    def __call__(self, method: str, done: float, planned: int) -> None:
        """Rows done of rows planned by a method; first with 0, before any is run."""


@contextmanager
def reporting(quiet: bool) -> Iterator[Report | None]:
    """A reporter for `progress=`; None when quiet.

    Where standard error is no terminal only the cost estimates are printed. Warnings become
    one line each.
    """
    _hush_loading(quiet)
    with warnings.catch_warnings():
        if quiet:
            warnings.simplefilter("ignore")
            yield None
        else:
            warnings.showwarning = _print_warning
            with _bars() as report:
                yield report


@contextmanager
def _bars() -> Iterator[Report]:
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    bars = Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    task: TaskID | None = None

    def report(method: str, done: float, planned: int) -> None:
        nonlocal task
        if done == 0:
            console.print(f"{method}: {planned:,} forward rows at most", markup=False)
            bars.start()
            if task is not None:
                bars.remove_task(task)
            task = bars.add_task(method, total=planned)
        elif task is not None:
            bars.update(task, completed=round(done))

    try:
        yield report
    finally:
        bars.stop()


def _print_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"glossator: note: {' '.join(str(message).split())}", file=sys.stderr)


def _hush_loading(quiet: bool) -> None:
    """Let transformers' own bars vanish when done, and keep them off what is no terminal.

    Download bars of the hub stay, unless quiet.
    """
    from transformers.utils import logging

    # Where torchao is installed, it and torch tell of kernels for other machines at its import.
    for name in ("torchao", "torch.utils._pytree"):
        getLogger(name).setLevel("ERROR")
    if quiet:
        logging.disable_progress_bar()
        logging.set_verbosity_error()
    disable = quiet or not sys.stderr.isatty()

    def passing(factory: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return factory(*args, **kwargs | {"leave": False, "disable": disable})

    logging.set_tqdm_hook(passing)
