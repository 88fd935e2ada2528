"""How far an explanation can be believed: pure functions of games and scores."""

from glossator.trust.block import measure, prepare
from glossator.trust.explainability import form_of

__all__ = ["form_of", "measure", "prepare"]
