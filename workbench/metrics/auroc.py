"""Area under the receiver operating characteristic."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

from workbench.localisation import AbstractLocalisation


@dataclass(frozen=True, kw_only=True)
class Auroc(AbstractLocalisation):
    """How well the attribution tells places of the planted evidence from all others, over all thresholds.

    P(a_i > a_j) + P(a_i = a_j) / 2, i a place of the evidence and j one of the rest, a summed over channels first

    This is the area under the curve of the share of the evidence found over the share of the rest taken for it. Values
    count with their sign: for magnitudes give `attribution.abs()`. A constant map scores 1/2. Where every place is
    evidence there is nothing to tell it from, and the sample is not scored. Where a number is predicted, |a| stands for
    a. The control is Gaussian noise, with mean 1/2. Higher is better.

    When it misleads: where the evidence is small, the rest is so large that a map can score high with most of its
    highest places outside; see the area under the precision-recall curve.
    Reference: [fawcett2006introduction]
    """

    name = "auroc"
    title = "Area under the ROC curve"

    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        inside, outside = int(evidence.sum()), int((~evidence).sum())
        if not outside:
            return np.full(maps.shape[:-1], np.nan)
        ranks = rankdata(maps, axis=-1)[..., evidence].sum(-1)
        return (ranks - inside * (inside + 1) / 2) / (inside * outside)
