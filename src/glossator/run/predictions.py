"""What a model predicts after texts, explained: each prediction once, however often it is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from glossator.errors import InputError
from glossator.model import Model
from glossator.run.explain import inquire
from glossator.run.kinds import KINDS
from glossator.types import Explanation, Unit

CONTINUING = ("causal", "encoder_decoder", "remote", "regenerated")
CLASSIFYING = ("classifier", "features")


@dataclass(frozen=True, eq=False)
class View:
    """One prediction of an explanation, seen from the words of the prompt.

    Attributes:
        explanation: with the prediction among its targets. target: its index there.
        said: the prediction: a continuation, or the name of a class.
    """

    explanation: Explanation
    target: int
    said: str

    @property
    def value(self) -> float:
        """The prediction's readout with every word present."""
        return float(self.explanation.full[self.target])

    @property
    def places(self) -> list[int]:
        """Index of each unit of the prompt that has a score."""
        scores = self.explanation.scores[self.target]
        return [
            i
            for i, unit in enumerate(self.explanation.units)
            if unit.part == "prompt" and bool(scores[i].isfinite())
        ]

    @property
    def units(self) -> list[Unit]:
        """These units."""
        return [self.explanation.units[i] for i in self.places]

    @property
    def scores(self) -> Float[np.ndarray, " words"]:
        """Their scores; positive = the unit raises the prediction's readout."""
        found: np.ndarray = self.explanation.scores[self.target, self.places].double().numpy()
        return found


class Predictions:
    """Explains what one model predicts, by one method.

    Args:
        model: one that continues a text, or a classifier.
        method, removal, options: as in `Inquiry.run`.
        asked: further arguments of `inquire`.
        given: the prediction to explain; None: the model's own.

    Raises:
        InputError: a model that does neither, or an argument that chooses other targets.
    """

    def __init__(
        self,
        model: Model,
        method: str,
        removal: str | None,
        options: dict[str, Any],
        asked: dict[str, Any],
        given: str | None = None,
    ) -> None:
        if model.kind not in (*CONTINUING, *CLASSIFYING):
            able = ", ".join(kind for kind in KINDS if kind in (*CONTINUING, *CLASSIFYING))
            raise InputError(
                f"{model.name} is a {model.kind.replace('_', ' ')} model: predictions of pairs "
                f"are those of {able} models"
            )
        fixed = [name for name in ("classes", "contrast", "target_units") if name in asked]
        if fixed:
            raise InputError(f"the prediction is the target, so there is no '{fixed[0]}' to choose")
        self.model, self.given = model, given
        self._how = (method, removal, options)
        self._asked = asked
        self._known: dict[tuple[str, str | None], Explanation] = {}
        if self.classifies and given is not None:
            self._known_class(given)

    @property
    def classifies(self) -> bool:
        """Whether a prediction is a class rather than a continuation."""
        return self.model.kind in CLASSIFYING

    def of(self, text: str) -> View:
        """The prediction after a text: the one given, else the model's own."""
        if self.given is not None:
            return self.held(text, self.given)
        explanation = self._explained(text, None)
        if self.classifies:
            best = int(explanation.full.argmax())
            return View(explanation, best, explanation.targets[best].text)
        return View(explanation, 0, explanation.continuation)

    def held(self, text: str, said: str) -> View:
        """The same prediction after another text.

        Raises:
            InputError: the prediction is empty: the model had nothing to say.
        """
        if not said:
            raise InputError(f"{self.model.name} has nothing to say: give a continuation to hold")
        if self.classifies:
            explanation = self._explained(text, None)
            return View(explanation, self._known_class(said), said)
        own = self._known.get((text, None))
        if own is not None and own.continuation == said:
            return View(own, 0, said)
        return View(self._explained(text, said), 0, said)

    def value(self, text: str, said: str) -> float:
        """The readout of a prediction after a text, without explaining it."""
        asked = self._asked | {"progress": None}
        if self.classifies:
            return float(inquire(text, self.model, **asked).value()[self._known_class(said)])
        asked |= {"continuation": said, "target_units": "sequence"}
        return float(inquire(text, self.model, **asked).value()[0])

    def _known_class(self, name: str) -> int:
        """Place of a class among the targets: all classes, in the model's order."""
        classes: dict[int, str] = getattr(self.model, "classes", {})
        names = list(classes.values())
        if name not in names:
            raise InputError(f"there is no class '{name}': choose one of {', '.join(names)}")
        return names.index(name)

    def _explained(self, text: str, said: str | None) -> Explanation:
        if (text, said) not in self._known:
            asked = dict(self._asked)
            if not self.classifies:
                asked |= {"continuation": said, "target_units": "sequence"}
            self._known[text, said] = inquire(text, self.model, **asked).run(*self._how)
        return self._known[text, said]
