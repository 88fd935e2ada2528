"""Weighted least squares for all targets at once, with standard errors by the jackknife."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import torch
from jaxtyping import Float
from torch import Tensor

from glossator.errors import InputError


@dataclass(frozen=True, slots=True)
class Fit:
    """Coefficients, their standard errors, and the degrees of freedom of these."""

    coefficients: Float[Tensor, "columns targets"]
    stderr: Float[Tensor, "columns targets"]
    dof: int


def least_squares(
    design: Float[Tensor, "draws copies columns"],
    response: Float[Tensor, "draws copies targets"],
    weight: Float[Tensor, "draws copies"],
    *,
    total: Float[Tensor, " targets"] | None = None,
    penalty: Float[Tensor, " columns"] | None = None,
    exact: bool = False,
) -> Fit:
    """Minimise the sum of w (y - x b)^2, with a penalty or under the constraint sum b = total.

    With X and y scaled by the roots of the weights, A = X'X + diag(penalty), and some b0 that
    meets the constraint:

        b = b0 + P X'(y - X b0),     P = A^-1,
        or, with a constraint,       P = A^-1 - A^-1 1 1'A^-1 / (1'A^-1 1),  so that 1'P = 0.

    The rows g of one draw, a coalition and its complement, stay together. Leaving them out
    moves b by -P g'(I - g P g')^-1 e, where e are their residuals (Woodbury's identity), so
    the jackknife over draws, (d - 1)/d times the sum of these moves squared, needs no other
    fits. It is the cluster-robust variance CR3 (Bell and McCaffrey 2002).

    Args:
        design: x; `copies` rows make a draw.
        response: y.
        weight: w, 0 for rows that do not count.
        total: what the coefficients must sum to.
        penalty: price of each coefficient's square; not with a total.
        exact: whether the draws are all there are, so that nothing is uncertain.

    Returns:
        coefficients; standard errors, 0 when exact; draws that count less free coefficients.

    Raises:
        InputError: fewer draws than it takes to tell the columns apart.
    """
    columns = design.shape[2]
    root = weight.sqrt()[..., None]
    x, y = design * root, response * root
    rows = x.flatten(0, 1)
    normal = rows.T @ rows
    start, fixed = x.new_zeros(columns, y.shape[2]), 0
    if penalty is not None:
        normal += penalty.diag()
    if total is not None:
        start, fixed = (total / columns).expand(columns, -1), 1
        # A price on changes of the sum, of which there are none: it makes A regular.
        normal += normal.trace().clamp_min(1.0) / columns
    dof = int((weight > 0).any(1).sum()) - columns + fixed
    project = _inverse(normal)
    if total is not None:
        sums = project.sum(1, keepdim=True)
        project = project - sums @ sums.T / sums.sum()
    pull = rows.T @ (y - x @ start).flatten(0, 1)
    solution = start + project @ pull
    if exact:
        return Fit(solution, torch.zeros_like(solution), dof)
    return Fit(solution, _jackknife(x, y - x @ solution, project, weight), dof)


def _jackknife(
    x: Float[Tensor, "draws copies columns"],
    residual: Float[Tensor, "draws copies targets"],
    project: Float[Tensor, "columns columns"],
    weight: Float[Tensor, "draws copies"],
) -> Float[Tensor, "columns targets"]:
    copies, columns = x.shape[1:]
    reach = x @ project  # [draws copies columns] how far each row pulls each coefficient
    rest = torch.eye(copies, dtype=x.dtype) - reach @ x.mT
    _require(bool(torch.linalg.det(rest).min() > 1e-9), columns)
    missed = torch.linalg.solve(rest, residual)  # by the fit without the draw
    moves = sum(
        (reach[:, a] * reach[:, b]).T @ (missed[:, a] * missed[:, b])
        for a, b in product(range(copies), repeat=2)
    )
    draws = int((weight > 0).any(1).sum())
    return torch.sqrt((moves * (draws - 1) / draws).clamp_min(0))  # rounding may go below 0


def _inverse(matrix: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    factor, failed = torch.linalg.cholesky_ex(matrix)
    pivots = factor.diagonal()
    _require(not failed and bool(pivots.min() > 1e-5 * pivots.max()), len(matrix))
    return torch.cholesky_inverse(factor)


def _require(enough: bool, columns: int) -> None:
    if not enough:
        raise InputError(
            f"too few coalitions to tell {columns} coefficients apart: "
            f"type --samples {16 * columns}, or leave it out"
        )
