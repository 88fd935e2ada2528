"""Ask a model, by one method or several, once or often, and put the answer into an Explanation."""

from glossator.run.attention_view import attention_view
from glossator.run.cite import Citation, cite
from glossator.run.compare import Comparison, compare
from glossator.run.erase import Erasure, erase
from glossator.run.evaluate import Item, evaluate
from glossator.run.explain import explain, inquire
from glossator.run.inquiry import Inquiry
from glossator.run.scoreboard import Cell, Evaluation, PairedTest
from glossator.run.stability import Repetition, repeat

__all__ = [
    "Cell",
    "Citation",
    "Comparison",
    "Erasure",
    "Evaluation",
    "Inquiry",
    "Item",
    "PairedTest",
    "Repetition",
    "attention_view",
    "cite",
    "compare",
    "erase",
    "evaluate",
    "explain",
    "inquire",
    "repeat",
]
