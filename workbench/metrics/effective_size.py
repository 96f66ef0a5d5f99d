"""Effective size."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from workbench.complexity import AbstractComplexity
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class EffectiveSize(AbstractComplexity):
    """How many places, the highest first, hold nearly all of the attribution's magnitude.

    min k with p_1 + … + p_k ≥ share, p_1 ≥ p_2 ≥ … the values |a| / Σ |a| of the places, a summed over channels first

    1 where all lies on one place, share · n (rounded up) for a constant map of n places, and one of zeros. Padding is
    no place. The effective complexity of the reference also counts the fewest features, but those that keep the
    model's answer; here the map alone is asked, and no pass is spent. The control is Gaussian noise. Lower is better.

    When it misleads: faint values on a large background add up; and few places say nothing about the right ones.
    Reference: [nguyen2020quantitative]
    """

    name = "effective_size"
    title = "Effective size"
    higher_is_better = False
    unit = "places"

    share: float = setting(0.9, low=0.01, high=1.0, help="Share of the magnitude that has to be held")

    def measured(self, shares: Float[np.ndarray, "*map place"]) -> Float[np.ndarray, "*map"]:
        missing = shares.cumsum(-1) < self.share - 1e-12  # sums of equal parts may round to either side
        return 1.0 + missing[..., :-1].sum(-1)
