"""Surrogate: a linear function of which groups are present, fitted to a model around one sample."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

DISTANCES = ("cosine", "l2")


@dataclass(frozen=True, eq=False)
class Surrogate:
    """f ≈ intercept + Σ weights z, and the share of the weighted variance it explains (NaN where f is constant)."""

    weights: Float[Tensor, "sample group"]
    intercept: Float[Tensor, "sample"]
    r2: Float[Tensor, "sample"]


def nearness(present: Bool[Tensor, "subset group"], distance: str, width: float) -> Float[Tensor, "subset"]:
    """exp(-D² / width²), scaled to add up to 1: how much a subset z counts, by its distance D from all groups.

    cosine: 1 - √(|z| / M). l2: √((M - |z|) / M), the Euclidean distance in units of the longest there is.
    """
    share = present.double().mean(1) if present.shape[1] else torch.ones(len(present), dtype=torch.float64)
    squared = (1 - share.sqrt()) ** 2 if distance == "cosine" else 1 - share
    return torch.softmax(-squared / width**2, 0)


def fitted(
    present: Bool[Tensor, "subset group"],
    weights: Float[Tensor, "subset"],
    values: Float[Tensor, "sample subset"],
    ridge: float,
) -> Surrogate:
    """w and b of least Σ π (f - b - z·w)² + ridge ‖w‖², one least-squares solve for all samples, in float64.

    The weights π add up to 1. Where the subsets do not determine w and nothing shrinks it, it is the shortest solution.
    A sample with a value that is not finite has NaN.
    """
    finite = values.isfinite().all(1)  # the solver fails on anything else, for all samples
    z, values, groups = present.double(), values.double().where(finite[:, None], 0), present.shape[1]
    mean, middle = weights @ z, values @ weights
    root = weights.sqrt()[:, None]
    left = torch.cat(((z - mean) * root, ridge**0.5 * torch.eye(groups, dtype=torch.float64)))
    centred = values - middle[:, None]
    right = torch.cat((centred.T * root, torch.zeros(groups, len(values), dtype=torch.float64)))
    if groups == 0:
        found = torch.zeros(len(values), 0, dtype=torch.float64)
    else:
        found = torch.linalg.lstsq(left, right, driver="gelsd").solution.T
    missed = (centred - found @ (z - mean).T) ** 2 @ weights
    spread = centred**2 @ weights
    constant = spread <= 1e-12 * (values**2 @ weights)
    r2 = torch.where(constant, torch.nan, 1 - missed / spread)
    found = found.where(finite[:, None], torch.nan)
    return Surrogate(found, (middle - found @ mean).where(finite, torch.nan), r2)
