"""Deletion."""

from dataclasses import dataclass

from workbench.removal import AbstractRemoval


@dataclass(frozen=True, kw_only=True)
class Deletion(AbstractRemoval):
    """How fast the explained class is lost when features are removed, the highest attribution first.

    ∫₀¹ p_c(x without the share s of features that rank first) ds, by the trapezoid rule

    Features are pixels over all channels, words, columns; a removed one shows the reference input. Lower is better.
    The control is the same area for random orders of the same sample.

    When it misleads: an input with holes is unlike the data, and a map can win by finding the holes that confuse the
    model soonest rather than the evidence that it used.
    Reference: [petsiuk2018rise], [samek2017evaluating]
    """

    name = "deletion"
    title = "Deletion"
    higher_is_better = False
    inserting = False
