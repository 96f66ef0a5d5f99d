"""Faithfulness correlation."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.chance import generator
from workbench.effects import AbstractAgreement, Effects, correlation, drops
from workbench.perturbations import group_counts
from workbench.query import Query
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class FaithfulnessCorrelation(AbstractAgreement):
    """Whether the attributions of features that are removed together add up to what their removal does.

    Pearson's correlation, over random subsets S of one size, of Σ_{i in S} a_i with f(x) - f(x without S)

    f is the scalar that was explained; removed features show the reference input. 1 where the model is additive and
    the attribution is each feature's term. Higher is better; the control is Gaussian noise in place of the map.

    When it misleads: it asks for contributions, so a map of sensitivities (the gradient) or of magnitudes scores low
    without being wrong; where features interact no map reaches 1.
    Reference: [bhatt2020evaluating]
    """

    name = "faithfulness_correlation"
    title = "Faithfulness correlation"

    n_subsets: int = setting(64, low=3, high=100_000, help="Random subsets of each sample")
    share: float = setting(0.25, low=0.001, high=0.999, help="Of the features, how many are removed together")

    def effects(self, query: Query, features: Int[Tensor, "sample ..."]) -> Effects:
        counts = group_counts(features)
        removed = torch.zeros(len(counts), self.n_subsets, max(1, int(counts.amax())), dtype=torch.bool)
        for sample, (count, name) in enumerate(zip(counts.tolist(), query.samples.ids, strict=True)):
            order = torch.rand(self.n_subsets, count, generator=generator(self.seed, "subsets", name)).argsort(1)
            removed[sample, :, :count] = order < max(1, round(self.share * count))
        used = torch.ones(removed.shape[:2], dtype=torch.bool)
        return Effects(removed, drops(query, features, removed, self.reference_input, self.seed), used)

    def agreement(self, maps: Float[Tensor, "sample map feature"], effects: Effects) -> Float[Tensor, "sample map"]:
        return correlation(maps @ effects.removed.double().mT, effects.drops, effects.used)
