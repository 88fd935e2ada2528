"""Views of an explanation: terminal, page, figures."""

from glossator.render.figure import save_figure, to_figure
from glossator.render.page import to_html
from glossator.render.terminal import print_terminal, to_text

__all__ = ["print_terminal", "save_figure", "to_figure", "to_html", "to_text"]
