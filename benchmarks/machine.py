"""The machine under the measurements: what it is, how busy it is, how fast it multiplies."""

from __future__ import annotations

import ctypes
import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

PACKAGES = ("torch", "transformers", "captum", "inseq", "shap", "numpy")
GEMMS = ((2048, 2048, 2048), (4096, 1024, 4096), (2048, 768, 3072), (1536, 3072, 768))
"""Rows, inner and columns of the products that the peak is taken over."""


def describe() -> dict[str, Any]:
    """Processor, memory, threads, load, date and versions."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.release()}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load_average": [round(x, 2) for x in os.getloadavg()],
        "versions": {"python": platform.python_version()} | _versions(),
    }


def made_by(command: str) -> str:
    """Where a page of figures comes from, in a line: command, date, machine, versions."""
    machine = describe()
    versions = [
        f"{name} {number}"
        for name, number in machine["versions"].items()
        if number != "not installed"
    ]
    return (
        f"Made by `{command}`; do not edit. {machine['date']}; {machine['processor']}, "
        f"{machine['cores']} cores, {machine['instructions']}; {', '.join(versions)}.\n"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


class OtherLoad:
    """Share of the machine that other processes used while the context was open.

    `share` is NaN where the system does not tell (it needs Linux's /proc/stat).
    """

    def __init__(self) -> None:
        self.share = float("nan")

    def __enter__(self) -> OtherLoad:
        self._start = _cpu_seconds()
        return self

    def __exit__(self, *error: object) -> None:
        start, end = self._start, _cpu_seconds()
        if start is None or end is None:
            return
        total, busy, own = (after - before for after, before in zip(end, start, strict=True))
        self.share = max(0.0, busy - own) / total if total > 0 else 0.0


def _cpu_seconds() -> tuple[float, float, float] | None:
    """Seconds of all cores since boot: in all, busy in all, and busy for this process."""
    try:
        line = Path("/proc/stat").read_text().splitlines()[0]
    except OSError:
        return None
    ticks = [int(field) for field in line.split()[1:9]]
    idle = ticks[3] + ticks[4]
    own = time.process_time()
    per_second = os.sysconf("SC_CLK_TCK")
    return sum(ticks) / per_second, (sum(ticks) - idle) / per_second, own


def keep_memory() -> bool:
    """Tell the allocator to keep freed memory, for all tools alike; False where it cannot.

    glibc otherwise returns large blocks to the system after each use, which costs some tools
    more page faults than others. In force for the rest of the process.
    """
    trim_threshold, mmap_max = -1, -4
    try:
        libc = ctypes.CDLL("libc.so.6")
        return bool(libc.mallopt(mmap_max, 0)) and bool(libc.mallopt(trim_threshold, 2**31 - 1))
    except (OSError, AttributeError):
        return False


def sustained_rate(seconds: float = 1.0) -> float:
    """The best rate that any product keeps up so long, in floating-point operations per second.

    The rate of a shared machine moves by half from second to second, and one product takes a
    tenth of one: what runs for seconds is to be compared with this.
    """
    return max(_rate(rows, inner, columns, seconds) for rows, inner, columns in GEMMS)


def _rate(rows: int, inner: int, columns: int, seconds: float) -> float:
    left, right = torch.randn(rows, inner), torch.randn(inner, columns)
    torch.mm(left, right)
    done, passed, start = 0, 0.0, time.perf_counter()
    while passed < seconds:
        torch.mm(left, right)
        done, passed = done + 1, time.perf_counter() - start
    return 2 * rows * inner * columns * done / passed


def matmul_peak(dtype: torch.dtype = torch.float32, repeats: int = 5) -> float:
    """The best rate of any product and repeat, in floating-point operations per second."""
    best = 0.0
    for rows, inner, columns in GEMMS:
        left = torch.randn(rows, inner).to(dtype)
        right = torch.randn(inner, columns).to(dtype)
        for _ in range(repeats):
            start = time.perf_counter()
            torch.mm(left, right)
            seconds = time.perf_counter() - start
            best = max(best, 2 * rows * inner * columns / seconds)
    return best
