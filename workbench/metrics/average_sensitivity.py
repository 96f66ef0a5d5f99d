"""Average sensitivity."""

from dataclasses import dataclass

from workbench.robustness import AbstractRobustness, Nearby


@dataclass(frozen=True, kw_only=True)
class AverageSensitivity(AbstractRobustness):
    """The mean change of the map at inputs nearby, in shares of its size.

    mean over x' of ‖a(x') − a(x)‖ / ‖a(x)‖

    x' are `n_near` inputs whose entries are moved by at most `radius` standard deviations of the training inputs; the
    same class is explained. A map of zeros is not scored. The control shuffles each map nearby over its places. Lower
    is better.

    When it misleads: a method that ignores the input is perfectly robust (the random control scores 0); and where the
    model itself changes quickly a faithful map has to.
    Reference: [yeh2019infidelity]
    """

    name = "average_sensitivity"
    title = "Average sensitivity"
    unit = "share of the map"

    def measured(self, nearby: Nearby) -> float:
        return float(nearby.relative_change().mean())
