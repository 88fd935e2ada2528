"""The rule: is a target explained?

docs/trust.md states it for users; docs/design/trust-verdict.md says why, with figures.
"""

from __future__ import annotations

from glossator.types import Reason, Verdict


def judge(
    *, moved: bool, enough: bool, measured: bool, better: bool, found: bool
) -> tuple[Verdict, Reason]:
    """The verdict on one target, and the step that decided.

    Args:
        moved: whether the input moves the target at all (`explainability`).
        enough: whether there are so many players that shuffled scores are rarely right.
        measured: whether there were rows to look for decisive players.
        better: whether the scores agree with the players' effects beyond shuffled scores.
        found: whether few players of largest score carry half of what the input does, and as
            few random ones do not.

    Example:
        >>> judge(moved=True, enough=True, measured=True, better=True, found=True)
        ('explained', 'decisive')
        >>> judge(moved=False, enough=True, measured=True, better=True, found=True)
        ('unexplained', 'unmoved')
    """
    if not moved:
        return "unexplained", "unmoved"
    if not enough:
        return "unsure", "few units"
    if not measured:
        return "unsure", "unmeasured"
    if better:
        return ("explained", "decisive") if found else ("unsure", "spread")
    return ("unsure", "unconfirmed") if found else ("unexplained", "chance")
