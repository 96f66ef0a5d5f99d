"""Warping: a spectrogram as another voice, in another mood, might have spoken it."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

TEMPO = 0.25
"""Largest relative change of speed."""
DELAY = 0.05
"""Largest shift in time, in half lengths of the series."""
PITCH = 0.2
"""Largest shift over the bands, in half their number: 4 of 40."""
TRACT = 0.1
"""Largest relative change of the distances between resonances, as a longer or shorter mouth has them."""
LONGEST_GAP = 0.15
"""Of a masked run of steps or bands, as a share of them all."""


def warp(
    series: Float[Tensor, "sample time feature"], generator: torch.Generator
) -> Float[Tensor, "sample time feature"]:
    """Each series a little faster or slower, earlier or later, and shifted and stretched over its features, which must
    be neighbours like bands of frequencies; what comes in from outside is 0. Reference: [jaitly2013vocal]"""
    tempo, delay, tract, pitch = (2 * _uniform(series, 4, generator) - 1).unbind(1)
    nothing = torch.zeros_like(tempo)
    faster = 1 + TEMPO * tempo
    across = torch.stack((1 + TRACT * tract, nothing, PITCH * pitch), dim=1)
    along = torch.stack((nothing, faster, faster - 1 + DELAY * delay), dim=1)  # the first step stays the first
    images = series[:, None]
    grid = functional.affine_grid(torch.stack((across, along), dim=1), list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)[:, 0]


def mask(
    series: Float[Tensor, "sample time feature"], generator: torch.Generator
) -> Float[Tensor, "sample time feature"]:
    """Each series without one run of steps and one of features, both of random place and length: 0 there.

    Reference: [park2019specaugment]
    """
    for axis in (1, 2):
        size = series.shape[axis]
        length, start = _uniform(series, 2, generator).split(1, dim=1)
        length, place = LONGEST_GAP * length, torch.arange(size, device=series.device) / size
        first = start * (1 - length)
        gone = (place >= first) & (place < first + length)  # sample, step or feature
        series = series.masked_fill(gone.unsqueeze(3 - axis), 0.0)
    return series


def _uniform(series: Float[Tensor, "sample time feature"], count: int, generator: torch.Generator) -> Tensor:
    return torch.rand((len(series), count), generator=generator, device=series.device)
