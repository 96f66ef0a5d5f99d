"""Noisy imputation: pixels that were removed get the weighted mean of their neighbours, and a little noise."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

TOLERANCE = 1e-6
"""Of the residual against the right-hand side, in float64: the noise is far above what that leaves."""


def imputed(
    images: Float[Tensor, "row channel height width"],
    kept: Bool[Tensor, "row 1 height width"],
    noise: Float[Tensor, "row channel height width"],
) -> Float[Tensor, "row channel height width"]:
    """The images with every pixel that is not kept replaced: x_i = Σ_j w_ij x_j / Σ_j w_ij + noise_i, over the
    eight neighbours j as far as they lie in the image, which may be unknown themselves; w is 1/6 on the sides and 1/12
    at the corners.

    Σ_j w_ij (x_i - x_j) = 0 for all unknown i is a symmetric positive definite system as long as one pixel is known:
    solved for all rows and channels at once by conjugate gradients in float64, each row until it has converged, so that
    a row's solution does not depend on the others. A row of which nothing is kept becomes 0 before the noise.
    """
    known = kept.expand(images.shape)
    free = (~known).double()
    given = torch.where(known, images, 0).double()
    around = _neighbours(torch.ones_like(given[:1, :1]))

    def laplacian(values: Tensor) -> Tensor:
        return free * (around * values - _neighbours(values))

    right = free * _neighbours(given)
    solved = _conjugate_gradients(laplacian, right, around)
    return torch.where(known, images, (given + solved).to(images.dtype) + noise)


def _neighbours(values: Float[Tensor, "row channel height width"]) -> Float[Tensor, "row channel height width"]:
    """The weighted sum over each pixel's neighbours; outside of the image there is none.

    The weights are those of (1, 2, 1) ⊗ (1, 2, 1) / 12 without its middle.
    """
    padded = functional.pad(values, (1, 1, 1, 1))
    along = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    across = along[..., :-2, :] + 2 * along[..., 1:-1, :] + along[..., 2:, :]
    return across / 12 - values / 3


def _conjugate_gradients(apply: Callable[[Tensor], Tensor], right: Tensor, diagonal: Tensor) -> Tensor:
    """x with A x = right, by conjugate gradients that are preconditioned by the diagonal."""
    solution, residual = torch.zeros_like(right), right.clone()
    direction = scaled = residual / diagonal
    product = _dot(residual, scaled)
    enough = TOLERANCE**2 * _dot(right, right)
    for _ in range(4 * right.shape[-1] * right.shape[-2]):
        active = _dot(residual, residual) > enough
        if not active.any():
            break
        moved = apply(direction)
        curvature = _dot(direction, moved)
        step = torch.where(active, product / torch.where(curvature > 0, curvature, 1), 0)
        solution = solution + step * direction
        residual = residual - step * moved
        scaled = residual / diagonal
        following = _dot(residual, scaled)
        direction = scaled + torch.where(active, following / torch.where(product > 0, product, 1), 0) * direction
        product = torch.where(active, following, product)
    return solution


def _dot(first: Tensor, second: Tensor) -> Tensor:
    return (first * second).sum((-2, -1), keepdim=True)
