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

    With b = b0 + Q c, where b0 meets the constraint and the columns of Q span the directions
    that keep it met, X scaled by the roots of the weights and A = X'X + diag(penalty):

        b = b0 + P X'(y - X b0),        P = Q (Q'AQ)^-1 Q'.

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
    shrink = x.new_zeros(columns) if penalty is None else penalty
    start = x.new_zeros(columns, y.shape[2])
    free = torch.eye(columns, dtype=x.dtype)
    if total is not None:
        start = (total / columns).expand(columns, -1)
        free = torch.linalg.qr(x.new_ones(columns, 1), mode="complete").Q[:, 1:]
    normal = free.T @ (torch.einsum("gci,gcj->ij", x, x) + shrink.diag()) @ free
    dof = int((weight > 0).any(1).sum()) - free.shape[1]
    _require(_regular(normal) and (exact or dof > 0), columns)
    project = free @ torch.linalg.inv(normal) @ free.T
    pull = torch.einsum("gci,gct->it", x, y - x @ start)
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


def _regular(matrix: Float[Tensor, "n n"]) -> bool:
    if not len(matrix):
        return True
    eigenvalues = torch.linalg.eigvalsh(matrix)
    return bool(eigenvalues[0] > 1e-10 * eigenvalues[-1])


def _require(enough: bool, columns: int) -> None:
    if not enough:
        raise InputError(
            f"too few coalitions to tell {columns} coefficients apart: "
            f"type --samples {16 * columns}, or leave it out"
        )
