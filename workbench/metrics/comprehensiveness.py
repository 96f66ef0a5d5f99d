"""Comprehensiveness."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.orderings import AbstractOrdering, part

SHARES = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Of the features, as in the paper."""


@dataclass(frozen=True, kw_only=True)
class Comprehensiveness(AbstractOrdering):
    """How much of the class's probability goes with the features that rank first: whether they were needed.

    mean over s in {1, 5, 10, 20, 50 %} of p_c(x) - p_c(x without the share s of features that rank first)

    Features are pixels over all channels, words, columns, at least one; a removed one shows the reference input. Higher
    is better. The control is the same for random orders of the same sample.

    When it misleads: where evidence is there twice, removing one copy costs nothing although the model uses both.
    Reference: [deyoung2020eraser]
    """

    name = "comprehensiveness"
    title = "Comprehensiveness"
    higher_is_better = True

    def turns(self, counts: Int[Tensor, "sample"]) -> Int[Tensor, "sample step"]:
        return torch.stack([part(counts, share) for share in SHARES], 1)

    def measured(
        self, f: Float[np.ndarray, "sample"], without: Float[np.ndarray, "sample draw step"]
    ) -> Float[np.ndarray, "sample draw"]:
        return (f[:, None, None] - without).mean(-1)
