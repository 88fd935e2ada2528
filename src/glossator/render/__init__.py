"""Views of an explanation: terminal, page, figures."""

from glossator.render.terminal import print_terminal, to_text

__all__ = ["print_terminal", "to_text"]
