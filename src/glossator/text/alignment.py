"""Word alignment of two texts: what they share in order, and what stands in place of what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from glossator.text.words import Span
from glossator.types import Unit

Place = tuple[Span, Span]
"""Characters of one text, and those of another that stand there instead; either may be empty."""

Block = tuple[tuple[int, ...], tuple[int, ...]]
"""Units of one text and the units of another that stand in their place."""


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which units of two texts belong together.

    Attributes:
        rest: units that both texts have, as (in the first, in the second), in order.
        part: units that were changed, with what stands in their place, in order of the first.
        alone: units of the first and of the second text that have no partner and lie in no
            changed place.
    """

    rest: tuple[tuple[int, int], ...]
    part: tuple[Block, ...]
    alone: Block = ((), ())


def align(first: Sequence[Unit], second: Sequence[Unit], places: Sequence[Place] = ()) -> Alignment:
    """Lay two texts side by side, unit by unit.

    Units that a place touches are the changed part; the others are matched by the longest
    common subsequence of their words. Without places, whatever lies between two matches is a
    changed part.

    Args:
        first, second: units of each text, in order.
        places: where the second text differs, in characters of the first and of the second.

    Returns:
        Indices into `first` and `second`; each unit occurs once.

    Example:
        >>> def units(text):
        ...     found, at = [], 0
        ...     for word in text.split():
        ...         found.append(Unit(word, at, at + len(word), (0,), True, "prompt"))
        ...         at += len(word) + 1
        ...     return found
        >>> align(units("the dog is old"), units("the dogs are old"), [((4, 10), (4, 12))])
        Alignment(rest=((0, 0), (3, 3)), part=(((1, 2), (1, 2)),), alone=((), ()))
    """
    part = _blocks(first, second, places)
    taken = [{i for block in part for i in block[side]} for side in (0, 1)]
    free = [
        [i for i in range(len(units)) if i not in taken[side]]
        for side, units in enumerate((first, second))
    ]
    matches = common([first[i].text for i in free[0]], [second[i].text for i in free[1]])
    rest = tuple((free[0][i], free[1][j]) for i, j in matches)
    if not places:
        return Alignment(rest, _gaps(rest, len(first), len(second)))
    met = [{pair[side] for pair in rest} for side in (0, 1)]
    alone = tuple(tuple(i for i in free[side] if i not in met[side]) for side in (0, 1))
    return Alignment(rest, part, (alone[0], alone[1]))


def common(first: Sequence[str], second: Sequence[str]) -> tuple[tuple[int, int], ...]:
    """A longest common subsequence of two lists of words, case ignored; early matches first.

    Example:
        >>> common("a b c d".split(), "B d c".split())
        ((1, 0), (2, 2))
    """
    ours, theirs = ([word.casefold() for word in words] for words in (first, second))
    # length[i][j] = how many words ours[i:] and theirs[j:] have in common, in order
    length = [[0] * (len(theirs) + 1) for _ in range(len(ours) + 1)]
    for i in reversed(range(len(ours))):
        for j in reversed(range(len(theirs))):
            same = ours[i] == theirs[j]
            down, right = length[i + 1][j], length[i][j + 1]
            length[i][j] = 1 + length[i + 1][j + 1] if same else max(down, right)
    found, i, j = [], 0, 0
    while i < len(ours) and j < len(theirs):
        if ours[i] == theirs[j]:
            found.append((i, j))
            i, j = i + 1, j + 1
        elif length[i][j + 1] >= length[i + 1][j]:
            j += 1
        else:
            i += 1
    return tuple(found)


def _blocks(
    first: Sequence[Unit], second: Sequence[Unit], places: Sequence[Place]
) -> tuple[Block, ...]:
    """The units that each place touches; places that share a unit are one."""
    blocks: list[tuple[set[int], set[int]]] = []
    for ours, theirs in places:
        new = (_touched(first, ours), _touched(second, theirs))
        for old in [each for each in blocks if each[0] & new[0] or each[1] & new[1]]:
            blocks.remove(old)
            new = (new[0] | old[0], new[1] | old[1])
        blocks.append(new)
    ordered = sorted((sorted(ours), sorted(theirs)) for ours, theirs in blocks if ours or theirs)
    return tuple((tuple(ours), tuple(theirs)) for ours, theirs in ordered)


def _touched(units: Sequence[Unit], span: Span) -> set[int]:
    return {i for i, unit in enumerate(units) if unit.start < span[1] and span[0] < unit.end}


def _gaps(rest: Sequence[tuple[int, int]], ours: int, theirs: int) -> tuple[Block, ...]:
    """What lies between neighbouring matches."""
    ends = [(-1, -1), *rest, (ours, theirs)]
    gaps = (
        (tuple(range(before[0] + 1, after[0])), tuple(range(before[1] + 1, after[1])))
        for before, after in pairwise(ends)
    )
    return tuple(gap for gap in gaps if gap[0] or gap[1])
