"""Asking a model: the game over units, the tape of gradients, and the engine below them."""

from glossator.game.budget import Budget
from glossator.game.classes import ClassEngine
from glossator.game.engine import Counts, Engine
from glossator.game.game import Game
from glossator.game.readout import READOUTS, Readout
from glossator.game.removal import REMOVALS, Absence, absence, removal
from glossator.game.tape import Tape
from glossator.game.trace import Trace

__all__ = [
    "READOUTS",
    "REMOVALS",
    "Absence",
    "Budget",
    "ClassEngine",
    "Counts",
    "Engine",
    "Game",
    "Readout",
    "Tape",
    "Trace",
    "absence",
    "removal",
]
