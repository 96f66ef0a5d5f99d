"""Prediction gap on unimportant features."""

from dataclasses import dataclass

from workbench.gaps import AbstractGap


@dataclass(frozen=True, kw_only=True)
class PredictionGapUnimportant(AbstractGap):
    """How far the class's probability moves when the features of least attribution show what other samples have there.

    E_{x'} |p_c(x) - p_c(x' on the quarter of features with the least |a|, x elsewhere)|,  x' from the training inputs

    Least is meant by magnitude: what speaks against the class is not unimportant. On text, where nothing can be drawn,
    x' is [MASK]. Lower is better. The control is the same for random orders of the same sample.

    When it misleads: where most features do nothing (an empty background), a quarter that does nothing is found by
    nearly any order.
    Reference: [dai2022fairness], [agarwal2022openxai]
    """

    name = "prediction_gap_unimportant"
    title = "Prediction gap, unimportant features"
    higher_is_better = False
    lowest_first = True
