"""Ask a model, by one method or several, and put the answer into an Explanation."""

from glossator.run.compare import Comparison, compare
from glossator.run.explain import explain, inquire
from glossator.run.inquiry import Inquiry

__all__ = ["Comparison", "Inquiry", "compare", "explain", "inquire"]
