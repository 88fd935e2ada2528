"""bfloat16 beside float32: time and error of leave-one-out, and of the plain products.

Processors without bfloat16 instructions emulate it and can be slower than in float32; the matmul
peak of both types says which kind this one is.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import torch

from benchmarks.compare import agree
from benchmarks.jobs import OURS, side
from benchmarks.machine import matmul_peak
from benchmarks.meter import interleave
from benchmarks.models import SHAPES, build_case, build_model
from benchmarks.work import Work

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def half_precision(
    shape: str, tokens: tuple[int, int], tell: Callable[[str], None]
) -> dict[str, Any]:
    """Leave-one-out in both types, three interleaved runs each, on the same weights and ids."""
    tell(f"{shape}: bfloat16 beside float32")
    work = Work()
    model = build_model(SHAPES[shape])
    calls = {}
    for name, dtype in DTYPES.items():
        narrowed: Any = copy.deepcopy(model)
        case = build_case(SHAPES[shape], *tokens, narrowed.to(dtype))
        calls[name] = side(OURS)["leave_one_out"](case, work)
    timings = interleave(calls, model, most=3, budget=60.0, tell=tell)
    wide, narrow = (timings[name].result.scores for name in DTYPES)
    return {
        "shape": shape,
        "tokens": list(tokens),
        "median_seconds": {name: timing.median for name, timing in timings.items()},
        "matmul_peaks": {name: matmul_peak(dtype, 2) for name, dtype in DTYPES.items()},
        "agreement": asdict(agree(wide, narrow)),
    }
