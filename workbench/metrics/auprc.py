"""Area under the precision-recall curve."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

from workbench.localisation import AbstractLocalisation


@dataclass(frozen=True, kw_only=True)
class Auprc(AbstractLocalisation):
    """The mean precision at the thresholds where each place of the planted evidence is found (average precision).

    1/|E| Σ_{i in E} |{j in E: a_j ≥ a_i}| / |{j: a_j ≥ a_i}|, E the evidence, a summed over channels first

    Values count with their sign: for magnitudes give `attribution.abs()`. Where a number is predicted, |a| stands for
    a. A constant map scores the evidence's share of the places, which is about what the control, Gaussian noise, scores
    too. Higher is better.

    When it misleads: it depends on how large the evidence is, so values of tasks with other evidence cannot be
    compared; and a model may rightly look at the surroundings of the evidence.
    Reference: [davis2006relationship]
    """

    name = "auprc"
    title = "Area under the precision-recall curve"

    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        found = rankdata(-maps[..., evidence], method="max", axis=-1)
        taken = rankdata(-maps, method="max", axis=-1)[..., evidence]
        return (found / taken).mean(-1)
