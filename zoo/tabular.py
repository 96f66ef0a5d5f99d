"""Tables: samples as scikit-learn takes them, a row of numbers each, and its answers as logits."""

from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from zoo.model import log_probabilities
from zoo.task import Samples

Rows = Float[np.ndarray, "sample feature"]


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
