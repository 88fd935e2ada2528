"""A view of attention as a page of its own, or inside a notebook."""

from __future__ import annotations

import base64
import html
import json
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.render.attention import Heads, legend
from glossator.render.page import code, document, element, packed_json
from glossator.types import AttentionView

TITLE = "What the heads read"
STEPS = 65535  # shares are sent as whole numbers of such steps


def attention_html(
    view: AttentionView, standalone: bool = True, *, target: str | None = None
) -> str:
    """A view of attention to explore: choose a generated word, point at heads and at words.

    Args:
        view: what to show.
        standalone: a whole page; otherwise an element for a notebook's output.
        target: the generated word that is shown first, by number from 1 or by text.

    Returns:
        HTML that needs no network. Without JavaScript it shows a table.

    Raises:
        UnknownName: there is no such word.
    """
    heads = Heads(view)
    first = heads.find(target)
    shown = element("attention", _data(heads, first), _table(heads, first), _script())
    return document(TITLE, shown, _script()) if standalone else shown


def _data(heads: Heads, first: int) -> str:
    view = heads.view
    record: dict[str, Any] = {
        "title": TITLE,
        "text": view.text,
        "continuation": len(view.continuation),
        "units": [
            {"start": unit.start, "end": unit.end, "name": name}
            for unit, name in zip(view.units, heads.names, strict=True)
        ],
        "targets": [
            {"start": target.start, "end": target.end, "label": label}
            for target, label in zip(view.targets, heads.targets, strict=True)
        ],
        "layers": heads.layers,
        "heads": heads.heads,
        "first": first,
        "shares": _packed(heads.shares),
        "sink": _packed(view.first_token.double().numpy()),
        "legend": legend(view),
        "record": json.dumps(view.provenance, ensure_ascii=False, indent=1, default=str),
    }
    return packed_json(record)


def _packed(shares: NDArray[np.float64]) -> str:
    steps = np.rint(np.clip(shares, 0, 1) * STEPS).astype("<u2")
    return base64.b64encode(steps.tobytes()).decode()


@cache
def _script() -> str:
    return code(["explanation.css", "attention.css"], ["part.js", "attention.js"])


def _table(heads: Heads, target: int) -> str:
    """What is seen where no script runs: the word that each head reads most."""
    titles = "".join(f"<th>head {head}</th>" for head in range(heads.heads))
    rows = []
    for layer in range(heads.layers):
        cells = [heads.sources(target, layer, head)[0] for head in range(heads.heads)]
        texts = "".join(f"<td>{html.escape(name)} {share:.0%}</td>" for name, share in cells)
        rows.append(f"<tr><th>layer {layer}</th>{texts}</tr>")
    said = f"<p>{html.escape(TITLE)} to say {html.escape(heads.targets[target])}</p>"
    notes = "".join(f"<p>{html.escape(line)}</p>" for line in legend(heads.view))
    return f"{said}<table><tr><th></th>{titles}</tr>{''.join(rows)}</table>{notes}"
