"""Patches: the squares of an image that are switched on and off together."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def patches(
    inputs: Float[Tensor, "sample channel height width"], size: int
) -> Int[Tensor, "sample channel height width"]:
    """The number of the size × size patch that each pixel lies in, row by row; all channels of a pixel go together."""
    height, width = inputs.shape[2:]
    rows, columns = torch.arange(height) // size, torch.arange(width) // size
    index = rows[:, None] * -(-width // size) + columns[None, :]
    return index.expand(inputs.shape).clone()
