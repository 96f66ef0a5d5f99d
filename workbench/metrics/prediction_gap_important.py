"""Prediction gap on important features."""

from dataclasses import dataclass

from workbench.gaps import AbstractGap


@dataclass(frozen=True, kw_only=True)
class PredictionGapImportant(AbstractGap):
    """How far the class's probability moves when the features of most attribution show what other samples have there.

    E_{x'} |p_c(x) - p_c(x' on the quarter of features with the most |a|, x elsewhere)|,  x' from the training inputs

    On text, where nothing can be drawn, x' is [MASK]. Higher is better. The control is the same for random orders.

    When it misleads: columns that belong together are torn apart into rows that no sample could have, and a map with
    the wrong sign everywhere scores like the right one.
    Reference: [dai2022fairness], [agarwal2022openxai]
    """

    name = "prediction_gap_important"
    title = "Prediction gap, important features"
    higher_is_better = True
