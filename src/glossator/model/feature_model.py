"""Feature-based models: a scikit-learn pipeline that reads text and names a class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from glossator.errors import InputError, MissingExtra, ModelError
from glossator.model.text_model import TextKind, TextModel

Array = np.ndarray

SKOPS, PICKLES = (".skops",), (".pkl", ".pickle", ".joblib")


class FeatureModel(TextModel):
    """Any fitted pipeline of scikit-learn from text to classes.

    Args:
        pipeline: takes a list of texts; has `classes_`, and `predict_proba`,
            `decision_function` or both.
        name: for the record.

    Raises:
        ModelError: it is not fitted, or tells classes without any number.

    Example:
        >>> from sklearn.feature_extraction.text import CountVectorizer
        >>> from sklearn.linear_model import LogisticRegression
        >>> from sklearn.pipeline import make_pipeline
        >>> pipeline = make_pipeline(CountVectorizer(), LogisticRegression())
        >>> FeatureModel(pipeline.fit(["good", "bad"], ["pos", "neg"])).classes
        {0: 'neg', 1: 'pos'}
    """

    def __init__(self, pipeline: Any, name: str = "pipeline") -> None:
        self.pipeline, self.name = pipeline, name
        if not (hasattr(pipeline, "predict_proba") or hasattr(pipeline, "decision_function")):
            raise ModelError(
                f"'{name}' has neither predict_proba nor decision_function: give a pipeline whose "
                "last step is a classifier with one of them"
            )
        if not hasattr(pipeline, "classes_"):
            raise ModelError(f"'{name}' has no classes: fit it on texts and labels first")
        self.classes = {index: str(label) for index, label in enumerate(pipeline.classes_)}

    @property
    def kind(self) -> TextKind:
        """Classes of a text."""
        return "features"

    @property
    def steps(self) -> list[Any]:
        """The pipeline's steps in order; one that is no pipeline is a step by itself."""
        return [step for _, step in getattr(self.pipeline, "steps", [("", self.pipeline)])]

    def describe(self) -> dict[str, Any]:
        """The model's part of a provenance record."""
        import sklearn

        return {
            "name": self.name,
            "revision": None,
            "architecture": " > ".join(type(step).__name__ for step in self.steps),
            "scikit_learn": sklearn.__version__,
        }

    def log_probabilities(self, texts: Sequence[str]) -> Float[Array, "texts classes"]:
        """Natural logs of the probabilities of all classes.

        Raises:
            InputError: the pipeline gives no probabilities.
            ModelError: one is no number, or 0.
        """
        if not hasattr(self.pipeline, "predict_proba"):
            raise InputError(
                f"'{self.name}' gives no probabilities: explain its decision function, with "
                "--readout logit"
            )
        found = np.asarray(self.pipeline.predict_proba(list(texts)), dtype=np.float64)
        if not (found > 0).all():  # so for NaN
            raise ModelError(
                f"'{self.name}' gives a class the probability 0 (or no number), which has no "
                "logarithm: explain its decision function, with --readout logit"
            )
        logs: Array = np.log(found)
        return logs

    def decisions(self, texts: Sequence[str]) -> Float[Array, "texts classes"]:
        """Values of the decision function; of two classes the first gets the negative value.

        Raises:
            InputError: the pipeline has none, or not one value for each class.
            ModelError: one is no number.
        """
        if not hasattr(self.pipeline, "decision_function"):
            raise InputError(f"'{self.name}' has no decision function: use --readout logprob")
        found = np.asarray(self.pipeline.decision_function(list(texts)), dtype=np.float64)
        if found.ndim == 1:
            found = np.stack([-found, found], axis=1)
        if found.shape[1] != len(self.classes):
            raise InputError(
                f"the decision function of '{self.name}' has {found.shape[1]} values for "
                f"{len(self.classes)} classes: use --readout logprob"
            )
        if not np.isfinite(found).all():
            raise ModelError(f"'{self.name}' returned decisions that are not numbers (NaN)")
        return found


def is_feature_file(path: str | Path | None) -> bool:
    """Whether a name is that of a stored pipeline rather than of a transformers model.

    Example:
        >>> is_feature_file("stars.skops"), is_feature_file("stars.pkl"), is_feature_file("gpt2")
        (True, True, False)
    """
    return path is not None and Path(path).suffix in (*SKOPS, *PICKLES)


def load_feature_model(
    path: str | Path, *, allow_pickle: bool = False, trusted: Sequence[str] = ()
) -> FeatureModel:
    """Load a pipeline from a file of skops, or from a pickle where that is allowed.

    Args:
        path: ends in .skops, .pkl, .pickle or .joblib.
        allow_pickle: load a pickle, which runs any code that it holds.
        trusted: types that a .skops file may hold besides those that skops knows.

    Raises:
        ModelError: a pickle that was not allowed, a type that is not trusted, or no such file.
        MissingExtra: skops or joblib is not there.
    """
    path = Path(path)
    if not path.is_file():
        raise ModelError(f"there is no file '{path}'")
    if path.suffix in SKOPS:
        return FeatureModel(_load_skops(path, trusted), path.name)
    if path.suffix not in PICKLES:
        raise ModelError(f"'{path}' is no stored pipeline: expected .skops, .pkl or .joblib")
    if not allow_pickle:
        raise ModelError(
            f"'{path}' is a pickle, which runs any code that it holds: save the pipeline with "
            "skops.io.dump, or type --allow-pickle if you made the file yourself"
        )
    try:
        import joblib
    except ImportError:
        raise MissingExtra("pipelines of scikit-learn", "sklearn") from None
    try:
        return FeatureModel(joblib.load(path), path.name)
    except Exception as error:  # a pickle runs code of its own, which raises what it likes
        said = " ".join(str(error).split())[:200] or type(error).__name__
        raise ModelError(f"cannot load '{path}': {said}") from error


def _load_skops(path: Path, trusted: Sequence[str]) -> Any:
    try:
        import skops.io
    except ImportError:
        raise MissingExtra("pipelines stored by skops", "sklearn") from None
    unknown = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
    if unknown:
        raise ModelError(
            f"'{path}' holds types that skops does not know: {', '.join(unknown)}; if you know "
            "them, load it with load_feature_model(path, trusted=[...])"
        )
    return skops.io.load(path, trusted=list(trusted))
