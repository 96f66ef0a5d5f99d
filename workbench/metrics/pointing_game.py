"""Pointing game."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import maximum_filter

from workbench.localisation import AbstractLocalisation
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class PointingGame(AbstractLocalisation):
    """Whether the highest attribution lies in the planted evidence, or at most `tolerance` places beside it.

    [argmax_i a_i in evidence], a_i summed over channels; where several places share the maximum (a patch, a window),
    the share of them that lies inside

    Features have no order, so none is beside another: along them there is no tolerance. Where a number is predicted,
    |a| stands for a. The control is Gaussian noise: a place drawn at random. Higher is better.

    When it misleads: one pixel decides, the rest of the map is not looked at.
    Reference: [zhang2018topdown]
    """

    name = "pointing_game"
    title = "Pointing game"

    tolerance: int = setting(1, low=0, high=32, help="Places (pixels) beside the evidence that still count")

    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        area = evidence.reshape(tuple(shape.values()))
        size = [1 if axis == "feature" else 2 * self.tolerance + 1 for axis in shape]
        near = maximum_filter(area, size=size, mode="constant").ravel()
        top = maps == maps.max(-1, keepdims=True)
        return (top & near).sum(-1) / top.sum(-1)
