"""Logistic regression on what a series can be summed up in."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from torch import Tensor

from zoo.errors import InputError
from zoo.model import TraditionalModel, linear_logits
from zoo.tabular import rows
from zoo.task import Samples, Task

PARTS = 3
"""Stretches of time whose mean is a feature of its own."""


@dataclass
class SeriesFeatures(TraditionalModel):
    """A few numbers about each measured series, standardised, and a multinomial logistic regression on them.

    Of each: mean, standard deviation, smallest and largest value, slope of the least-squares line, mean of each third,
    and log(1 + power) in octaves of frequencies (1, 2–3, 4–7, … periods per series).
    p(c | x) = softmax(W φ(x) + b)_c, with the penalty ‖W‖² / 2C on the weights.

    When it misleads: it knows no moment, only thirds; what happens in one step is visible in the extremes alone.
    Reference: [fulcher2014highly], [cox1958regression]
    """

    name = "series_features"

    C: float = 1.0
    """Inverse of the penalty's strength."""
    fitted: Pipeline = field(init=False, repr=False)

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        if task.regression or samples.inputs.ndim != 3:
            raise InputError(
                f"'series_features' finds the class of a series (time × feature); {task.name} is none. Use 'ridge' for "
                "numbers and 'logistic' for other inputs."
            )
        sums = FunctionTransformer(summary, kw_args={"steps": samples.inputs.shape[1]})
        regression = LogisticRegression(C=self.C, max_iter=5000, random_state=seed)
        self.fitted = make_pipeline(sums, StandardScaler(), regression)
        self.fitted.fit(rows(samples.inputs), samples.labels.numpy())

    def logits(self, inputs: Float[Tensor, "sample time feature"]) -> Float[Tensor, "sample class"]:
        return linear_logits(self.fitted.decision_function(rows(inputs)))

    def parameters(self) -> int:
        return self.fitted[-1].coef_.size + self.fitted[-1].intercept_.size


def summary(flat: Float[np.ndarray, "sample value"], steps: int) -> Float[np.ndarray, "sample statistic"]:
    """The numbers about each measured series, all of one kind after the other; `flat` has one step after the other."""
    series = flat.reshape(len(flat), steps, -1).astype(np.float64)
    time = np.arange(steps) - (steps - 1) / 2
    slope = np.einsum("t,ntf->nf", time, series) / (time @ time)
    thirds = [part.mean(1) for part in np.array_split(series, PARTS, axis=1)]
    power = np.abs(np.fft.rfft(series, axis=1)) ** 2 / steps
    edges = 2 ** np.arange(int(np.log2(power.shape[1] - 1)) + 1)
    octaves = [np.log1p(part.sum(1)) for part in np.split(power, edges, axis=1)[1:]]
    plain = [series.mean(1), series.std(1), series.min(1), series.max(1), slope]
    return np.concatenate((*plain, *thirds, *octaves), axis=1)
