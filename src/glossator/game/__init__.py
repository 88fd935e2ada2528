"""Asking a model: the game over units, the tape of gradients, and the engine below them."""

from glossator.game.budget import Budget
from glossator.game.encoder_decoder import EncoderDecoderEngine
from glossator.game.engine import Engine
from glossator.game.evaluator import Counts, Evaluator
from glossator.game.features import FeatureEngine, Features
from glossator.game.game import Game
from glossator.game.readout import READOUTS, Readout
from glossator.game.remote_engine import RegenerationEngine, Rehearsal, RemoteEngine
from glossator.game.removal import REMOVALS, Absence, absence, removal
from glossator.game.states import States
from glossator.game.tape import Tape
from glossator.game.trace import Trace
from glossator.game.whole import WholeEngine

__all__ = [
    "READOUTS",
    "REMOVALS",
    "Absence",
    "Budget",
    "Counts",
    "EncoderDecoderEngine",
    "Engine",
    "Evaluator",
    "FeatureEngine",
    "Features",
    "Game",
    "Readout",
    "RegenerationEngine",
    "Rehearsal",
    "RemoteEngine",
    "States",
    "Tape",
    "Trace",
    "WholeEngine",
    "absence",
    "removal",
]
