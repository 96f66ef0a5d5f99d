"""Area under recall."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from workbench.localisation import AbstractLocalisation, positive_part


@dataclass(frozen=True, kw_only=True)
class Aur(AbstractLocalisation):
    """The share of the planted evidence above a threshold, as the mean over all thresholds from nothing to the maximum.

    ∫₀¹ |{i in E: m_i ≥ t}| / |E| dt = mean over E of m_i, m = max(a, 0) / max a, a summed over channels first

    E is the evidence. A map at its maximum on all of the evidence scores 1, one that is not positive there 0, and so
    does one without a positive value. Where a number is predicted, |a| stands for a. The control is Gaussian noise.
    Higher is better.

    When it misleads: an even map scores 1, since it leaves nothing out; read it beside the area under precision.
    Reference: [crabbe2021explaining]
    """

    name = "aur"
    title = "Area under recall"

    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        return positive_part(maps)[..., evidence].mean(-1)
