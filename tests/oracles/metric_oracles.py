"""Slow, plain re-implementations of the metrics, one target and one word at a time.

A game is a function from a frozenset of players to a number; scores are a dictionary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, permutations
from math import ceil, isnan, log, nan, sqrt

Value = Callable[[frozenset[int]], float]
Scores = dict[int, float]


def ranking(scores: Scores) -> list[int]:
    return sorted(scores, key=lambda i: (-scores[i], i))


def without(scores: Scores, count: int) -> frozenset[int]:
    return frozenset(ranking(scores)[count:])


def alone(scores: Scores, count: int) -> frozenset[int]:
    return frozenset(ranking(scores)[:count])


def how_many(scores: Scores, share: float) -> int:
    return ceil(round(share * len(scores), 9))


def comprehensiveness(value: Value, scores: Scores, shares: Sequence[float]) -> float:
    full = value(frozenset(scores))
    lost = [full - value(without(scores, how_many(scores, share))) for share in shares]
    return sum(lost) / len(lost)


def sufficiency(value: Value, scores: Scores, shares: Sequence[float]) -> float:
    full = value(frozenset(scores))
    lost = [full - value(alone(scores, how_many(scores, share))) for share in shares]
    return sum(lost) / len(lost)


def aopc(value: Value, scores: Scores, most: int | None) -> float:
    last = len(scores) if most is None else min(most, len(scores))
    full = value(frozenset(scores))
    return sum(full - value(without(scores, k)) for k in range(last + 1)) / (last + 1)


def dffot(value: Value, scores: Scores, limit: float) -> float:
    if value(frozenset(scores)) <= limit:
        return nan
    for k in range(1, len(scores) + 1):
        if value(without(scores, k)) <= limit:
            return k / len(scores)
    return nan


def dfmit(value: Value, scores: Scores, limit: float) -> float:
    if value(frozenset(scores)) <= limit:
        return nan
    return float(value(without(scores, 1)) <= limit)


def log_odds(value: Value, scores: Scores, share: float) -> float:
    """Of values that are probabilities."""
    full = value(frozenset(scores))
    return log(value(without(scores, how_many(scores, share)))) - log(full)


def area(heights: list[float]) -> float:
    steps = len(heights) - 1
    return sum((heights[k] + heights[k + 1]) / 2 / steps for k in range(steps))


def deletion(value: Value, scores: Scores) -> float:
    return area([value(without(scores, k)) for k in range(len(scores) + 1)])


def insertion(value: Value, scores: Scores) -> float:
    return area([value(alone(scores, k)) for k in range(len(scores) + 1)])


def monotonicity(value: Value, scores: Scores, graded: bool) -> float:
    rising = sorted(scores, key=lambda i: (scores[i], i))
    heights = [value(frozenset(rising[:k])) for k in range(len(rising) + 1)]
    steps = [later >= earlier for earlier, later in zip(heights, heights[1:], strict=False)]
    return sum(steps) / len(steps) if graded else float(all(steps))


def infidelity(value: Value, scores: Scores, kept: list[frozenset[int]], normalize: bool) -> float:
    full = value(frozenset(scores))
    lost = [full - value(keep) for keep in kept]
    told = [sum(score for i, score in scores.items() if i not in keep) for keep in kept]
    if normalize:
        size = sum(t * t for t in told)
        factor = sum(t * x for t, x in zip(told, lost, strict=True)) / size if size else 0
        told = [factor * t for t in told]
    return sum((t - x) ** 2 for t, x in zip(told, lost, strict=True)) / len(kept)


def soft_lost(value: Value, players: frozenset[int], kept: list[frozenset[int]]) -> float:
    full, empty = value(players), value(frozenset())
    if full <= empty:
        return nan
    return sum(max(0.0, full - value(keep)) for keep in kept) / len(kept) / (full - empty)


def completeness(value: Value, scores: Scores) -> float:
    return abs(sum(scores.values()) - value(frozenset(scores)) + value(frozenset()))


def every(players: Iterable[int]) -> list[frozenset[int]]:
    return [frozenset(s) for k in range(len(list(players)) + 1) for s in combinations(players, k)]


def dummy(value: Value, scores: Scores, tolerance: float) -> float:
    """Over all coalitions."""
    sets = every(scores)

    def changes(i: int) -> float:
        return max(abs(value(s | {i}) - value(s - {i})) for s in sets)

    idle = [i for i in scores if changes(i) <= tolerance]
    largest = max(abs(score) for score in scores.values())
    return max(abs(scores[i]) for i in idle) / largest if idle and largest else nan


def symmetry(value: Value, scores: Scores, tolerance: float) -> float:
    """Over all coalitions."""
    sets = every(scores)
    gaps = []
    for i, j in combinations(scores, 2):
        rest = [s - {i, j} for s in sets]
        if all(abs(value(s | {i}) - value(s | {j})) <= tolerance for s in rest):
            gaps.append(abs(scores[i] - scores[j]))
    largest = max(abs(score) for score in scores.values())
    return max(gaps) / largest if gaps and largest else nan


def polarity(value: Value, scores: Scores, top: int | None) -> float:
    full = frozenset(scores)
    effect = {i: value(full) - value(full - {i}) for i in scores}
    signed = [i for i in scores if scores[i] and effect[i]]
    signed.sort(key=lambda i: (-abs(scores[i]), i))
    looked = signed[:top]
    return sum(scores[i] * effect[i] > 0 for i in looked) / len(looked) if looked else nan


def relative_change(again: list[Scores], scores: Scores) -> float:
    length = sqrt(sum(score**2 for score in scores.values()))
    moves = [sqrt(sum((other[i] - scores[i]) ** 2 for i in scores)) for other in again]
    return max(moves) / length if length else nan


def token_scores(marked: set[int], scores: Scores, top: int | None) -> tuple[float, float, float]:
    marked = marked & set(scores)
    chosen = set(ranking(scores)[: len(marked) if top is None else top])
    if not marked or not chosen:
        return nan, nan, nan
    both = len(marked & chosen)
    precision, recall = both / len(chosen), both / len(marked)
    f1 = 2 * precision * recall / (precision + recall) if both else 0.0
    return precision, recall, f1


def spans(words: set[int]) -> list[set[int]]:
    found: list[set[int]] = []
    for word in sorted(words):
        if found and word - 1 in found[-1]:
            found[-1].add(word)
        else:
            found.append({word})
    return found


def iou_f1(marked: set[int], scores: Scores, top: int | None, overlap: float) -> float:
    marked = marked & set(scores)
    chosen = set(ranking(scores)[: len(marked) if top is None else top])
    if not marked or not chosen:
        return nan

    def met(span: set[int], others: list[set[int]]) -> bool:
        return any(len(span & other) / len(span | other) >= overlap for other in others)

    right = [met(span, spans(marked)) for span in spans(chosen)]
    found = [met(span, spans(chosen)) for span in spans(marked)]
    precision, recall = sum(right) / len(right), sum(found) / len(found)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def shortcut_precision(planted: set[int], scores: Scores) -> float:
    """The mean over all orders in which words of equal score can stand."""
    found = planted & set(scores)
    if not found:
        return nan
    shares = []
    for order in permutations(scores):
        top = sorted(order, key=lambda word: -scores[word])[: len(found)]
        shares.append(len(found & set(top)) / len(found))
    return sum(shares) / len(shares)


def shortcut_rank(planted: set[int], scores: Scores) -> float:
    planted = planted & set(scores)
    if not planted or len(planted) == len(scores):
        return nan
    worst_first = sorted(scores, key=lambda i: (-scores[i], i in planted))
    last = max(worst_first.index(i) for i in planted) + 1
    return (last - len(planted)) / (len(scores) - len(planted))


def necessity(value: Value, i: int, drawn: list[frozenset[int]], limit: float) -> float:
    cases = [s for s in drawn if value(s | {i}) > limit]
    return sum(value(s - {i}) <= limit for s in cases) / len(cases) if cases else nan


def sufficiency_of(value: Value, i: int, drawn: list[frozenset[int]], limit: float) -> float:
    cases = [s for s in drawn if value(s - {i}) <= limit]
    return sum(value(s | {i}) > limit for s in cases) / len(cases) if cases else nan


def least_size(players: Iterable[int], will_do: Callable[[frozenset[int]], bool]) -> int | None:
    return min((len(s) for s in every(players) if will_do(s)), default=None)


def same(ours: float, theirs: float, tolerance: float = 1e-9) -> bool:
    return (isnan(ours) and isnan(theirs)) or abs(ours - theirs) <= tolerance
