"""Complexity: how many places a map points at, whatever the model does there."""

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from workbench.chance import per_sample
from workbench.records import Attribution, Score
from workbench.scoring import AbstractMetric, over_places
from workbench.settings import setting
from workbench.similarity import occupied
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class AbstractComplexity(AbstractMetric):
    """A number for the shares p_i = |a_i| / Σ |a| of a map's places; a map of zeros points at all places alike."""

    category = "complexity"

    n_draws: int = setting(20, low=1, high=1000, help="Random maps of each sample, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the control")

    @abstractmethod
    def measured(self, shares: Float[np.ndarray, "*map place"]) -> Float[np.ndarray, "*map"]:
        """The value of each map, whose shares are given in descending order and add up to 1."""

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        maps = over_places(attribution)
        shape = (self.n_draws, *maps.shape[1:])
        noise = per_sample(lambda chance: torch.randn(shape, generator=chance), samples.ids, self.seed, "random map")
        drawn = np.concatenate((maps[:, None], noise.numpy()), 1).reshape(len(maps), 1 + self.n_draws, -1)
        inside = occupied(subject, samples)
        found = np.full(drawn.shape[:2], np.nan)
        counts = inside.sum(1)
        for count in set(counts[counts > 0].tolist()):  # samples of as many places at once
            rows = counts == count
            kept = np.broadcast_to(inside[rows, None], drawn[rows].shape)
            found[rows] = self.measured(shares(drawn[rows][kept].reshape(*found[rows].shape, count)))
        return self.record(attribution, found[:, 0], found[:, 1:], counts > 0, "there is nothing but padding")


def shares(maps: Float[np.ndarray, "*map place"]) -> Float[np.ndarray, "*map place"]:
    """What part of a map's magnitude each place has, the highest first; all alike where there is none."""
    sizes = -np.sort(-np.abs(maps.astype(np.float64)), axis=-1)
    highest = sizes[..., :1]
    scaled = np.where(highest > 0, sizes / np.where(highest > 0, highest, 1), 1.0)  # so that no sum is lost to rounding
    return scaled / scaled.sum(-1, keepdims=True)
