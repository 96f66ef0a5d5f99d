"""Metrics: what a model achieves on samples, of classification and of regression. Definitions: `zoo.quality`."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Metrics(ABC):
    """Quality on samples: one score that stands for all, with its 95 % interval over samples, and what stands beside.

    Whoever lists models of all kinds uses `measure`, `score`, `low`, `high` and `samples`.
    """

    measure: ClassVar[str]
    """What the score is called."""
    low: float
    high: float
    samples: int

    @property
    @abstractmethod
    def score(self) -> float:
        """The larger the better, and 1 at best."""

    def problem(self) -> str | None:
        """Why these cannot be the metrics of anything; None where they can."""
        if self.samples < 1:
            return "there are no samples"
        return None if self.low <= self.score <= self.high <= 1 else f"the {self.measure} is not within its interval"


@dataclass(frozen=True, kw_only=True)
class ClassMetrics(Metrics):
    """Of answers that are classes."""

    measure = "accuracy"
    accuracy: float
    macro_f1: float
    macro_precision: float
    macro_recall: float
    negative_log_likelihood: float
    """In nats per answer."""
    calibration_error: float
    """Expected calibration error over 15 bins of equal width."""
    answers: int
    """How many classes were asked for: one per sample, or one at each of several steps."""

    @property
    def score(self) -> float:
        return self.accuracy

    def problem(self) -> str | None:
        shares = (self.low, self.macro_f1, self.macro_precision, self.macro_recall, self.calibration_error)
        if not all(0 <= share <= 1 for share in shares):
            return "a share is not between 0 and 1"
        return super().problem()


@dataclass(frozen=True, kw_only=True)
class NumberMetrics(Metrics):
    """Of answers that are numbers."""

    measure = "R²"
    r_squared: float
    rmse: float
    """Root of the mean squared error, in the unit of the output."""
    mae: float
    """Mean absolute error, in the unit of the output."""

    @property
    def score(self) -> float:
        return self.r_squared

    def problem(self) -> str | None:
        return "an error is below zero" if min(self.rmse, self.mae) < 0 else super().problem()
