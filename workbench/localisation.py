"""Localisation: whether attributions lie where the planted evidence is."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float

from workbench.chance import per_sample
from workbench.records import Attribution, Score
from workbench.scoring import AbstractMetric, over_places
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class AbstractLocalisation(AbstractMetric):
    """A number for a map and the mask of the evidence, of samples on which the model is right about the label.

    Where it is wrong, or where another class was explained, the evidence for the label is not what a right map shows.
    """

    category = "localisation"
    higher_is_better = True
    unit = "share"

    n_draws: int = setting(20, low=1, high=1000, help="Random maps of each sample, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the control")

    @abstractmethod
    def located(
        self, maps: Float[np.ndarray, "*draw place"], evidence: Bool[np.ndarray, "place"], shape: tuple[int, ...]
    ) -> Float[np.ndarray, "*draw"]:
        """The value of each map; places are the sample's, in the order of an array of `shape`."""

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        if attribution.evidence is None:
            return "these samples have no planted evidence. Use a planted task (shapes)."
        return None

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        assert attribution.evidence is not None  # or `require` had raised
        maps = over_places(attribution)
        shape = maps.shape[1:]
        noise = per_sample(
            lambda chance: torch.randn((self.n_draws, *shape), generator=chance), samples.ids, self.seed, "random map"
        ).numpy()
        values, control = np.zeros(len(maps)), np.zeros((len(maps), self.n_draws))
        for i, mask in enumerate(attribution.evidence.reshape(len(maps), -1)):
            values[i] = self.located(maps[i].reshape(1, -1), mask, shape)[0]
            control[i] = self.located(noise[i].reshape(self.n_draws, -1), mask, shape)
        right = (attribution.predicted == attribution.labels) & (attribution.classes == attribution.labels)
        scored = right & attribution.evidence.reshape(len(maps), -1).any(1)
        why = "the model was wrong there, or another class than the label was explained, or no evidence was planted"
        return self.record(attribution, values, control, scored, why)
