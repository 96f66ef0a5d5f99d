"""Localisation: whether attributions lie where the planted evidence is."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from workbench.chance import per_sample
from workbench.records import Attribution, Score
from workbench.scoring import AbstractMetric, over_places
from workbench.settings import setting
from workbench.similarity import occupied
from workbench.subject import Subject
from zoo.task import Samples

WHY = (
    "the model was wrong there, or another class than the label was explained, or no evidence was planted, or it is "
    "everywhere"
)


@dataclass(frozen=True, kw_only=True)
class AbstractLocalisation(AbstractMetric):
    """A number for a map and the mask of the evidence, of samples on which the model is right about the label.

    Where it is wrong, or where another class was explained, the evidence for the label is not what a right map shows.
    Where a number is predicted magnitudes count: what lowers the number is evidence, too.
    """

    category = "localisation"
    higher_is_better = True
    unit = "share"

    n_draws: int = setting(20, low=1, high=1000, help="Random maps of each sample, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the control")

    @abstractmethod
    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: Mapping[str, int]
    ) -> Float[np.ndarray, "*draw"]:
        """The value of each map, NaN where it has none; places are the sample's, in the order of an array whose axes
        have the sizes `shape`. Padding is left out of all of them."""

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        if attribution.evidence is None:
            return "these samples have no planted evidence. Use a planted task (shapes)."
        return None

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        assert attribution.evidence is not None  # or `require` had raised
        maps = over_places(attribution)
        axes, count = [axis for axis in subject.task.axes if axis != "channel"], len(maps)
        noise = per_sample(
            lambda chance: torch.randn((self.n_draws, *maps.shape[1:]), generator=chance),
            samples.ids,
            self.seed,
            "random map",
        ).numpy()
        drawn = np.concatenate((maps[:, None], noise), 1).reshape(count, 1 + self.n_draws, -1)
        drawn = np.abs(drawn) if subject.task.regression else drawn
        evidence, inside = attribution.evidence.reshape(count, -1), occupied(subject, samples)
        found = np.full(drawn.shape[:2], np.nan)
        for i, (own, mask, places) in enumerate(zip(drawn, evidence, inside, strict=True)):
            if mask.any():
                sizes = maps.shape[1:] if places.all() else (int(places.sum()),)
                found[i] = self.located(own[:, places], mask[places], dict(zip(axes, sizes, strict=True)))
        right = (attribution.predicted == attribution.labels) & (attribution.classes == attribution.labels)
        scored = right & evidence.any(1) & np.isfinite(found).all(1)
        return self.record(attribution, found[:, 0], found[:, 1:], scored, WHY)


def top_hits(
    maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], count: int
) -> Float[np.ndarray, "*draw"]:
    """How many of the `count` highest places are evidence; of places that tie for the last, their share of it."""
    last = -np.sort(-maps, axis=-1)[..., count - 1 : count]
    above, tied = maps > last, maps == last
    left = count - above.sum(-1)
    return (above & evidence).sum(-1) + left * (tied & evidence).sum(-1) / tied.sum(-1)


def positive_part(maps: Float[np.ndarray, "*draw place"]) -> Float[np.ndarray, "*draw place"]:
    """What is positive, as a share of its maximum; zeros where nothing is."""
    kept = np.maximum(maps, 0)
    highest = kept.max(-1, keepdims=True)
    return kept / np.where(highest > 0, highest, 1)
