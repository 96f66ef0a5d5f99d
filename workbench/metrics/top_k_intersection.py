"""Top-k intersection."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from workbench.localisation import AbstractLocalisation, top_hits
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class TopKIntersection(AbstractLocalisation):
    """The share of the k highest places that lie in the planted evidence.

    |top k of a ∩ evidence| / min(k, |evidence|), a summed over channels first, k at most the number of places

    Where the evidence is smaller than k this is the share of it that was found, so the best is always 1. Places that
    tie for the last of the k count by the share of them that lies inside. Where a number is predicted, |a| stands for
    a. The control is Gaussian noise. Higher is better.

    When it misleads: the choice of k decides; a small one asks for the peak alone, a large one forgives whatever else
    is among the k.
    Reference: [theiner2022interpretable]
    """

    name = "top_k_intersection"
    title = "Top-k intersection"

    k: int = setting(10, low=1, high=1_000_000, help="How many of the highest places are looked at")

    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        count = min(self.k, len(evidence))
        return top_hits(maps, evidence, count) / min(count, int(evidence.sum()))
