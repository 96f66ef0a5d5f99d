"""Relative input stability."""

from dataclasses import dataclass

import numpy as np

from workbench.robustness import AbstractRobustness, Nearby


@dataclass(frozen=True, kw_only=True)
class RelativeInputStability(AbstractRobustness):
    """How many times more the map changes than the input does, at most, both in shares of their size.

    max over x' of (‖a(x') − a(x)‖ / ‖a(x)‖) / (‖x' − x‖ / ‖x‖)

    x' are `n_near` inputs whose entries are moved by at most `radius` standard deviations of the training inputs, and
    inputs are measured in these units. The reference divides entry by entry, where entries that are nearly zero (the
    background) decide everything; here the norms are divided. An input or a map of zeros is not scored. The control
    shuffles each map nearby over its places. Lower is better.

    When it misleads: what ignores the input scores 0, and of a linear model input × gradient about 1, which is no
    fault.
    Reference: [agarwal2022rethinking]
    """

    name = "relative_input_stability"
    title = "Relative input stability"
    unit = "share per share"

    def measured(self, nearby: Nearby) -> float:
        return float((nearby.relative_change() / np.where(nearby.share > 0, nearby.share, np.nan)).max())
