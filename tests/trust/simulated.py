"""Scores of runs whose signal and noise are known."""

from __future__ import annotations

import numpy as np

WORDS = 30


def known(
    snr: float, runs: int, problems: int, seed: int = 0, words: int = WORDS, noise: str = "normal"
) -> np.ndarray:
    """[problems runs words]: noise of variance 1, words whose true means have variance `snr`.

    The means have exactly this variance (with one degree of freedom less) in every problem.
    """
    rng = np.random.default_rng(seed)
    means = rng.normal(size=(problems, 1, words))
    means -= means.mean(-1, keepdims=True)
    means *= np.sqrt(snr) / means.std(-1, ddof=1, keepdims=True)
    return means + NOISES[noise](rng, (problems, runs, words), means)


def _unequal(rng: np.random.Generator, size: tuple[int, ...], _: np.ndarray) -> np.ndarray:
    """Some words are four times as noisy as others."""
    return rng.normal(size=size) * np.linspace(0.4, 1.6, size[-1]) / np.sqrt(1.0 + 0.36 / 3)


def _heavy(rng: np.random.Generator, size: tuple[int, ...], _: np.ndarray) -> np.ndarray:
    """Student's t with 5 degrees of freedom."""
    return rng.standard_t(5, size=size) / np.sqrt(5 / 3)


def _together(rng: np.random.Generator, size: tuple[int, ...], _: np.ndarray) -> np.ndarray:
    """Half of the noise is one pattern over the words, with a weight for each run."""
    pattern = rng.choice([-1.0, 1.0], size=(size[0], 1, size[2]))
    weight = rng.normal(size=(*size[:2], 1))
    return (rng.normal(size=size) + weight * pattern) / np.sqrt(2)


def _stretched(rng: np.random.Generator, size: tuple[int, ...], means: np.ndarray) -> np.ndarray:
    """Half of the noise is a stronger or weaker version of the signal in each run."""
    pattern = means / np.sqrt((means**2).mean(-1, keepdims=True))
    weight = rng.normal(size=(*size[:2], 1))
    return (rng.normal(size=size) + weight * pattern) / np.sqrt(2)


NOISES = {
    "normal": lambda rng, size, _: rng.normal(size=size),
    "unequal words": _unequal,
    "heavy tails": _heavy,
    "one pattern": _together,
    "stretched": _stretched,
}
