"""Tables: tasks whose samples are a row of named numbers, and such rows as scikit-learn takes and answers them."""

from abc import abstractmethod
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from zoo.model import log_probabilities
from zoo.task import Kind, Samples, Task

Rows = Float[np.ndarray, "sample feature"]
SCORED = 1 / 3
"""Share of a measured table that is kept for the split that is scored."""
SEED = 0
"""Of the draw that splits a measured table."""
DIGITS = 6
"""Significant digits of the constants that standardise: no machine's order of summation reaches them."""


class TableTask(Task):
    """A task on named numbers, one row per sample; each column is a group of its own."""

    kind = Kind.TABLE
    axes = ("feature",)

    def groups(self, inputs: Float[Tensor, "sample feature"]) -> Int[Tensor, "sample feature"]:
        return torch.arange(inputs.shape[1]).expand(inputs.shape)


class MeasuredTable(TableTask):
    """A table of real measurements: split at random within strata, standardised with what the training split says.

    x_j ← (x_j − m_j) / s_j, with mean and standard deviation of column j over the training split, to 6 digits
    """

    absence = "zero"  # of every column its mean
    preprocessing = (
        "Each column minus its mean over the training split, divided by its standard deviation there (both to 6 "
        "significant digits)."
    )

    @abstractmethod
    def measured(self) -> tuple[Rows, Shaped[np.ndarray, "sample"]]:
        """All rows as they were measured, and what is asked for: the class of each, or of regression its value."""

    def load(self, split: str) -> Samples:
        rows, asked = self.measured()
        scored = stratified(_quarters(asked) if self.regression else asked, SCORED, SEED)
        chosen = scored if split == self.scored else ~scored
        inputs = torch.from_numpy(standardised(rows, ~scored)[chosen].astype(np.float32))
        return Samples(
            inputs=inputs,
            labels=torch.from_numpy(np.zeros(len(inputs), int) if self.regression else asked[chosen].astype(int)),
            ids=tuple(f"{split}:{i}" for i in range(len(inputs))),
            values=torch.from_numpy(asked[chosen].astype(np.float32)) if self.regression else None,
        )


def stratified(strata: Int[np.ndarray, "sample"], share: float, seed: int) -> Bool[np.ndarray, "sample"]:
    """True for a share of each stratum (rounded), drawn without regard to anything else."""
    generator = np.random.default_rng(seed)
    chosen = np.zeros(len(strata), bool)
    for stratum in np.unique(strata):
        members = generator.permutation(np.flatnonzero(strata == stratum))
        chosen[members[: round(share * len(members))]] = True
    return chosen


def standardised(table: Rows, training: Bool[np.ndarray, "sample"]) -> Rows:
    """Each column minus its mean over the training rows, divided by its standard deviation over them."""
    mean, deviation = (_rounded(statistic(table[training], axis=0)) for statistic in (np.mean, np.std))
    return (table - mean) / deviation


def _rounded(numbers: Float[np.ndarray, "feature"]) -> Float[np.ndarray, "feature"]:
    return np.array([float(f"{number:.{DIGITS}g}") for number in numbers])


def _quarters(values: Float[np.ndarray, "sample"]) -> Int[np.ndarray, "sample"]:
    """0 for the quarter of lowest values, … 3 for that of the highest."""
    return np.searchsorted(np.quantile(values, (0.25, 0.5, 0.75)), values)


# Rows as scikit-learn takes them ---------------------------------------------------------------------------------


@runtime_checkable
class Estimator(Protocol):
    """A classifier or regressor of scikit-learn."""

    def predict(self, rows: Rows) -> np.ndarray:
        """Class or number of each row."""
        ...


def rows(inputs: Float[Tensor, "sample ..."]) -> Rows:
    """Every input of a sample in one row, on the CPU."""
    return inputs.detach().cpu().flatten(1).numpy()


def wanted(samples: Samples) -> Shaped[np.ndarray, "sample"]:
    """What is asked for: the values of regression, else the labels."""
    return (samples.labels if samples.values is None else samples.values).numpy()


def answers(estimator: Estimator, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
    """Logits: the logarithm of a classifier's probabilities; of a regressor the number it predicts."""
    if hasattr(estimator, "predict_proba"):
        return log_probabilities(estimator.predict_proba(rows(inputs)))
    return torch.from_numpy(estimator.predict(rows(inputs))).to(torch.float32)[:, None]
