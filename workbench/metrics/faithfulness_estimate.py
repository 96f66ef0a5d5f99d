"""Faithfulness estimate."""

from dataclasses import dataclass

from jaxtyping import Float, Int
from torch import Tensor

from workbench.effects import AbstractAgreement, Effects, correlation, drops, singles
from workbench.perturbations import group_counts
from workbench.query import Query


@dataclass(frozen=True, kw_only=True)
class FaithfulnessEstimate(AbstractAgreement):
    """Whether features with more attribution do more when they are removed, one at a time.

    Pearson's correlation, over features i, of a_i with f(x) - f(x without i)

    f is the scalar that was explained; a removed feature shows the reference input. 1 for occlusion by definition, and
    for each feature's term where the model is additive. Higher is better; the control is Gaussian noise.

    When it misleads: one at a time, a feature whose evidence is there twice does nothing; and what shows the reference
    input already (a black pixel) cannot do anything whatever the model thinks of it.
    Reference: [alvarezmelis2018towards]
    """

    name = "faithfulness_estimate"
    title = "Faithfulness estimate"

    def effects(self, query: Query, features: Int[Tensor, "sample ..."]) -> Effects:
        removed, used = singles(group_counts(features))
        return Effects(removed, drops(query, features, removed, self.reference_input, self.seed), used)

    def agreement(self, maps: Float[Tensor, "sample map feature"], effects: Effects) -> Float[Tensor, "sample map"]:
        return correlation(maps, effects.drops, effects.used)
