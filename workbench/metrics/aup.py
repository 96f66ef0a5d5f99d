"""Area under precision."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from workbench.localisation import AbstractLocalisation, positive_part


@dataclass(frozen=True, kw_only=True)
class Aup(AbstractLocalisation):
    """The precision of the places above a threshold, as the mean over all thresholds between nothing and the maximum.

    ∫₀¹ |{i in E: m_i ≥ t}| / |{i: m_i ≥ t}| dt, m = max(a, 0) / max a, E the evidence, a summed over channels first

    The integral is exact: the integrand is constant between two values of m. A map that is positive on the evidence
    alone scores 1, one that is positive outside alone 0, an even one the evidence's share of the places, and one
    without a positive value 0. Where a number is predicted, |a| stands for a. The control is Gaussian noise. Higher is
    better.

    When it misleads: a map that marks one place of the evidence scores 1; read it beside the area under recall.
    Reference: [crabbe2021explaining]
    """

    name = "aup"
    title = "Area under precision"

    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        order = np.argsort(-maps, axis=-1)
        scaled = positive_part(np.take_along_axis(maps, order, -1))
        hits = np.cumsum(evidence[order], axis=-1) / np.arange(1, maps.shape[-1] + 1)
        return (-np.diff(scaled, append=0) * hits).sum(-1)
