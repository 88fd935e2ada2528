"""Sparse linear attribution (ContextCite): few players, found by the LASSO."""

from __future__ import annotations

import numpy as np
import torch

from glossator.attribution.coalitions import fair_coins
from glossator.attribution.least_squares import Fit
from glossator.attribution.surrogate import Sample, surrogate, surrogate_rows
from glossator.errors import InputError
from glossator.game.game import Game
from glossator.registry import attribution
from glossator.types import Estimate

# With fewer, some player is likely to be present, or absent, in all coalitions of a resample.
_FEWEST = 16


@attribution(
    "sparse_linear",
    needs="game",
    measures="effect of the unit's presence in a linear model that uses few units",
    paper="Cohen-Wang, Shah, Georgiev and Madry 2024, ContextCite, arXiv 2409.00729",
    rows="samples (16 n unless given) + 2, at most 2^n + 2",
    count=surrogate_rows,
    sampled=True,
)
def sparse_linear(
    game: Game,
    *,
    samples: int | None = None,
    alpha: float = 0.01,
    bootstraps: int = 100,
    precision: float | None = None,
    max_samples: int | None = None,
    generator: torch.Generator,
) -> Estimate:
    """Fit v by a LASSO on random coalitions in which each player is present half of the time.

    Presence is standardised to mean 0 and variance 1 (z), then b minimises

        sum of (v - b0 - z b)^2 / (2 samples) + alpha sum |b|,

    and scores are slopes by presence, b over its standard deviation (about 1/2). With all
    coalitions that is the Banzhaf value, moved towards 0 by 2 alpha and held there.

    Standard errors are the bootstrap's. They are of the shrunk values, and approximate: near a
    score that the LASSO sets to 0 the bootstrap is not consistent (Chatterjee and Lahiri
    2010), and a score of 0 in every resample has error 0 whatever its true value.

    Args:
        game: values of coalitions.
        samples: coalitions asked for; 16 per player unless given. The authors use 32 to 256
            in all, enough when few players matter, though hardly for intervals. Targets whose
            coalitions number at most a quarter of them are enumerated: exact, error 0.
        alpha: price of a slope, in the readout's unit; 0.01 as in the authors' code, whose
            readout is the log odds per generated token.
        bootstraps: resamples for the standard errors.
        precision: go on, doubling, until the 95% intervals reach less than this to each side.
        max_samples: where to stop nevertheless; 32 times `samples` unless given.
        generator: of the coalitions and the resamples.

    Returns:
        [targets players] with standard errors, in the readout's unit; positive = the player
        raises the readout, 0 = the fit does without it.

    Raises:
        InputError: fewer than 16 samples, alpha not above 0, or fewer than 2 bootstraps.

    Example:
        >>> game = Game(lambda keep: keep.double() @ torch.tensor([[2.0], [0.01]]).double(),
        ...             before=torch.tensor([[True, True]]))
        >>> sparse_linear(game, generator=torch.Generator()).scores.round(decimals=4)
        tensor([[1.9800, 0.0000]], dtype=torch.float64)
    """
    if not alpha > 0 or bootstraps < 2:
        raise InputError(
            "sparse_linear needs alpha above 0 and at least 2 bootstraps, "
            f"got alpha {alpha}, bootstraps {bootstraps}"
        )

    def fit(sample: Sample) -> Fit:
        keep, value = sample.keep[:, 0].double().numpy(), sample.value[:, 0].numpy()
        scores = torch.from_numpy(_lasso(keep, value, alpha))
        if sample.exact:
            return Fit(scores, torch.zeros_like(scores), len(keep))
        if len(keep) < _FEWEST:
            raise InputError(
                f"sparse_linear needs at least {_FEWEST} coalitions, got {len(keep)}: "
                "type --samples 64, or leave it out"
            )
        draws = torch.randint(len(keep), (bootstraps, len(keep)), generator=generator).numpy()
        resampled = np.stack([_lasso(keep[rows], value[rows], alpha) for rows in draws])
        return Fit(scores, torch.from_numpy(resampled).std(0), len(keep) - 1)

    return surrogate(
        game,
        fair_coins,
        fit,
        samples=samples,
        precision=precision,
        max_samples=max_samples,
        generator=generator,
        paired=False,
    )


def _lasso(keep: np.ndarray, value: np.ndarray, alpha: float) -> np.ndarray:
    """[draws players], [draws targets] -> slopes by presence [players targets]."""
    from sklearn.linear_model import Lasso  # takes seconds to import

    spread = keep.std(0)
    spread[spread == 0] = 1.0  # always present or always absent: tells nothing, gets 0
    model = Lasso(alpha=alpha, precompute=True, max_iter=100_000)  # type: ignore[no-untyped-call]
    model.fit((keep - keep.mean(0)) / spread, value)
    slopes: np.ndarray = model.coef_.reshape(value.shape[1], -1) / spread
    return slopes.T
