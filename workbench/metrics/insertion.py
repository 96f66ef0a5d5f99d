"""Insertion."""

from dataclasses import dataclass

from workbench.removal import AbstractRemoval


@dataclass(frozen=True, kw_only=True)
class Insertion(AbstractRemoval):
    """How fast the explained class appears when features are put into the reference, the highest attribution first.

    ∫₀¹ p_c(x' with the share s of features that rank first) ds, by the trapezoid rule

    Features are pixels over all channels, words, columns. Higher is better. The control is the same area for random
    orders of the same sample.

    When it misleads: the first inputs of the curve are nearly empty, where what a model says may be an accident; for
    the class that it says to an empty input every order looks good.
    Reference: [petsiuk2018rise]
    """

    name = "insertion"
    title = "Insertion"
    higher_is_better = True
    inserting = True
