"""Pixel flipping."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.orderings import AbstractOrdering, part
from workbench.records import Attribution, Output
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class PixelFlipping(AbstractOrdering):
    """By how much the explained scalar falls while the half of the features that ranks first is removed.

    1/K Σ_{k=1…K} [f(x) - f(x without the share k / 2K of features that rank first)],  f as it was explained

    The area over the perturbation curve, up to half of the features: behind it little is left that could fall.
    Features are pixels over all channels, words, columns; a removed one shows the reference input. Higher is better.
    The control is the same for random orders of the same sample.

    When it misleads: a logit can fall because the input has become unlike the data, and sums over samples are ruled by
    those whose f is large.
    Reference: [bach2015pixelwise], [samek2017evaluating]
    """

    name = "pixel_flipping"
    title = "Pixel flipping"
    higher_is_better = True
    unit = "output"

    n_steps: int = setting(8, low=1, high=256, help="Points along the curve until half of the features are removed")

    def output(self, attribution: Attribution) -> Output:
        return attribution.target.output

    def turns(self, counts: Int[Tensor, "sample"]) -> Int[Tensor, "sample step"]:
        return torch.stack([part(counts, step / (2 * self.n_steps)) for step in range(1, self.n_steps + 1)], 1)

    def measured(
        self, f: Float[np.ndarray, "sample"], without: Float[np.ndarray, "sample draw step"]
    ) -> Float[np.ndarray, "sample draw"]:
        return (f[:, None, None] - without).mean(-1)
