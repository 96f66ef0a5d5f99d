"""Relevance rank accuracy."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from workbench.localisation import AbstractLocalisation, top_hits


@dataclass(frozen=True, kw_only=True)
class RelevanceRankAccuracy(AbstractLocalisation):
    """The share of the highest places that lie in the planted evidence, as many as the evidence has.

    |top K of a ∩ evidence| / K, K = |evidence|, a summed over channels first

    Places that tie for the last of the K count by the share of them that lies inside, so that a constant map scores the
    evidence's share of the places. Where a number is predicted, |a| stands for a. The control is Gaussian noise, whose
    mean is that share too. Higher is better.

    When it misleads: the size of the evidence is told to the map, and what lies on the rest is not looked at: a map
    that is nearly as high everywhere else scores the same.
    Reference: [arras2022clevr]
    """

    name = "relevance_rank_accuracy"
    title = "Relevance rank accuracy"

    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        count = int(evidence.sum())
        return top_hits(maps, evidence, count) / count
