"""Maximum sensitivity."""

from dataclasses import dataclass

from workbench.robustness import AbstractRobustness, Nearby


@dataclass(frozen=True, kw_only=True)
class MaxSensitivity(AbstractRobustness):
    """The largest change of the map at inputs nearby, in shares of its size.

    max over x' of ‖a(x') − a(x)‖ / ‖a(x)‖

    x' are `n_near` inputs whose entries are moved by at most `radius` standard deviations of the training inputs; the
    same class is explained. The reference does not divide by ‖a(x)‖, without which methods of different units cannot
    be compared. A map of zeros is not scored. The control shuffles each map nearby over its places. Lower is better.

    When it misleads: a method that ignores the input is perfectly robust (the random control scores 0); and where the
    model itself changes quickly a faithful map has to. A few draws find less than the true maximum.
    Reference: [yeh2019infidelity]
    """

    name = "max_sensitivity"
    title = "Maximum sensitivity"
    unit = "share of the map"

    def measured(self, nearby: Nearby) -> float:
        return float(nearby.relative_change().max())
