"""speed.json as a page (speed.md) and a figure (speed.svg).

python -m benchmarks.report docs/benchmarks/speed.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figure import draw

COLUMNS = (
    "tool",
    "time (s)",
    "times ours",
    "asked",
    "runs",
    "rows",
    "forward positions",
    "backward positions",
    "peak memory (MiB)",
    "agreement with ours",
)

NOTES = """\
- **time**: median of interleaved runs; **times ours**: that time over ours; **asked**: the ratio
  this project set itself, with ✓ where it is met in this run.
- **rows** and **positions** are counted at the model's first block, for the last run. Ours asks
  many rows and computes each distinct prefix once; a peer computes every position of every row.
  Ours include padding to multiples of 16 and, in every explanation, the row with no token left.
- **peak memory**: growth of the process above the loaded model, in a process of its own.
  "glossator, lean" is held by `max_memory` to about what the leanest tool needs.
- **agreement**: largest absolute difference (and as a share of the largest score), and Pearson's
  correlation, against the same quantity computed by us; empty where both draw at random or the
  tool computes something else. See agreement.md for those.
- captum and shap take the prompt's tokens as players, and so do we in their two tables (a line more
  shows all players). In the others inseq and we take earlier generated tokens too, so we answer
  more than captum for the time shown. captum's Kernel SHAP explains the whole continuation only,
  ours each target.
- captum's default token-by-token loop is wrong with transformers 5; it is run with
  `forward_in_tokens=False`. "lean": shap with a value function of ours that reads the targets
  only; without it shap uses its own text model. "16 rows a pass": an option inseq hands to captum.
- inseq's LIME perturbs embeddings by adding token numbers to them, so only its time is compared.
"""


def write(path: Path) -> None:
    """Write speed.md and speed.svg beside a speed.json."""
    found = json.loads(path.read_text())
    path.with_suffix(".md").write_text(page(found))
    if "growth" in found:
        draw(found["growth"], path.with_suffix(".svg"))


def page(found: dict[str, Any]) -> str:
    """The whole page."""
    parts = ["# Speed against captum, inseq and shap\n", _machine(found)]
    parts += [_shape(shape) for shape in found["shapes"].values()]
    parts.append("## How to read the tables\n\n" + NOTES)
    if "half" in found:
        parts.append(_half(found["half"]))
    if "growth" in found:
        parts.append(_growth(found["growth"]))
    return "\n".join(parts)


def _machine(found: dict[str, Any]) -> str:
    machine = found["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = [
        "Made by `make bench`; do not edit. One process, the same model object, ids, baseline",
        "token and number of threads for every tool, float32, random weights.",
        "",
        f"- {machine['date']}; {machine['processor']}, {machine['cores']} cores, "
        f"{machine['instructions']}, {machine['memory_bytes'] / 2**30:.0f} GiB; "
        f"{machine['threads']} threads",
        f"- {versions}",
        f"- load average {machine['load_average']} at the start, "
        f"{machine['load_average_at_end']} at the end; the others' share of the machine during "
        "each run is in speed.json",
        *(f"- interrupted, and gone on with at {date}" for date in machine["went_on"]),
    ]
    if found["quick"]:
        lines.insert(0, "**A smoke run on tiny sizes: the ratios mean nothing.**\n")
    return "\n".join(lines) + "\n"


def _shape(shape: dict[str, Any]) -> str:
    sizes, (prompt, continuation) = shape["shape"], shape["tokens"]
    peak = max(shape["matmul_peaks"])
    lines = [
        f"## {sizes['name']}: {sizes['layers']} layers, width {sizes['width']}, "
        f"vocabulary {sizes['vocabulary']:,}; N = {prompt}, T = {continuation}\n",
        f"Matmul peak measured in this run: {peak / 1e9:.0f} GFLOP/s. Leave-one-out needs "
        f"{shape['leave_one_out_operations'] / 1e9:.1f} GFLOP and "
        f"{shape['distinct_prefixes']:,} distinct prefixes{_ours(shape)}.\n",
    ]
    for job in shape["jobs"]:
        lines.append(f"### {job['title']}\n")
        lines.append("| " + " | ".join(COLUMNS) + " |")
        lines.append("|---" + "|---:" * (len(COLUMNS) - 2) + "|---|")
        lines += [_row(line) for line in job["lines"]]
        lines.append("")
    return "\n".join(lines)


def _ours(shape: dict[str, Any]) -> str:
    """What our leave-one-out made of that; empty where it was not run."""
    if shape["share_of_peak"] is None:
        return ""
    line = next(job for job in shape["jobs"] if job["name"] == "leave_one_out")["lines"][0]
    return (
        f"; ours computed {line['reported_positions']:,}, the row with no token left among them, "
        f"and reached {shape['share_of_peak']:.0%} of the peak in its fastest run (asked: 70% "
        f"at gpt2){_sustained(shape)}"
    )


def _sustained(shape: dict[str, Any]) -> str:
    """The peak is of one product, a tenth of a second, on a machine whose rate moves."""
    shares = shape.get("sustained_shares")
    if not shares:
        return ""
    return (
        f"; of what products sustained in the seconds before and after each run, "
        f"{median(shares):.0%} (median of {len(shares)} runs, {min(shares):.0%} to "
        f"{max(shares):.0%})"
    )


def _row(line: dict[str, Any]) -> str:
    ratio, asked = line["ratio"], line["asked_ratio"]
    met = f"{asked:g} {'✓' if ratio and ratio >= asked else '✗'}" if asked and ratio else ""
    memory = f"{line['peak_bytes'] / 2**20:,.0f}" if line.get("peak_bytes") is not None else ""
    if "memory_note" in line:
        memory += f" ({line['memory_note']})"
    cells = (
        line["label"],
        f"{line['median_seconds']:.3f}",
        f"{ratio:.2f}" if ratio else "",
        met,
        str(len(line["seconds"])),
        f"{line['forward_rows']:,}",
        f"{line['token_positions']:,}",
        f"{line['backward_positions']:,}",
        memory,
        _agreement(line.get("agreement")),
    )
    return "| " + " | ".join(cells) + " |"


def _agreement(found: dict[str, Any] | None) -> str:
    if found is None:
        return ""
    share = found["largest"] / found["scale"]
    return f"{found['largest']:.1e} ({share:.0e}); r = {found['correlation']:.6f}"


def _half(half: dict[str, Any]) -> str:
    seconds, peaks, found = half["median_seconds"], half["matmul_peaks"], half["agreement"]
    wide, narrow = seconds["float32"], seconds["bfloat16"]
    return "\n".join(
        [
            "## bfloat16 beside float32\n",
            f"Leave-one-out at the {half['shape']} shape: {wide:.3f} s in float32, {narrow:.3f} s "
            f"in bfloat16 ({wide / narrow:.2f} times as fast). Matmul peak: "
            f"{peaks['float32'] / 1e9:.0f} and {peaks['bfloat16'] / 1e9:.0f} GFLOP/s; where the "
            "second is not the larger, this processor has no bfloat16 instructions and emulates "
            "them.",
            f"Error of bfloat16: largest {found['largest']:.3f} on a scale of "
            f"{found['scale']:.3f} nats, correlation {found['correlation']:.4f}.\n",
        ]
    )


def _growth(points: list[dict[str, Any]]) -> str:
    lines = [
        "## Cost against N and T\n",
        "Small shape; N varies at T = 16, T at N = 64. Hollow points were not run: their "
        "positions follow from the plan, their time from the pace of the run before.\n",
        "![time and token positions against N and T](speed.svg)\n",
        "| what | tool | N | T | time (s) | positions | |",
        "|---|---|---:|---:|---:|---:|---|",
    ]
    for point in points:
        mark = "" if point["measured"] else "not run: predicted"
        lines.append(
            f"| {point['function']} | {point['tool']} | {point['N']} | {point['T']} | "
            f"{point['seconds']:.3f} | {point['positions']:,} | {mark} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
