"""Ask a model, by one method or several, once or often, and put the answer into an Explanation."""

from glossator.run.attention_view import attention_view
from glossator.run.cite import Citation, cite
from glossator.run.compare import Comparison, compare
from glossator.run.distribution import Distribution, explain_distribution
from glossator.run.erase import Erasure, erase
from glossator.run.evaluate import Item, evaluate
from glossator.run.explain import explain, inquire
from glossator.run.ground_truth import ground_truth
from glossator.run.inquiry import Inquiry
from glossator.run.leaderboard import Leaderboard
from glossator.run.pairs import PairResult, PairStudy, pairs
from glossator.run.sampled import SampledExplanation, explain_samples
from glossator.run.scoreboard import Cell, Evaluation, PairedTest
from glossator.run.stability import Repetition, repeat

__all__ = [
    "Cell",
    "Citation",
    "Comparison",
    "Distribution",
    "Erasure",
    "Evaluation",
    "Inquiry",
    "Item",
    "Leaderboard",
    "PairResult",
    "PairStudy",
    "PairedTest",
    "Repetition",
    "SampledExplanation",
    "attention_view",
    "cite",
    "compare",
    "erase",
    "evaluate",
    "explain",
    "ground_truth",
    "explain_distribution",
    "explain_samples",
    "inquire",
    "pairs",
    "repeat",
]
