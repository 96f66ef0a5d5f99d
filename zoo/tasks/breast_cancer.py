"""Breast cancer: cell nuclei under the microscope, measured."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from zoo.tabular import MeasuredTable, Rows

MEASURES = (
    *("radius", "texture", "perimeter", "area", "smoothness", "compactness", "concavity", "concave points"),
    *("symmetry", "fractal dimension"),
)


@dataclass(frozen=True)
class BreastCancer(MeasuredTable):
    """Ten measures of the cell nuclei in a sample of breast tissue, each as mean, standard error and worst value.

    Groups are the 30 columns. Radius, perimeter and area are nearly the same thing said three times (correlations above
    0.98), so that no explanation can tell which of them a model needs. Reference: [street1993nuclear]
    """

    name = "breast_cancer"
    title = "Breast cancer, Wisconsin"
    classes = ("malignant", "benign")
    licence = "CC BY 4.0"
    citation = "street1993nuclear"
    source = "scikit-learn"
    features = tuple(
        pattern.format(measure) for pattern in ("mean {}", "standard error of {}", "worst {}") for measure in MEASURES
    )
    about = (
        "569 real tumours: what ten measures of the cell nuclei in a fine-needle aspirate say of whether the tumour is "
        "malignant. A third is for testing, drawn at random within each class from a fixed seed. One hospital and one "
        "way of preparing slides, thirty years ago: nothing here is for diagnosing anybody."
    )

    def measured(self) -> tuple[Rows, Shaped[np.ndarray, "sample"]]:
        from sklearn.datasets import load_breast_cancer

        return load_breast_cancer(return_X_y=True)
