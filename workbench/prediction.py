"""Predictions: models that answer with a number, compared on the same samples, with intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from workbench.provenance import provenance
from workbench.records import Column, Table
from workbench.subject import Subject, to_numpy
from zoo.card import ModelCard
from zoo.errors import InputError
from zoo.model import TraditionalModel, parameter_count
from zoo.quality import CONFIDENCE, RESAMPLES, bootstrap_r_squared, mae, r_squared, rmse
from zoo.task import Samples, Task

COLUMNS = (
    Column(title="Model"),
    Column(title="Kind"),
    Column(title="R²", higher_is_better=True),
    Column(title="Root mean squared error", higher_is_better=False),
    Column(title="Mean absolute error", higher_is_better=False),
    Column(title="Fit", unit="s", higher_is_better=False, digits=1),
    Column(title="Fitted on"),
    Column(title="Predict", unit="ms per sample", higher_is_better=False, digits=4),
    Column(title="Parameters", digits=0),
)
R_SQUARED = 2


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one model predicts for samples whose numbers are known."""

    subject: Subject
    card: ModelCard
    samples: Samples
    predicted: Float[np.ndarray, "sample"]
    milliseconds: float

    @property
    def kind(self) -> str:
        return "traditional" if isinstance(self.subject.model, TraditionalModel) else "network"

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


def table(task: Task, split: str, found: Sequence[Predictions]) -> Table:
    """R² with a bootstrap interval and the errors of each model, best first, and a verdict on networks and traditional
    models."""
    found = sorted(found, key=lambda one: one.score, reverse=True)
    low, high = np.full((2, len(found), len(COLUMNS)), np.nan)
    for place, one in enumerate(found):
        low[place, R_SQUARED], high[place, R_SQUARED] = bootstrap_r_squared(one.predicted, one.asked)
    said, count = verdict(found), len(found[0].samples)
    trained = " These models were fitted on this very split." if split == "train" else ""
    return Table(
        title=f"Models of {task.title.lower()} on {count:,} samples of the {split} split",
        provenance={
            "task": task.name,
            "split": split,
            "samples": count,
            "verdict": said,
            "subjects": [provenance(one.subject) for one in found],
        },
        columns=COLUMNS,
        rows=tuple(_row(one) for one in found),
        low=low,
        high=high,
        note=f"{said}{trained} Errors are in the unit of the output: {task.classes[0]}. Intervals are 95 % over "
        "samples; fit times are of the machine named on the card.",
    )


def verdict(found: Sequence[Predictions]) -> str:
    """Whether the best network and the best traditional model can be told apart, and which is better; each is the best
    of its kind on these very samples, which flatters both a little."""
    kinds = {kind: [one for one in found if one.kind == kind] for kind in ("network", "traditional")}
    for kind, members in kinds.items():
        if not members:
            return f"There is no {kind} model of this task to compare with."
    network, traditional = (max(members, key=lambda one: one.score) for members in kinds.values())
    low, high = difference(network.predicted, traditional.predicted, network.asked)
    gap = network.score - traditional.score
    sign = -1 if gap < 0 else 1
    ends = sorted((sign * low, sign * high))
    measured = (
        f"{network.subject.name} and {traditional.subject.name} differ by {abs(gap):.3f} in R² (95 % interval "
        f"{ends[0]:.3f} to {ends[1]:.3f} of the paired difference, {len(network.samples):,} samples): "
    )
    if low <= 0 <= high:
        return measured + "they cannot be told apart."
    return measured + f"the {'network' if gap > 0 else 'traditional model'} is better here."


def difference(
    first: Float[np.ndarray, "sample"],
    second: Float[np.ndarray, "sample"],
    asked: Float[np.ndarray, "sample"],
    seed: int = 0,
) -> tuple[float, float]:
    """The 95 % interval of R² of the first minus R² of the second: quantiles over 2,000 resamples of the samples, the
    same for both. Reference: [efron1979bootstrap]"""
    chance, count = np.random.default_rng(seed), len(asked)
    found = [
        r_squared(first[rows], asked[rows]) - r_squared(second[rows], asked[rows])
        for rows in (chance.integers(count, size=count) for _ in range(RESAMPLES))
    ]
    low, high = np.nanquantile(found, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def _row(one: Predictions) -> tuple[Any, ...]:
    return (
        one.subject.name,
        one.kind,
        one.score,
        rmse(one.predicted, one.asked),
        mae(one.predicted, one.asked),
        one.card.seconds,
        one.card.trained_on,
        one.milliseconds,
        parameter_count(one.subject.model),
    )
