"""Diabetes: how the disease goes on, a number from ten others."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from zoo.tabular import MeasuredTable, Rows


@dataclass(frozen=True)
class Diabetes(MeasuredTable):
    """Regression: age, sex, body mass index, blood pressure and six values of the blood against progression in a year.

    Groups are the 10 columns. Total cholesterol and LDL say nearly the same (correlation 0.90), so that weight can move
    from one to the other and change no prediction. Reference: [efron2004least]
    """

    name = "diabetes"
    title = "Progression of diabetes"
    classes = ("progression in a year (points)",)
    licence = "None was stated by its authors; it comes with scikit-learn (BSD-3-Clause)."
    citation = "efron2004least"
    source = "scikit-learn"
    features = (
        *("age", "sex", "body mass index", "blood pressure", "total cholesterol", "LDL", "HDL"),
        *("total cholesterol / HDL", "log triglycerides", "blood sugar"),
    )
    about = (
        "442 real patients: the disease's progression in the year after ten values were taken, on a scale of 25 to 346 "
        "points that its authors do not explain. A third is for testing, drawn at random within quarters of the "
        "outcome from a fixed seed. At least half of the variation is beyond these ten values, for every model known."
    )

    def measured(self) -> tuple[Rows, Shaped[np.ndarray, "sample"]]:
        from sklearn.datasets import load_diabetes

        return load_diabetes(return_X_y=True, scaled=False)
