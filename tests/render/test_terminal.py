"""The terminal view: every specimen at several widths, with and without colour."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len
from tests.render import specimens

from glossator.render import to_text

MADE = {
    name: getattr(specimens, name)
    for name in (
        *("kite", "single", "quiet", "classes", "hostile", "worldly"),
        *("split_character", "unknown_errors", "undefined_only"),
    )
}


@pytest.mark.parametrize("width", [40, 80, 140])
@pytest.mark.parametrize("name", MADE)
def test_lines_fit_the_width_and_carry_no_codes(name, width):
    shown = to_text(MADE[name](), width=width)
    assert "\x1b" not in shown
    assert all(cell_len(line) <= width for line in shown.splitlines())


def test_signs_are_readable_without_colour():
    shown = to_text(specimens.single())
    assert re.search(r"Mia.*\+3\.1", shown) and re.search(r"Tom.*−1\.4", shown)


def test_colour_adds_codes_and_changes_no_character():
    plain, coloured = (to_text(specimens.kite(), color=color) for color in (False, True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == plain.split()


def test_the_legend_says_the_unit_the_sign_the_method_and_the_cost():
    shown = " ".join(to_text(specimens.kite()).split())
    for words in ("nats", "raises", "lowers", "95% interval", "shapley", "delete", "forward rows"):
        assert words in shown


def test_a_quiet_explanation_looks_quiet():
    shown = to_text(specimens.quiet())
    assert "█" not in shown.split("Scores in")[0]


def test_ties_share_a_rank():
    assert re.search(r"^ +\d=", to_text(specimens.unknown_errors()), re.M) or re.search(
        r"^ +\d=", to_text(specimens.quiet()), re.M
    )
