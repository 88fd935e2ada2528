"""An explanation as a page of its own, or inside a notebook: one web component, nothing loaded.

Data, style and code are in the page. What the user wrote reaches it only as JSON whose "<" is
escaped, or as escaped text, and is never parsed as markup.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glossator.render.reading import Reading
from glossator.types import Explanation

_PAGE_STYLE = (
    "body { margin: 0; } @media (prefers-color-scheme: dark) { body { background: #161617; } }"
)


def to_html(explanation: Explanation, standalone: bool = True) -> str:
    """An explanation to explore: point at a generated word to see its sources.

    Args:
        explanation: what to show.
        standalone: a whole page; otherwise an element for a notebook's output.

    Returns:
        HTML that needs no network. Without JavaScript it shows a table.

    Example:
        >>> from glossator import explain
        >>> page = to_html(explain("Tom gave the kite to", max_new_tokens=1))
        >>> page.startswith("<!doctype html>"), "https:" in page
        (True, False)
    """
    shown = element("explanation", _data(explanation), _table(explanation), _script())
    return document(_title(explanation), shown, _script()) if standalone else shown


def element(name: str, data: str, plain: str, script: str) -> str:
    """A web component with its data and its code.

    Args:
        name: of the component, after "glossator-".
        data: JSON that is safe within a script element; see `packed_json`.
        plain: HTML that is seen where no script runs.
        script: the component's code.
    """
    return (
        f'<glossator-{name}><script type="application/json">{data}</script>'
        f"{plain}</glossator-{name}>\n<script>{script}</script>"
    )


def document(title: str, body: str, script: str) -> str:
    """A whole page that loads nothing and runs no code but the script given."""
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(_PAGE_STYLE)}'"
    )
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        f"<title>{html.escape(title)}</title><style>{_PAGE_STYLE}</style></head>\n"
        f"<body>{body}</body></html>\n"
    )


def packed_json(record: dict[str, Any]) -> str:
    """JSON that cannot close a script element."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def code(styles: Sequence[str], scripts: Sequence[str]) -> str:
    """The code of a component with its styles in it, from files of the package."""
    static = files("glossator.render") / "static"
    style, script = (
        "".join((static / name).read_text(encoding="utf-8") for name in names)
        for names in (styles, scripts)
    )
    return f"{{const GLOSSATOR_CSS={json.dumps(style)};\n{script}}}"


def _title(explanation: Explanation) -> str:
    return "Why the model said it" if explanation.continuation else "Why the model chose it"


def _data(explanation: Explanation) -> str:
    """The component's data."""
    reading, provenance = Reading(explanation), explanation.provenance
    best = np.nan_to_num(np.abs(reading.scores)).max(axis=1, initial=0.0)
    record: dict[str, Any] = {
        "title": _title(explanation),
        "facts": " · ".join(reading.facts()),
        "text": explanation.text,
        "continuation": len(explanation.continuation),
        "units": [
            {"start": u.start, "end": u.end, "player": u.player, "name": name}
            for u, name in zip(explanation.units, reading.names, strict=True)
        ],
        "targets": [
            {
                "start": t.start if _in_text(explanation, t.start, t.end) else 0,
                "end": t.end if _in_text(explanation, t.start, t.end) else 0,
                "label": reading.label(t),
                "value": reading.value(t),
                "verdict": reading.verdict(i),
            }
            for i, t in enumerate(explanation.targets)
        ],
        "first": int(best.argmax()) if len(best) else 0,
        "scores": _packed(reading.scores),
        "half": _packed(reading.half) if reading.sampled else None,
        "scale": reading.scale,
        "decimals": reading.decimals,
        "measure": reading.unit,
        "readout": reading.raised,
        "shares": reading.shares,
        "legend": reading.legend()[:1] + reading.legend()[2:],
        "record": json.dumps(
            {"provenance": asdict(provenance), "cost": asdict(explanation.cost)},
            ensure_ascii=False,
            indent=1,
            default=str,
        ),
    }
    return packed_json(record)


def _in_text(explanation: Explanation, start: int, end: int) -> bool:
    """Whether a target can be pointed at in the text: a contrast is not what was said."""
    return end > start and explanation.provenance.generation.get("contrast") is None


def _packed(table: NDArray[np.float64]) -> str:
    return base64.b64encode(table.astype("<f4").tobytes()).decode()


@cache
def _script() -> str:
    return code(["explanation.css"], ["part.js", "explanation.js"])


def _digest(inline: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()


def _table(explanation: Explanation) -> str:
    """What is seen where no script runs: the most decisive words of each target."""
    reading = Reading(explanation)
    rows = []
    for t, target in enumerate(explanation.targets):
        scores, half = reading.scores[t], reading.half[t]
        best = np.argsort(-np.nan_to_num(np.abs(scores)), kind="stable")[:5]
        words = ", ".join(
            f"{reading.names[u]} {reading.signed(scores[u])}{reading.half_text(half[u])}"
            for u in best
            if np.isfinite(scores[u])
        )
        value = " — ".join(filter(None, (reading.value(target), reading.verdict(t))))
        cells = (reading.label(target), value, words)
        rows.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
    head = "<tr><th>target</th><th>value</th><th>most decisive</th></tr>"
    caveat = f"<p>{html.escape(reading.caveat)}</p>" if reading.caveat else ""
    return f"<table>{head}{''.join(rows)}</table>{caveat}"
