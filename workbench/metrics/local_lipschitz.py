"""Local Lipschitz estimate."""

from dataclasses import dataclass

import numpy as np

from workbench.robustness import AbstractRobustness, Nearby


@dataclass(frozen=True, kw_only=True)
class LocalLipschitz(AbstractRobustness):
    """How fast the map changes at most with the input, over inputs nearby: its local Lipschitz constant, from below.

    max over x' of ‖a(x') − a(x)‖ / ‖x' − x‖

    x' are `n_near` inputs whose entries are moved by at most `radius` standard deviations of the training inputs, and
    the distance is in these units too, so that columns of different units count alike. The control shuffles each map
    nearby over its places. Lower is better.

    When it misleads: it has the unit of the attributions, so that a method whose values are smaller looks more robust:
    compare models or inputs by it, and methods by the relative input stability. What ignores the input scores 0.
    Reference: [alvarezmelis2018robustness]
    """

    name = "local_lipschitz"
    title = "Local Lipschitz estimate"
    unit = "attribution per standard deviation"

    def measured(self, nearby: Nearby) -> float:
        return float((nearby.change() / np.where(nearby.distance > 0, nearby.distance, np.nan)).max())
