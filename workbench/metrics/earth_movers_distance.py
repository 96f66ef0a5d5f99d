"""Earth mover's distance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from workbench.localisation import AbstractLocalisation


@dataclass(frozen=True, kw_only=True)
class EarthMoversDistance(AbstractLocalisation):
    """How far the positive attribution would have to be moved to lie evenly on the planted evidence.

    mean over the axes of Σ_k |F_k - G_k| / (n - 1), n > 1 places along the axis, F and G the cumulative sums of the
    marginals of p = max(a, 0) / Σ max(a, 0), a summed over channels first, and of q, even on the evidence

    On a line (tokens, a series of one feature) this is the earth mover's distance itself, in shares of the line's
    length. For images it is the mean of the distances of the two marginals, rows and columns: at most the earth mover's
    distance between the maps where a move costs the mean of its shares of height and width, and equal to it where one
    map is the other displaced. Features have no order: along them any move costs 1, so what counts there is
    Σ |p - q| / 2. A map without a positive value is taken to be even. Where a number is predicted, |a| stands for a.
    The control is Gaussian noise. Lower is better.

    When it misleads: marginals cannot tell one diagonal from the other, and a map that marks one place in the middle
    of the evidence is charged for the rest of it.
    Reference: [rubner2000earth]
    """

    name = "earth_movers_distance"
    title = "Earth mover's distance"
    higher_is_better = False
    unit = "share of the length"

    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        p = np.maximum(maps, 0)
        p = np.where(p.sum(-1, keepdims=True) > 0, p, 1.0)
        difference = p / p.sum(-1, keepdims=True) - evidence / evidence.sum()
        difference = difference.reshape(*maps.shape[:-1], *shape.values())
        places = range(maps.ndim - 1, difference.ndim)
        total, axes = np.zeros(maps.shape[:-1]), 0
        for place, (axis, size) in zip(places, shape.items(), strict=True):
            if size > 1:
                gap = difference.sum(tuple(other for other in places if other != place))
                moved = np.abs(gap) / 2 if axis == "feature" else np.abs(gap.cumsum(-1)) / (size - 1)
                total, axes = total + moved.sum(-1), axes + 1
        return total / max(1, axes)
