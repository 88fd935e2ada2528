"""The case study in pictures: all families and methods, and one text word by word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from recipes.training_randomness.families import FAMILIES
from recipes.training_randomness.measures import Measured
from recipes.training_randomness.relevances import Runs
from recipes.training_randomness.report import Key
from recipes.training_randomness.texts import Corpus, words

from glossator.render import boxplots
from glossator.render.figure import GRID, INK, MINUS, PLUS, drawn

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_PANELS = {
    "signal": "signal",
    "noise": "noise",
    "correlation": "expected correlation of two runs",
}


def families(found: dict[Key, Measured]) -> bytes:
    """Signal, noise and what follows for two runs, with intervals, a panel each; SVG."""
    shown = [(key, each) for key, each in found.items() if key[1] == "words"]
    labels = [f"{family}, {method}: {length}" for (length, _, family, method), _ in shown]

    def draw(figure: Figure) -> None:
        figure.set_size_inches(10, 0.28 * len(shown) + 1)
        panels = figure.subplots(1, 3, sharey=True)
        for axes, name in zip(panels, _PANELS, strict=True):
            for row, (key, each) in enumerate(shown):
                number = getattr(each, name)
                colour = PLUS if key[2] == "transformer" else MINUS
                axes.plot([number.low, number.high], [row, row], color=colour)
                axes.plot(number.value, row, "o", color=colour, markersize=4)
            axes.axvline(0, color=INK, linewidth=0.6)
            axes.set_title(_PANELS[name], fontsize=10)
            axes.grid(axis="x", color=GRID, linewidth=0.6)
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_yticks(range(len(shown)), labels, fontsize=8)
        panels[0].invert_yaxis()

    return drawn("svg", draw)


def by_word(corpus: Corpus, runs: dict[str, Runs], length: str = "short") -> bytes:
    """Relevances of the words of the middle text over the runs, a panel for each family; SVG."""
    number = len(corpus.explained[length]) // 2
    main = {family: next(iter(FAMILIES[family].methods)) for family in runs}
    tables = [runs[family].relevances[length, main[family]][number] for family in runs]
    scaled = [table / np.sqrt((table**2).mean(axis=1, keepdims=True)) for table in tables]
    return boxplots(
        words(corpus.explained[length][number].text),
        scaled,
        titles=[f"{family}, {method}" for family, method in main.items()],
        measure="scaled",
        kind="svg",
    )
