"""Monotonicity."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.effects import AbstractAgreement, Effects, correlation, mean_ranks, mean_squares
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class Monotonicity(AbstractAgreement):
    """Whether features of larger magnitude leave f less certain when their value is not known (Nguyen and Martínez).

    Spearman's correlation, over features i, of |a_i| with E[(f(x) - f(x with x'_i in place of x_i))²], x' from the
    training inputs

    f is the scalar that was explained. On text, where nothing can be drawn, x' is [MASK]. Higher is better; the control
    is Gaussian noise in place of the map.

    When it misleads: magnitudes alone are compared, so that a map with the wrong sign everywhere scores as the right
    one; among features that do nothing the order is an accident, and ties only soften it.
    Reference: [nguyen2020quantitative]
    """

    name = "monotonicity"
    title = "Monotonicity"

    n_draws: int = setting(4, low=1, high=1000, help="Training inputs whose values are put in, one after another")
    reference_input: str = setting("data", choices=REFERENCE_INPUTS, help="What is put in (text: [MASK])")

    def effects(self, query: Query, features: Int[Tensor, "sample ..."]) -> Effects:
        return mean_squares(query, features, self.n_draws, self.reference_input, self.seed)

    def agreement(self, maps: Float[Tensor, "sample map feature"], effects: Effects) -> Float[Tensor, "sample map"]:
        used = effects.used
        ranked = mean_ranks(torch.cat((maps.abs(), effects.drops[:, None]), 1), used)
        return correlation(ranked[:, :-1], ranked[:, -1], used)
