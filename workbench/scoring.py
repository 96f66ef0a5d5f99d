"""Scoring: what every quality metric of an attribution is, and the interval of its mean."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from workbench import settings
from workbench.records import Attribution, Score
from workbench.subject import Subject
from zoo.discovery import discover, find
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class AbstractMetric(settings.Extension):
    """A measure of how good an attribution is, always beside the same measure of a random control.

    `category`: faithfulness, localisation, robustness, randomisation, complexity or axiomatic.
    """

    category: ClassVar[str]
    higher_is_better: ClassVar[bool]
    unit: ClassVar[str]

    @abstractmethod
    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        """One value per sample, several values of the control per sample, and the interval of the mean."""

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        """None where the metric applies; else one sentence that says why it does not."""
        return None


def metrics() -> dict[str, type[AbstractMetric]]:
    """Every metric there is, by name."""
    return discover("workbench.metrics", AbstractMetric)


def metric(name: str, **given: Any) -> AbstractMetric:
    """A metric by its name and settings, which may be text."""
    return settings.build(find("workbench.metrics", AbstractMetric, name, "metric"), given)


def interval(values: np.ndarray, seed: int = 0, resamples: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean over samples; NaN, NaN for fewer than two samples."""
    if len(values) < 2:
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    means = values[generator.integers(len(values), size=(resamples, len(values)))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
