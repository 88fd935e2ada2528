"""Programs that a test interrupts by Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Sequence


def start(command: Sequence[str]) -> subprocess.Popen[str]:
    """Start a program that heeds Ctrl-C, even where the tests do not.

    A shell that runs the tests in the background has them, and what they start, ignore it.
    """
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
