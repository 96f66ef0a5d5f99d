"""Non-sensitivity."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.chance import generator
from workbench.effects import LEAST, AbstractAgreement, Effects, mean_squares
from workbench.perturbations import per_feature
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class NonSensitivity(AbstractAgreement):
    """The share of features of which the map and the model disagree whether they matter at all.

    1/M Σ_i [(a_i = 0) ≠ (f(x) = f(x with x'_i in place of x_i) for every x'_i that is drawn from the training inputs)]

    Zero means at most a millionth of the map's largest magnitude, of all entries of the feature; f is the scalar that
    was explained. On text, where nothing can be drawn, x' is [MASK]. Lower is better. The control are the map's own
    values in random places, so it has as many zeros.

    When it misleads: few draws miss effects that are rare, and a map that says almost nothing of each feature without
    being zero anywhere is counted as if it said much.
    Reference: [nguyen2020quantitative]
    """

    name = "non_sensitivity"
    title = "Non-sensitivity"
    category = "axiomatic"
    higher_is_better = False
    unit = "share"

    n_draws: int = setting(4, low=1, high=1000, help="Training inputs whose values are put in, one after another")
    reference_input: str = setting("data", choices=REFERENCE_INPUTS, help="What is put in (text: [MASK])")

    def worth(
        self, maps: Float[Tensor, "sample ..."], features: Int[Tensor, "sample ..."]
    ) -> Float[Tensor, "sample feature"]:
        return per_feature(maps.abs(), features)

    def controls(
        self, own: Float[Tensor, "sample feature"], counts: Int[Tensor, "sample"], ids: tuple[str, ...]
    ) -> Float[Tensor, "sample map feature"]:
        found = own[:, None].repeat(1, self.n_maps, 1)
        for sample, (count, name) in enumerate(zip(counts.tolist(), ids, strict=True)):
            order = torch.rand(self.n_maps, count, generator=generator(self.seed, "places", name)).argsort(1)
            found[sample, :, :count] = own[sample, order]
        return found

    def effects(self, query: Query, features: Int[Tensor, "sample ..."]) -> Effects:
        return mean_squares(query, features, self.n_draws, self.reference_input, self.seed)

    def agreement(self, maps: Float[Tensor, "sample map feature"], effects: Effects) -> Float[Tensor, "sample map"]:
        silent = maps <= LEAST * maps.amax(-1, keepdim=True)
        disagree = (silent != (effects.drops == 0)[:, None]) & effects.used[:, None]
        return disagree.sum(-1).double() / effects.used.sum(-1).clamp(min=1)[:, None]
