"""Sufficiency."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.orderings import AbstractOrdering, part

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Of the features, as in the paper."""


@dataclass(frozen=True, kw_only=True)
class Sufficiency(AbstractOrdering):
    """How much of the class's probability the features that rank first leave unexplained: whether they are enough.

    mean over s in {1, 5, 10, 20, 50 %} of p_c(x) - p_c(only the share s of features that rank first, x' elsewhere)

    Features are pixels over all channels, words, columns, at least one. Lower is better, and below 0 where what is
    left says the class more clearly than the whole did. The control is the same for random orders of the same sample.

    When it misleads: nearly empty inputs are unlike the data; of the class that the model says to an empty input every
    order looks sufficient.
    Reference: [deyoung2020eraser]
    """

    name = "sufficiency"
    title = "Sufficiency"
    higher_is_better = False
    lowest_first = True  # what ranks first is what is left when the rest has had its turn

    def turns(self, counts: Int[Tensor, "sample"]) -> Int[Tensor, "sample step"]:
        return torch.stack([counts - part(counts, share) for share in SHARES], 1)

    def measured(
        self, f: Float[np.ndarray, "sample"], without: Float[np.ndarray, "sample draw step"]
    ) -> Float[np.ndarray, "sample draw"]:
        return (f[:, None, None] - without).mean(-1)
