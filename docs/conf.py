"""Sphinx: pages in Markdown, formulas in LaTeX, the API from docstrings."""

import sys
from pathlib import Path

from glossator import __version__

sys.path.insert(0, str(Path(__file__).parent))  # mathml.py, beside this file

project = "glossator"
author = "The glossator authors"
copyright = "2026, The glossator authors. Apache-2.0"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "mathml",
]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

autodoc_typehints = "none"  # shapes stand in the docstrings, where they read better
autodoc_member_order = "bysource"
napoleon_use_rtype = False

html_theme = "furo"
html_title = "glossator"
html_show_sphinx = False
