"""Wine: three grapes told apart by chemistry."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Shaped

from zoo.tabular import MeasuredTable, Rows


@dataclass(frozen=True)
class Wine(MeasuredTable):
    """Thirteen measurements of wines from one region of Italy, made of three grapes.

    Groups are the 13 columns. scikit-learn numbers the classes; their names are those of the source.
    Reference: [forina1988parvus], [aeberhard1994comparative]
    """

    name = "wine"
    title = "Wines of Piedmont"
    classes = ("Barolo", "Grignolino", "Barbera")
    licence = "CC BY 4.0"
    citation = "forina1988parvus"
    source = "scikit-learn"
    features = (
        *("alcohol", "malic acid", "ash", "alkalinity of ash", "magnesium", "total phenols", "flavonoids"),
        *("nonflavonoid phenols", "proanthocyanins", "colour intensity", "hue", "OD280/OD315 when diluted", "proline"),
    )
    about = (
        "178 real wines of three kinds, each with thirteen measurements. A third is for testing, drawn at random "
        "within each kind from a fixed seed: 60 wines, so that one wine is 1.7 points of accuracy. The kinds are all "
        "but separable, and many models are right throughout: what differs is why."
    )

    def measured(self) -> tuple[Rows, Shaped[np.ndarray, "sample"]]:
        from sklearn.datasets import load_wine

        return load_wine(return_X_y=True)
