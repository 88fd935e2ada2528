"""Which passage made the model say this sentence?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glossator.errors import InputError
from glossator.model import Model
from glossator.run.explain import explain
from glossator.types import Explanation

TEMPLATE = "{documents}\n\n{question}"
"""The prompt around passages and question, unless another is given."""

SEPARATOR = "\n\n"

CITED_BY = "sparse_linear"
"""ContextCite: Cohen-Wang et al. 2024, arXiv 2409.00729."""


@dataclass(frozen=True, eq=False)
class Citation:
    """What each generated sentence owes to each passage.

    Attributes:
        explanation: a target for each generated sentence, a player for each passage.
        names: of the passages, in order.
        units: index of each passage among the explanation's units, in the same order.
    """

    explanation: Explanation
    names: tuple[str, ...]
    units: tuple[int, ...]


def cite(
    question: str,
    documents: Sequence[str] | Mapping[str, str],
    model: Model | str | Path | None = None,
    *,
    template: str = TEMPLATE,
    separator: str = SEPARATOR,
    method: str = CITED_BY,
    removal: str = "delete",
    **asked: Any,
) -> Citation:
    """Explain each sentence of an answer by the passages that stood in the prompt.

    The passages are the players; the question and what the template says are held fixed.

    Args:
        question: what the model is asked.
        documents: the passages, by name where they have names.
        model: as in `explain`.
        template: the prompt, with {documents} and {question} in it. separator: what stands
            between two passages.
        method: "sparse_linear" (ContextCite), "leave_one_out", or another that takes a game.
        removal: how an absent passage is represented.
        asked: further arguments of `explain` (continuation, max_new_tokens, samples, ...).

    Returns:
        Scores [sentences passages] in the explanation; positive = with the passage the sentence
        is likelier, in nats.

    Raises:
        InputError: fewer than two passages, an empty one, a template without its places, or as
            `explain`.

    Example:
        >>> found = cite("Where is the kite? The kite is in the",
        ...              ["Mia put the kite in the box.", "Tom put the ball in the bag."],
        ...              method="leave_one_out", max_new_tokens=1)
        >>> found.explanation.scores[:, list(found.units)].shape
        torch.Size([1, 2])
    """
    named = dict(documents) if isinstance(documents, Mapping) else _numbered(documents)
    prompt, spans = lay_out(question, list(named.values()), template, separator)
    chosen: dict[str, Any] = {"target_units": "sentences", "trust": False} | asked
    why = explain(prompt, model, units=spans, method=method, removal=removal, **chosen)
    players = tuple(i for i, unit in enumerate(why.units) if unit.player)
    return Citation(why, tuple(named), players)


def lay_out(
    question: str,
    documents: Sequence[str],
    template: str = TEMPLATE,
    separator: str = SEPARATOR,
) -> tuple[str, list[tuple[int, int]]]:
    r"""A retrieval prompt, and the characters of each passage in it.

    Raises:
        InputError: fewer than two passages, an empty one, or a template without its places.

    Example:
        >>> lay_out("Who?", ["Tom ran.", "Mia sat."], "{documents} {question}")
        ('Tom ran.\n\nMia sat. Who?', [(0, 8), (10, 18)])
    """
    if template.count("{documents}") != 1 or template.count("{question}") != 1:
        raise InputError(
            f"got the template {template!r}: write {{documents}} and {{question}} in it, once each"
        )
    passages = [document.strip() for document in documents]
    if len(passages) < 2:
        raise InputError(f"got {len(passages)} document(s): give two or more to choose from")
    if "" in passages:
        raise InputError(f"document {passages.index('') + 1} is empty: leave it out")
    before, after = (part.replace("{question}", question) for part in template.split("{documents}"))
    spans, at = [], len(before)
    for passage in passages:
        spans.append((at, at + len(passage)))
        at += len(passage) + len(separator)
    return before + separator.join(passages) + after, spans


def _numbered(documents: Sequence[str]) -> dict[str, str]:
    return {f"document {i}": document for i, document in enumerate(documents, 1)}
