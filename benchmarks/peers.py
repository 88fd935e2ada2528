"""Glossator against captum, inseq and shap: same model, ids and threads, one process.

    python -m benchmarks.peers                 # everything, to docs/benchmarks
    python -m benchmarks.peers --quick         # a smoke run of a minute or two
    python -m benchmarks.peers --shapes small --jobs leave_one_out --tools glossator captum

Time: median of interleaved runs. Memory: a child process per line. Rows and positions: counted
at the model's first block. The result is speed.json, from which speed.md and speed.svg are made.
An interrupted run leaves speed.partial.json; the same command goes on after the last whole job.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from benchmarks import memory, report
from benchmarks.compare import agree
from benchmarks.flops import distinct_prefixes, leave_one_out_operations
from benchmarks.growth import grow
from benchmarks.half import half_precision
from benchmarks.jobs import JOBS, OURS, SIDES, Entry, Job, side
from benchmarks.machine import describe, keep_memory, matmul_peak, sustained_rate
from benchmarks.meter import Timing, interleave
from benchmarks.models import SHAPES, Case, build_case, build_model
from benchmarks.work import Run, Work

SHARES = 15
"""Runs of leave-one-out that are set beside what products sustain just before and just after."""


def tell(line: str) -> None:
    """Progress, on stderr."""
    print(line, file=sys.stderr, flush=True)


def available(tools: list[str]) -> list[str]:
    """Of the tools asked for, those that can be imported; each missing one is told."""
    found = []
    for tool in tools:
        try:
            side(tool)
        except ImportError as error:
            tell(f"{tool} is left out: {error}")
        else:
            found.append(tool)
    return found


def prepare(entries: list[Entry], case: Case, work: Work) -> dict[str, Run]:
    """The calls of one job, by label, each warmed up on a tiny text."""
    tiny = build_case(case.shape, 8, 2, case.model)
    for entry in entries:
        side(entry.tool)[entry.function](tiny, work)()
    return {entry.label: side(entry.tool)[entry.function](case, work) for entry in entries}


def entries_of(job: Job, shape: str, asked: argparse.Namespace) -> list[Entry]:
    """Who answers this question here."""
    return [each for each in job.entries if each.tool in asked.tools and shape in each.shapes]


def run_job(job: Job, case: Case, work: Work, asked: argparse.Namespace) -> dict[str, Any]:
    """Time one job for all its tools, compare their numbers, measure their memory."""
    title = job.title.format(**asdict(work))
    tell(f"{case.shape.name}: {title}")
    entries = entries_of(job, case.shape.name, asked)
    calls = prepare(entries, case, work)
    timings = interleave(calls, case.model, most=asked.repeats, budget=asked.budget, tell=tell)
    lines = [_line(entry, timings, case, work) for entry in entries]
    del calls, timings
    gc.collect()
    if not asked.no_memory and not (asked.quick and job is not JOBS[0]):
        for entry, line in zip(entries, lines, strict=True):
            _measure_memory(entry, line, case, asked)
    return {"name": job.name, "title": title, "lines": lines}


def _line(entry: Entry, timings: dict[str, Timing], case: Case, work: Work) -> dict[str, Any]:
    timing = timings[entry.label]
    ours = timings.get(OURS)
    line: dict[str, Any] = {
        "label": entry.label,
        "tool": entry.tool,
        "median_seconds": timing.median,
        "seconds": timing.seconds,
        "processor_seconds": timing.processor,
        "others_share": timing.others,
        **asdict(timing.count),
        "asked_ratio": entry.asked.get(case.shape.name),
        "ratio": timing.median / ours.median if ours and entry.label != OURS else None,
    }
    line["forward_rows"] = timing.result.rows or line["forward_rows"]
    line["reported_positions"] = timing.result.positions
    if timing.result.backward_rows:
        row = len(case.ids) - 1
        line["backward_positions"] = timing.result.backward_rows * row
    if entry.definition and OURS in timings:
        same = side(OURS)[entry.definition](case, work)().scores
        theirs = timing.result.scores
        line["agreement"] = asdict(agree(same.abs() if entry.unsigned else same, theirs))
    return line


def _measure_memory(
    entry: Entry, line: dict[str, Any], case: Case, asked: argparse.Namespace
) -> None:
    extra = {"threads": asked.threads}
    # inseq's peak is at its last target, whose rows are longest: the last two are enough.
    if entry.tool == "inseq" and line["median_seconds"] > asked.budget:
        extra["last_targets"] = 2
        line["memory_note"] = "the last 2 targets"
    tokens = (len(case.prompt), len(case.continuation))
    line["peak_bytes"] = memory.measure(
        case.shape.name, entry.tool, entry.function, tokens, **extra
    )


def run_shape(
    name: str, asked: argparse.Namespace, found: dict[str, Any], save: Callable[[], None]
) -> None:
    """All jobs on one shape that `found` does not hold yet, each between two matmul peaks."""
    prompt, continuation = asked.tokens
    shape = SHAPES[name]
    case = build_case(shape, prompt, continuation, build_model(shape))
    work = Work()
    operations = leave_one_out_operations(shape, prompt, continuation)
    found |= {
        "shape": asdict(shape),
        "tokens": [prompt, continuation],
        "work": asdict(work),
        "distinct_prefixes": distinct_prefixes(case),
        "leave_one_out_operations": operations,
    }
    peaks, jobs = found.setdefault("matmul_peaks", []), found.setdefault("jobs", [])
    peaks.append(matmul_peak())
    for job in JOBS:
        done = job.name in [each["name"] for each in jobs]
        if job.name in asked.jobs and not done and entries_of(job, name, asked):
            jobs.append(run_job(job, case, work, asked))
            peaks.append(matmul_peak())
            found["share_of_peak"] = _share(jobs, operations, max(peaks))
            save()
    if found["share_of_peak"] is not None and "sustained_shares" not in found and not asked.quick:
        tell(f"{name}: share of the sustained peak")
        found["sustained_shares"] = _sustained_shares(case, work, operations)
        save()


def _share(jobs: list[dict[str, Any]], operations: int, peak: float) -> float | None:
    for job in jobs:
        for line in job["lines"]:
            if job["name"] == "leave_one_out" and line["label"] == OURS:
                fastest: float = min(line["seconds"])
                return operations / fastest / peak
    return None


def _sustained_shares(case: Case, work: Work, operations: int) -> list[float]:
    """Of each run: its rate over what products sustained just before and just after it."""
    leave_one_out = side(OURS)["leave_one_out"](case, work)
    leave_one_out()
    shares, before = [], sustained_rate()
    for _ in range(SHARES):
        start = time.perf_counter()
        leave_one_out()
        rate = operations / (time.perf_counter() - start)
        after = sustained_rate()
        shares.append(2 * rate / (before + after))
        before = after
    return shares


def parse() -> argparse.Namespace:
    """The command line; --quick replaces sizes, repeats and budgets."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: tiny sizes")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--jobs", nargs="+", default=[job.name for job in JOBS])
    parser.add_argument("--tools", nargs="+", choices=SIDES, default=list(SIDES))
    parser.add_argument("--tokens", nargs=2, type=int, default=(64, 16), metavar=("N", "T"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5, help="most runs of each tool")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds a tool may repeat")
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--no-growth", action="store_true")
    parser.add_argument("--no-half", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks"))
    asked = parser.parse_args()
    if asked.quick:
        asked.shapes, asked.tokens = ["small"], (16, 4)
        asked.repeats, asked.budget = 2, 2.0
    return asked


def finite(value: Any) -> Any:
    """The same with NaN and infinity as None: JSON has no such numbers."""
    if isinstance(value, dict):
        return {key: finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def begin(asked: argparse.Namespace, machine: dict[str, Any], partial: Path) -> dict[str, Any]:
    """An empty record, or what an interrupted run of the same command has left."""
    fresh: dict[str, Any] = {
        "quick": asked.quick,
        "machine": machine | {"went_on": []},
        "command": " ".join(sys.argv[1:]),
        "shapes": {},
    }
    if not partial.exists():
        return fresh
    left: dict[str, Any] = json.loads(partial.read_text())
    same = ("processor", "cores", "threads", "versions")
    if left["command"] != fresh["command"] or any(left["machine"][k] != machine[k] for k in same):
        tell(f"{partial} is of another command or machine: beginning anew")
        return fresh
    done = [f"{name}: {job['name']}" for name, s in left["shapes"].items() for job in s["jobs"]]
    tell(f"going on with {partial}; done: {', '.join(done)}")
    left["machine"]["went_on"].append(machine["date"])
    return left


def run(asked: argparse.Namespace) -> None:
    """Run what was asked and write speed.json, speed.md and speed.svg; may be interrupted."""
    warnings.simplefilter("ignore")
    asked.tools = available(asked.tools)
    torch.set_num_threads(asked.threads)
    machine = describe() | {"allocator_keeps_memory": keep_memory()}
    asked.out.mkdir(parents=True, exist_ok=True)
    path, partial = asked.out / "speed.json", asked.out / "speed.partial.json"
    found = begin(asked, machine, partial)

    def save() -> None:
        partial.write_text(json.dumps(finite(found), indent=1, allow_nan=False) + "\n")

    for name in asked.shapes:
        run_shape(name, asked, found["shapes"].setdefault(name, {}), save)
    if not asked.no_half and OURS in asked.tools:
        found["half"] = half_precision("small", asked.tokens, tell)
    if not asked.no_growth:
        found["growth"] = grow(asked.tools, quick=asked.quick, tell=tell)
    found["machine"]["load_average_at_end"] = describe()["load_average"]
    save()
    partial.replace(path)
    report.write(path)
    tell(f"wrote {path}, speed.md and speed.svg beside it")


if __name__ == "__main__":
    run(parse())
