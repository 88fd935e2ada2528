"""The terminal view: every specimen at several widths, with and without colour."""

from __future__ import annotations

import dataclasses
import re

import pytest
import torch
from rich.cells import cell_len
from tests.render import specimens

from glossator.render import to_text
from glossator.render.reading import Reading
from glossator.types import Numbers, TargetTrust, Trust

MADE = {
    name: getattr(specimens, name)
    for name in (
        *(
            "kite",
            "single",
            "trusted",
            "phrased",
            "paired",
            "quiet",
            "classes",
            "hostile",
            "worldly",
        ),
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


def test_phrases_and_pairs_stand_below_the_words():
    shown = to_text(specimens.phrased())
    assert re.search(
        r"^ +phrases\n +−1\.25  Mia₁ … Tom₁\n +\+0\.50  Tom gave the kite to$", shown, re.M
    )
    pair = dataclasses.replace(specimens.paired(), targets=specimens.paired().targets[:1])
    first = {name: getattr(pair, name)[:1] for name in ("scores", "stderr", "full", "empty")}
    groups = pair.groups
    few = dataclasses.replace(groups, scores=groups.scores[:1], stderr=groups.stderr[:1])
    assert "−4.00 ±0.00  Mia₁ × Tom₁" in to_text(dataclasses.replace(pair, groups=few, **first))


def test_colour_adds_codes_and_changes_no_character():
    plain, coloured = (to_text(specimens.kite(), color=color) for color in (False, True))
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == plain.split()


def test_the_legend_says_the_unit_the_sign_the_method_and_the_cost():
    shown = " ".join(to_text(specimens.kite()).split())
    for words in ("nats", "raises", "lowers", "95% interval", "shapley", "delete", "forward rows"):
        assert words in shown


def test_a_verdict_stands_below_its_target_and_trust_in_the_legend():
    shown = " ".join(to_text(specimens.trusted(), width=140).split())
    assert "✓ “Mia” is explained by 2 words: Tom, kite. From" in shown
    assert "to 3.0% without, 78% with nothing else." in shown
    assert "? Unsure: “.” was not measured" in shown
    assert "Trust: 1 of 2 explained (✓); comprehensiveness +2.25, in random order +0.50;" in shown
    assert "25% of inputs surprise the model; 83 rows." in shown
    many = dataclasses.replace(specimens.kite(), trust=None)
    assert "✓" not in to_text(many)


def test_many_targets_have_a_sign_each():
    why = specimens.kite()
    verdicts = ["explained", "unexplained", "unsure"] * len(why.targets)
    targets = tuple(
        TargetTrust(verdict, "chance", Numbers(), 0.5)
        for verdict, _ in zip(verdicts, why.targets, strict=False)
    )
    trust = Trust(targets, None, None, rows=9, orders=4, shares=(0.2,))
    shown = to_text(dataclasses.replace(why, trust=trust))
    lines = [line[:2] for line in shown.splitlines() if line[:1] in "✓✗?" and line.strip()]
    assert lines == [f"{'✓✗?'[i % 3]} " for i in range(len(why.targets))]
    explained = -(-len(why.targets) // 3)
    line = f"Trust: {explained} of {len(why.targets)} explained (✓); 9 rows."
    assert line in " ".join(shown.split())


def test_words_that_explain_only_together_are_named():
    why = specimens.kite()
    found = TargetTrust("explained", "decisive", Numbers((1, 2)), 0.5)
    trust = Trust((found,) * len(why.targets), None, None, rows=9, orders=4, shares=(0.2,))
    still = dataclasses.replace(why, trust=trust, scores=torch.zeros_like(why.scores))
    names = ", ".join(Reading(still).names[unit] for unit in (1, 2))
    assert f"no word alone; together {names}" in to_text(still)
    assert "nothing beyond noise" in to_text(dataclasses.replace(still, trust=None))


def test_a_caveat_is_shown():
    explanation = specimens.single()
    noted = dataclasses.replace(explanation.provenance, notes={"caveat": "half was guessed"})
    shown = to_text(dataclasses.replace(explanation, provenance=noted))
    assert "Mind: half was guessed." in shown and "Mind" not in to_text(explanation)


def test_shares_have_no_sign_and_logits_are_called_so():
    explanation = specimens.single()
    noted = {
        unit: dataclasses.replace(explanation.provenance, notes={"unit": unit})
        for unit in ("share", "logit")
    }
    scores = explanation.scores.abs() / 10
    shares = dataclasses.replace(explanation, scores=scores, provenance=noted["share"])
    shown = to_text(shares)
    assert "Scores are shares, 0 to 1" in shown and "raises" not in shown and "+" not in shown
    shown = to_text(dataclasses.replace(explanation, provenance=noted["logit"]))
    assert "Scores in logit: + the word raises the logit" in shown and "log p" in shown


def test_a_quiet_explanation_looks_quiet():
    shown = to_text(specimens.quiet())
    assert "█" not in shown.split("Scores in")[0]


def test_ties_share_a_rank():
    assert re.search(r"^ +\d=", to_text(specimens.unknown_errors()), re.M) or re.search(
        r"^ +\d=", to_text(specimens.quiet()), re.M
    )
