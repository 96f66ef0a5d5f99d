"""Predictions: models that answer with a number, judged on the same samples."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float

from workbench.contest import Entry, Figure, Lead
from workbench.records import Column
from workbench.subject import to_numpy
from zoo.errors import InputError
from zoo.quality import bootstrap, bootstrap_r_squared, mae, r_squared, rmse


@dataclass(frozen=True, eq=False)
class Predictions(Entry):
    """What one model predicts for samples whose numbers are known: R² with a bootstrap interval, and the errors."""

    predicted: Float[np.ndarray, "sample"]

    measured = (
        Column(title="R²", higher_is_better=True),
        Column(title="Root mean squared error", higher_is_better=False),
        Column(title="Mean absolute error", higher_is_better=False),
    )
    unit, scale, digits = "in R²", 1, 3

    @property
    def asked(self) -> Float[np.ndarray, "sample"]:
        """The numbers that were to be predicted."""
        if self.samples.values is None:
            raise InputError("These samples have no number to compare with. Choose samples of a split of the task.")
        return to_numpy(self.samples.values)

    @property
    def score(self) -> float:
        """R²."""
        return r_squared(self.predicted, self.asked)

    @property
    def remark(self) -> str:
        return f"Errors are in the unit of the output: {self.subject.task.classes[0]}."

    def figures(self) -> tuple[Figure, ...]:
        return (
            Figure(self.score, *bootstrap_r_squared(self.predicted, self.asked)),
            Figure(rmse(self.predicted, self.asked)),
            Figure(mae(self.predicted, self.asked)),
        )

    def lead(self, other: Self) -> Lead:
        low, high = difference(self.predicted, other.predicted, self.asked)
        return Lead(difference=self.score - other.score, low=low, high=high)


def difference(
    first: Float[np.ndarray, "sample"],
    second: Float[np.ndarray, "sample"],
    asked: Float[np.ndarray, "sample"],
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval of R² of the first minus R² of the second, on the same resamples of the samples."""
    return bootstrap(
        lambda rows: r_squared(first[rows], asked[rows]) - r_squared(second[rows], asked[rows]), len(asked), seed=seed
    )
