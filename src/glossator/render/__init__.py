"""Views of an explanation: terminal, page, figures; of attention: terminal, page; boxplots."""

from glossator.render.attention import print_attention
from glossator.render.attention_page import attention_html
from glossator.render.boxplots import boxplots
from glossator.render.figure import save_figure, to_figure
from glossator.render.page import to_html
from glossator.render.terminal import print_terminal, to_text

__all__ = [
    "attention_html",
    "boxplots",
    "print_attention",
    "print_terminal",
    "save_figure",
    "to_figure",
    "to_html",
    "to_text",
]
