"""Relevance mass."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from workbench.localisation import AbstractLocalisation


@dataclass(frozen=True, kw_only=True)
class RelevanceMass(AbstractLocalisation):
    """The share of the positive attribution that lies inside the planted evidence.

    Σ_{i in evidence} max(a_i, 0) / Σ_i max(a_i, 0), a_i summed over channels first

    Only what speaks for the class counts: what speaks against it may rightly lie on the distractors. Where a number is
    predicted, |a| stands for a: what lowers it is evidence, too. A map of
    magnitudes is positive everywhere, so nothing of it is left out. A map without a positive value scores 0. The
    control is Gaussian noise, whose share is about the evidence's share of the area. Higher is better.

    When it misleads: a model may rightly use the surroundings of the evidence (an outline is seen on both sides), and
    a map that marks one pixel inside scores 1.
    Reference: [arras2022clevr]
    """

    name = "relevance_mass"
    title = "Relevance mass"

    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        positive = np.maximum(maps, 0)
        total = positive.sum(-1)
        return positive[..., evidence].sum(-1) / np.where(total > 0, total, 1)
