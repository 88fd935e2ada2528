"""The least that leave-one-out must compute: distinct prefixes, and their operations."""

from __future__ import annotations

from benchmarks.models import Case, Shape


def distinct_prefixes(case: Case) -> int:
    """Distinct prefixes of the unperturbed row and of all rows with one token replaced.

    The last token is a target only, and so in no row. Counted from the rows themselves, not by
    formula. (An explanation also asks for the row without any token: one row more.)
    """
    row = tuple(case.ids[:-1].tolist())
    rows = [row, *(row[:i] + (case.baseline,) + row[i + 1 :] for i in range(len(row)))]
    return len({each[:end] for each in rows for end in range(1, len(each) + 1)})


def leave_one_out_operations(shape: Shape, prompt: int, continuation: int) -> int:
    """Floating-point operations of leave-one-out for all targets, prefixes shared.

    Two per weight of the blocks and position, two per weight of the head and target read, and
    four per width, layer and attended pair. Norms, softmaxes and activations are not counted.

    Args:
        shape: sizes of the model.
        prompt, continuation: numbers of tokens N and T.
    """
    length = prompt + continuation - 1
    positions = length + length * (length + 1) // 2
    reads = prompt * continuation + continuation * (continuation + 1) // 2
    clean = length * (length + 1) // 2
    attended = clean + sum(j * j for j in range(1, length + 1))
    body = 12 * shape.layers * shape.width**2
    head = shape.width * shape.vocabulary
    attention = 4 * shape.width * shape.layers
    return 2 * body * positions + 2 * head * reads + attention * attended
