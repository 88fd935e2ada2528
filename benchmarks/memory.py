"""Peak memory of one function of one tool, above the loaded model, in a process of its own.

    python -m benchmarks.memory small captum leave_one_out --tokens 64 16

The peak is the kernel's (VmHWM, reset before the run), so that nothing between two samples is
missed. A tiny run of the same tool comes first: libraries, threads and caches are not counted.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.jobs import SIDES, side
from benchmarks.models import SHAPES, build_case, build_model
from benchmarks.work import Run, Work


def peak_above(run: Run) -> int:
    """Bytes that the process grew by at its largest during the run."""
    gc.collect()
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    run()
    return _status("VmHWM") - before


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(f"/proc/self/status has no {field}")


def measure(
    shape: str, tool: str, function: str, tokens: tuple[int, int], **extra: Any
) -> int | None:
    """Peak bytes above the model, measured in a child process; None where that failed."""
    command = [sys.executable, "-m", "benchmarks.memory", shape, tool, function]
    command += ["--tokens", *map(str, tokens)]
    for name, value in extra.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    if child.returncode:
        print(f"  memory of {tool}: {child.stderr.strip().splitlines()[-1]}", file=sys.stderr)
        return None
    return int(json.loads(child.stdout.splitlines()[-1])["peak_bytes"])


def main() -> None:
    """Measure one function of one tool and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("tool", choices=SIDES)
    parser.add_argument("function")
    parser.add_argument("--tokens", nargs=2, type=int, default=(64, 16))
    parser.add_argument("--last-targets", type=int, default=None)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    shape = SHAPES[asked.shape]
    model = build_model(shape)
    work = Work(last_targets=asked.last_targets)
    function = side(asked.tool)[asked.function]
    function(build_case(shape, 8, 2, model), Work())()
    run = function(build_case(shape, asked.tokens[0], asked.tokens[1], model), work)
    print(json.dumps({"peak_bytes": peak_above(run)}))


if __name__ == "__main__":
    main()
