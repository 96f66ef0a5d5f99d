"""Gaussian blur of images."""

import torch
from jaxtyping import Float
from torch import Tensor


def blurred(
    images: Float[Tensor, "sample channel height width"], sigmas: Float[Tensor, "level"]
) -> Float[Tensor, "sample level channel height width"]:
    """Each image blurred by each σ, in pixels; 0 leaves it as it is. Beyond the border its pixels repeat.

    L = G_σ * x, separable, with G_σ(d) ∝ exp(-d² / 2σ²) cut off at three σ
    """
    rows, columns = (_weights(size, sigmas).to(images) for size in images.shape[-2:])
    return torch.einsum("lij,ncjk,lmk->nlcim", rows, images, columns)


def _weights(size: int, sigmas: Float[Tensor, "level"]) -> Float[Tensor, "level place source"]:
    """By how much each place along an axis draws from each other, in float64."""
    radius = int(3 * float(sigmas.max()))
    offsets = torch.arange(-radius, radius + 1)
    sigma = sigmas.double()[:, None]
    kernel = torch.exp(-(offsets**2) / (2 * sigma.clamp(min=1e-6) ** 2)) * (offsets.abs() <= (3 * sigma).floor())
    kernel = kernel / kernel.sum(1, keepdim=True)
    source = (torch.arange(size)[:, None] + offsets).clamp(0, size - 1).expand(len(sigmas), -1, -1)
    weights = torch.zeros(len(sigmas), size, size, dtype=torch.float64)
    return weights.scatter_add_(2, source, kernel[:, None].expand(source.shape))
