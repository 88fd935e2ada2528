"""What follows from a signal-to-noise ratio: correlation, reliability, runs needed."""

from __future__ import annotations

import math
from collections.abc import Callable

from glossator.errors import InputError
from glossator.types import Estimate


class Reliable:
    """A result that has a signal-to-noise ratio."""

    snr: Estimate

    @property
    def expected_correlation(self) -> Estimate:
        """Correlation over words that two runs are to be expected to have: SNR / (1 + SNR)."""
        return _mapped(self.snr, lambda snr: _over(snr, 1 + snr))

    def reliability(self, runs: int) -> Estimate:
        """Reliability of the mean of so many runs: runs x SNR / (1 + runs x SNR).

        Args:
            runs: how many are averaged, each with everything drawn anew.

        Returns:
            0 to 1: the expected correlation with the mean of as many further runs; an SNR below
            0 counts as none.

        Raises:
            InputError: less than one run.
        """
        if runs < 1:
            raise InputError(f"got {runs} runs: a mean needs at least 1")
        return _mapped(self.snr, lambda snr: _over(runs * max(snr, 0.0), 1 + runs * max(snr, 0.0)))

    def runs_needed(self, reliability: float = 0.9) -> Estimate:
        """How many runs to average for a wished reliability: rho / ((1 - rho) SNR).

        Args:
            reliability: rho, between 0 and 1.

        Returns:
            Not rounded; infinite where there is no signal.

        Raises:
            InputError: a reliability that is not between 0 and 1.
        """
        if not 0 < reliability < 1:
            raise InputError(f"got reliability {reliability}: give one between 0 and 1")
        odds = reliability / (1 - reliability)
        found = _mapped(self.snr, lambda snr: odds / snr if snr > 0 else math.inf)
        return Estimate(found.value, found.high, found.low, self.snr.level)


def _over(part: float, whole: float) -> float:
    return 1.0 if math.isinf(part) else part / whole


def _mapped(ratio: Estimate, change: Callable[[float], float]) -> Estimate:
    """A monotone function of an estimate, and of its ends."""
    return Estimate(change(ratio.value), change(ratio.low), change(ratio.high), ratio.level)
