"""Lanczos: an extreme eigenvalue of a symmetric matrix from products with vectors."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import eigh_tridiagonal
from torch import Tensor

from zoo.errors import InputError

ENDS = ("largest", "magnitude")


@dataclass(frozen=True, eq=False)
class RitzPair:
    """An approximate eigenpair: `value` = vᵀHv for the unit `vector` v, and `residual` = ‖Hv − value v‖."""

    value: float
    vector: Float[Tensor, "parameter"]
    residual: float
    products: int
    converged: bool


def top_pair(
    product: Callable[[Float[Tensor, "parameter"]], Float[Tensor, "parameter"]],
    start: Float[Tensor, "parameter"],
    *,
    end: str = "largest",
    tolerance: float = 1e-3,
    most: int = 60,
) -> RitzPair:
    """The eigenpair at one end of the spectrum: the largest eigenvalue, or the one of largest magnitude.

    Each new vector is made orthogonal to all before it, twice: without that, rounding lets copies of converged
    eigenvalues in. It stops when the residual, which Lanczos knows as β_k |s_k|, falls to `tolerance` × |value|, or
    after `most` products. One more product measures the residual itself, and that is what is reported. `InputError`
    where a product is not finite.

    What holds: H has an eigenvalue within `residual` of `value`, and its largest is at least `value`. That no larger
    one was missed holds for almost every start, not for all. Reference: [parlett1998symmetric]
    """
    most = min(most, len(start))
    basis = torch.empty((most, len(start)), dtype=start.dtype, device=start.device)
    basis[0] = start / start.norm()
    diagonal: list[float] = []
    off_diagonal: list[float] = []
    for step in range(most):
        new = product(basis[step])
        diagonal.append(_finite(float(basis[step] @ new)))
        known = basis[: step + 1]
        for _ in range(2):
            new = new - known.T @ (known @ new)
        length = float(new.norm())
        value, shares = _extreme(diagonal, off_diagonal, end)
        estimate = length * abs(shares[-1])
        if estimate <= tolerance * abs(value) or step + 1 == most:
            break
        off_diagonal.append(length)
        basis[step + 1] = new / length
    vector = torch.as_tensor(shares, dtype=start.dtype, device=start.device) @ known
    return _measured(product, vector / vector.norm(), len(diagonal), tolerance)


def _extreme(diagonal: list[float], off_diagonal: list[float], end: str) -> tuple[float, np.ndarray]:
    """The wanted eigenpair of the tridiagonal matrix."""
    values, vectors = eigh_tridiagonal(np.array(diagonal), np.array(off_diagonal))
    chosen = int(values.argmax() if end == "largest" else np.abs(values).argmax())
    return float(values[chosen]), vectors[:, chosen]


def _measured(
    product: Callable[[Tensor], Tensor], vector: Float[Tensor, "parameter"], products: int, tolerance: float
) -> RitzPair:
    image = product(vector)
    value = float(vector @ image)
    residual = float((image - value * vector).norm())
    reached = residual <= 1.1 * tolerance * abs(value)  # the estimate and the measurement differ by rounding
    return RitzPair(value, vector, residual, products + 1, reached)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise InputError("A Hessian-vector product is not finite. Check the network's weights for NaN or overflow.")
    return value
