"""Interpolation: smooth functions along an axis from values at a few nodes."""

import torch
from jaxtyping import Float
from torch import Tensor


def hats(
    size: int, spacing: float, shifts: Float[Tensor, "row"], dtype: torch.dtype = torch.float32
) -> Float[Tensor, "row place node"]:
    """Weights of linear interpolation at 0, …, size - 1 from nodes at -shift, spacing - shift, 2 spacing - shift, …

    The weights of a place add up to 1; shifts lie in [0, spacing].
    """
    nodes = int((size - 1) / spacing) + 3
    places = (torch.arange(size, dtype=dtype) + shifts.to(dtype)[:, None]) / spacing
    return (1 - (places[..., None] - torch.arange(nodes, dtype=dtype)).abs()).clamp(min=0)
