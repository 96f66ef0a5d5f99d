"""Iterative removal of features."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.orderings import AbstractOrdering, part
from workbench.perturbations import per_feature
from workbench.query import Query
from workbench.records import Attribution, Score
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class Irof(AbstractOrdering):
    """Which share of the class's probability is lost while whole groups are removed, the highest mean first.

    1/K Σ_{k=1…K} [1 - p_c(x without the share k / K of groups that rank first) / p_c(x)]

    The groups are the task's (patches, words, columns), ordered by the mean of their entries' attributions; a removed
    one shows the reference input. Higher is better; below 0 where removing makes the class more probable. The control
    is the same for random orders of the same sample.

    When it misleads: groups that cut through an object share its attribution among them; where p_c(x) is small a
    small gain weighs much. A number that is predicted has no share that could be lost: such tasks are left out.
    Reference: [rieger2020irof]
    """

    name = "irof"
    title = "IROF"
    higher_is_better = True
    unit = "share"

    n_steps: int = setting(16, low=1, high=256, help="Points along the curve until all groups are removed")

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        if subject.task.regression:
            return self.unmeasured(attribution, "a number that is predicted has no share that could be lost")
        return super().score(subject, samples, attribution)

    def features(self, query: Query) -> Int[Tensor, "sample ..."]:
        return query.groups

    def worth(
        self, maps: Float[Tensor, "sample ..."], features: Int[Tensor, "sample ..."]
    ) -> Float[Tensor, "sample feature"]:
        return per_feature(maps, features) / per_feature(torch.ones_like(maps), features).clamp(min=1)

    def turns(self, counts: Int[Tensor, "sample"]) -> Int[Tensor, "sample step"]:
        return torch.stack([part(counts, step / self.n_steps) for step in range(1, self.n_steps + 1)], 1)

    def measured(
        self, f: Float[np.ndarray, "sample"], without: Float[np.ndarray, "sample draw step"]
    ) -> Float[np.ndarray, "sample draw"]:
        share = without / np.where(f > 0, f, np.nan)[:, None, None]
        return 1 - share.mean(-1)
