"""Scoring: what every quality metric of an attribution is, and the interval of its mean."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Bool, Float

from workbench import settings
from workbench.records import Attribution, Score
from workbench.subject import Subject
from zoo.discovery import discover, find
from zoo.errors import InputError
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class AbstractMetric(settings.Extension):
    """A measure of how good an attribution is, always beside the same measure of a random control.

    `category`: faithfulness, localisation, robustness, randomisation, complexity or axiomatic. `trains`: whether it has
    a model trained first, which takes seconds to minutes; "all" leaves such a metric out, and its name asks for it.
    """

    category: ClassVar[str]
    higher_is_better: ClassVar[bool]
    unit: ClassVar[str]
    trains: ClassVar[bool] = False

    @abstractmethod
    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        """One value per sample, several values of the control per sample, and the interval of the mean."""

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        """None where the metric applies; else one sentence that says why it does not."""
        return None

    def require(self, samples: Samples, attribution: Attribution) -> None:
        """Raise `InputError` where the metric does not apply, or these are not the samples that were explained."""
        if samples.ids != attribution.sample_ids:
            raise InputError(
                f"The attribution explains {len(attribution)} samples from {attribution.sample_ids[0]}, but "
                f"{len(samples)} from {samples.ids[0]} were given. Give those that were explained, in their order."
            )
        if (reason := self.why_not(samples, attribution)) is not None:
            raise InputError(f"{self.title} cannot be measured: {reason}")

    def record(
        self,
        attribution: Attribution,
        values: Float[np.ndarray, "sample"],
        control: Float[np.ndarray, "sample draw"],
        scored: Bool[np.ndarray, "sample"] | None = None,
        why: str = "",
        remark: str = "",
    ) -> Score:
        """The score of these values; where `scored` is given, of those samples alone, and `why` says of the others.
        `remark` is a sentence on how they were measured."""
        kept = np.ones(len(attribution), bool) if scored is None else scored
        seed = int(getattr(self, "seed", 0))
        low, high = interval(values[kept], seed)
        return Score(
            title=self.title,
            metric=self.name,
            subject=attribution.subject,
            method=attribution.method,
            category=self.category,
            higher_is_better=self.higher_is_better,
            unit=self.unit,
            values=values[kept],
            control=control[kept],
            sample_ids=tuple(name for name, keep in zip(attribution.sample_ids, kept, strict=True) if keep),
            low=low,
            high=high,
            seed=seed,
            parameters=settings.values(self),
            excluded=int((~kept).sum()),
            why=why if not kept.all() else "",
            remark=remark,
            provenance=attribution.provenance,
        )

    def unmeasured(self, attribution: Attribution, why: str) -> Score:
        """The score of samples none of which could be scored, and why."""
        count = len(attribution)
        return self.record(attribution, np.zeros(count), np.zeros((count, 1)), np.zeros(count, bool), why)


def metrics() -> dict[str, type[AbstractMetric]]:
    """Every metric there is, by name."""
    return discover("workbench.metrics", AbstractMetric)


def without_training(found: Mapping[str, type[AbstractMetric]]) -> dict[str, type[AbstractMetric]]:
    """What "all" means of these metrics: those that train no model first."""
    return {name: kind for name, kind in found.items() if not kind.trains}


def metric(name: str, /, **given: Any) -> AbstractMetric:
    """A metric by its name and settings, which may be text."""
    return settings.build(find("workbench.metrics", AbstractMetric, name, "metric"), given)


def over_inputs(attribution: Attribution, axes: tuple[str, ...]) -> Float[np.ndarray, "sample ..."]:
    """The values in the shape of the inputs, whose axes are `axes`: an axis that was summed away is filled evenly."""
    values = attribution.values
    for place, (axis, size) in enumerate(zip(axes, attribution.inputs.shape[1:], strict=True), start=1):
        if axis not in attribution.axes:
            values = np.repeat(np.expand_dims(values, place), size, axis=place) / size
    return values


def over_places(attribution: Attribution) -> Float[np.ndarray, "sample ..."]:
    """The values summed over channels: one per pixel, token, feature or point in time."""
    summed = attribution.sum("channel") if "channel" in attribution.axes else attribution
    return summed.values.astype(np.float64)


def rank_correlation(
    first: Float[np.ndarray, "*#maps place"], second: Float[np.ndarray, "*#maps place"]
) -> Float[np.ndarray, "*#maps"]:
    """Spearman's correlation of maps. A constant map correlates with nothing (0) but another constant one (1)."""
    from scipy.stats import rankdata

    ranks = [rankdata(values, axis=-1) - (values.shape[-1] + 1) / 2 for values in (first, second)]
    sizes = [np.linalg.norm(rank, axis=-1) for rank in ranks]
    size = sizes[0] * sizes[1]
    constant = (sizes[0] == 0) & (sizes[1] == 0)
    return np.where(size == 0, constant, (ranks[0] * ranks[1]).sum(-1) / np.where(size == 0, 1, size))


def interval(values: np.ndarray, seed: int = 0, resamples: int = 2000) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean over samples; NaN, NaN for fewer than two samples."""
    if len(values) < 2:
        return float("nan"), float("nan")
    generator = np.random.default_rng(seed)
    means = values[generator.integers(len(values), size=(resamples, len(values)))].mean(1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)
