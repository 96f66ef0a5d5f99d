"""Sparseness."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from workbench.complexity import AbstractComplexity


@dataclass(frozen=True, kw_only=True)
class Sparseness(AbstractComplexity):
    """How unevenly the magnitude of the attribution is spread over the places: the Gini index.

    Σ_k (n + 1 - 2 k) p_k / n, p_1 ≥ p_2 ≥ … the shares |a| / Σ |a| of the n places, a summed over channels first

    0 for a constant map (and one of zeros), 1 - 1/n where all lies on one place. Places are pixels, tokens, columns,
    points in time; padding is none. The control is Gaussian noise, which has √2 - 1 on average over many places.
    Higher is better.

    When it misleads: it is a property of the map alone. A map that marks one wrong pixel is as sparse as can be, and
    where the model uses many features a sparse map hides most of them.
    Reference: [chalasani2020concise]
    """

    name = "sparseness"
    title = "Sparseness"
    higher_is_better = True
    unit = "Gini index"

    def measured(self, shares: Float[np.ndarray, "*map place"]) -> Float[np.ndarray, "*map"]:
        n = shares.shape[-1]
        return shares @ (n + 1 - 2 * np.arange(1, n + 1)) / n
