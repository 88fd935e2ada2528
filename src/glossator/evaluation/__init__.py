"""How good an explanation is: one file per metric; importing this package registers them.

A metric is a pure function of evidence (a game, a rationale, the same scores measured again) and
scores; it knows no model, no tokenizer and no file. See `glossator.registry.Metric`.
"""

from glossator.evaluation.aopc import aopc
from glossator.evaluation.areas import deletion, insertion
from glossator.evaluation.auprc import auprc
from glossator.evaluation.completeness import completeness
from glossator.evaluation.comprehensiveness import comprehensiveness
from glossator.evaluation.control import control, shuffled
from glossator.evaluation.decision_flips import dffot, dfmit
from glossator.evaluation.dummy import dummy
from glossator.evaluation.infidelity import infidelity
from glossator.evaluation.invariance import (
    implementation_invariance,
    input_invariance,
    max_sensitivity,
)
from glossator.evaluation.iou_f1 import iou_f1
from glossator.evaluation.label_randomisation import label_randomisation
from glossator.evaluation.likeliest_tokens import acc_at_k, div_at_k
from glossator.evaluation.log_odds import log_odds
from glossator.evaluation.monotonicity import monotonicity
from glossator.evaluation.necessity import Decisive, Proportion, necessity_and_sufficiency
from glossator.evaluation.paired import holm, mean_of, paired_p
from glossator.evaluation.parameter_randomisation import (
    independent_randomisation,
    parameter_randomisation,
)
from glossator.evaluation.planted_shortcuts import shortcut_precision, shortcut_rank
from glossator.evaluation.polarity import polarity
from glossator.evaluation.removal_curves import keep_curve, random_curve, removal_curve
from glossator.evaluation.smallest_sets import (
    SmallestSet,
    smallest_necessary,
    smallest_sufficient,
)
from glossator.evaluation.soft_erasure import soft_comprehensiveness, soft_sufficiency
from glossator.evaluation.sufficiency import fid, sufficiency
from glossator.evaluation.symmetry import symmetry
from glossator.evaluation.thresholds import significant, top_k, top_mass
from glossator.evaluation.token_f1 import token_f1, token_precision, token_recall
from glossator.evaluation.weighted_exclusion import weighted_exclusion

__all__ = [
    "Decisive",
    "Proportion",
    "SmallestSet",
    "acc_at_k",
    "aopc",
    "auprc",
    "completeness",
    "comprehensiveness",
    "control",
    "deletion",
    "dffot",
    "dfmit",
    "div_at_k",
    "dummy",
    "fid",
    "holm",
    "implementation_invariance",
    "independent_randomisation",
    "infidelity",
    "input_invariance",
    "insertion",
    "iou_f1",
    "keep_curve",
    "label_randomisation",
    "log_odds",
    "max_sensitivity",
    "mean_of",
    "monotonicity",
    "necessity_and_sufficiency",
    "paired_p",
    "parameter_randomisation",
    "polarity",
    "random_curve",
    "removal_curve",
    "shortcut_precision",
    "shortcut_rank",
    "shuffled",
    "significant",
    "smallest_necessary",
    "smallest_sufficient",
    "soft_comprehensiveness",
    "soft_sufficiency",
    "sufficiency",
    "symmetry",
    "token_f1",
    "token_precision",
    "token_recall",
    "top_k",
    "top_mass",
    "weighted_exclusion",
]
