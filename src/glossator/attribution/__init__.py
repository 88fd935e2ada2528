"""Attribution methods, one file each; importing this package registers them.

Those that need a game know nothing but values of coalitions; those that need a tape know
nothing but values and gradients at points; those that need a trace look at attention, those that
need states at what a masked model makes of a word; those that need features read the weights of a
linear model. All return an `Attribution` over the players.
"""

from glossator.attribution.alti import alti
from glossator.attribution.alti_logit import alti_logit
from glossator.attribution.attattr import attattr
from glossator.attribution.attention import attention
from glossator.attribution.attention_flow import attention_flow
from glossator.attribution.attention_rollout import attention_rollout
from glossator.attribution.banzhaf import banzhaf
from glossator.attribution.chefer import chefer
from glossator.attribution.discretized_integrated_gradients import discretized_integrated_gradients
from glossator.attribution.exact_shapley import exact_shapley
from glossator.attribution.expected_gradients import expected_gradients
from glossator.attribution.grad_sam import grad_sam
from glossator.attribution.gradient import gradient
from glossator.attribution.input_reduction import input_reduction
from glossator.attribution.input_x_gradient import input_x_gradient
from glossator.attribution.integrated_directional_gradients import integrated_directional_gradients
from glossator.attribution.integrated_gradients import integrated_gradients
from glossator.attribution.kernel_shap import kernel_shap
from glossator.attribution.leave_one_out import leave_one_out
from glossator.attribution.lime import lime
from glossator.attribution.linear import linear
from glossator.attribution.lrp import lrp
from glossator.attribution.multi_level import multi_level
from glossator.attribution.owen import owen
from glossator.attribution.perturbed_masking import perturbed_masking
from glossator.attribution.reagent import reagent
from glossator.attribution.sequential_integrated_gradients import sequential_integrated_gradients
from glossator.attribution.shapley import shapley
from glossator.attribution.shapley_interaction import shapley_interaction
from glossator.attribution.smooth_grad import smooth_grad
from glossator.attribution.sparse_linear import sparse_linear
from glossator.attribution.syntax_shap import syntax_shap
from glossator.attribution.value_zeroing import value_zeroing

__all__ = [
    "alti",
    "alti_logit",
    "attattr",
    "attention",
    "attention_flow",
    "attention_rollout",
    "banzhaf",
    "chefer",
    "discretized_integrated_gradients",
    "exact_shapley",
    "expected_gradients",
    "grad_sam",
    "gradient",
    "input_reduction",
    "input_x_gradient",
    "integrated_directional_gradients",
    "integrated_gradients",
    "kernel_shap",
    "leave_one_out",
    "lime",
    "linear",
    "lrp",
    "multi_level",
    "owen",
    "perturbed_masking",
    "reagent",
    "sequential_integrated_gradients",
    "shapley",
    "shapley_interaction",
    "smooth_grad",
    "sparse_linear",
    "syntax_shap",
    "value_zeroing",
]
