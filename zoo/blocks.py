"""Blocks: the stretches of a series that are switched on and off together."""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def blocks(
    inputs: Float[Tensor, "sample time feature"], steps: int, features: int
) -> Int[Tensor, "sample time feature"]:
    """The number of the block of `steps` × `features` that each entry lies in, one stretch of time after the other."""
    length, width = inputs.shape[1:]
    rows, columns = torch.arange(length) // steps, torch.arange(width) // features
    index = rows[:, None] * -(-width // features) + columns[None, :]
    return index.expand(inputs.shape).clone()
