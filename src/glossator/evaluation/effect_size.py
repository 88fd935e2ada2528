"""When is a change of the prediction a change? Its size against that of random changes."""

from __future__ import annotations

from collections.abc import Sequence

from scipy.special import betaincinv

from glossator.errors import InputError
from glossator.types import Estimate


def superiority(effect: float, random_effects: Sequence[float]) -> Estimate:
    """The probability that an effect is larger than that of a random change.

    The common-language effect size (McGraw and Wong 1992) of one effect against a sample of
    random ones, by magnitude; a tie counts half. The interval is Clopper and Pearson's (1934).

    Args:
        effect: what was changed on purpose did this much; its sign does not matter.
        random_effects: what random changes of the same text did.

    Returns:
        0.5 = no larger than a random change; 1 = larger than all.

    Raises:
        InputError: no random change to compare with.

    Example:
        >>> print(superiority(-2.0, [0.1] * 19 + [3.0]))
        0.95 [0.751, 0.999]
    """
    count = len(random_effects)
    if not count:
        raise InputError("there is no random change to compare with: draw at least one")
    size = abs(effect)
    below = sum(
        1.0 if abs(other) < size else 0.5 * (abs(other) == size) for other in random_effects
    )
    low = betaincinv(below, count - below + 1, 0.025) if below > 0 else 0.0
    high = betaincinv(below + 1, count - below, 0.975) if below < count else 1.0
    return Estimate(below / count, float(low), float(high))
