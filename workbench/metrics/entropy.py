"""Entropy of the map, also called its complexity."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import xlogy

from workbench.complexity import AbstractComplexity


@dataclass(frozen=True, kw_only=True)
class Entropy(AbstractComplexity):
    """How evenly the magnitude of the attribution is spread over the places: Shannon's entropy of its shares.

    - Σ_i p_i ln p_i, p_i = |a_i| / Σ |a|, a summed over channels first

    0 nats where all lies on one place, ln n for a constant map of n places (and one of zeros); its exponential is a
    number of places. Padding is no place. The control is Gaussian noise. Lower is better.

    When it misleads: it is a property of the map alone, and a simple map may be a wrong one. It grows with the number
    of places, so that only maps of inputs of one size can be compared.
    Reference: [bhatt2020evaluating]
    """

    name = "entropy"
    title = "Entropy"
    higher_is_better = False
    unit = "nats"

    def measured(self, shares: Float[np.ndarray, "*map place"]) -> Float[np.ndarray, "*map"]:
        return -xlogy(shares, shares).sum(-1)
