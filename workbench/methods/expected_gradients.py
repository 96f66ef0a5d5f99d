"""Expected gradients."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.chance import per_sample
from workbench.drawn import AbstractDrawnPaths, between
from workbench.explanation import Claim
from workbench.query import Query
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class ExpectedGradients(AbstractDrawnPaths):
    """Integrated gradients averaged over reference inputs drawn from the training data.

    a_i = mean over x'_k of (x_i - x'_ki) ∫₀¹ ∂f(x'_k + t (x - x'_k)) / ∂x_i dt

    The integral is a mean over `n_steps` strata of [0, 1], with one point in each; where in their strata the points of
    a reference lie is drawn such that those of all K references together have one point in each of K · n_steps strata.
    On text a drawn sentence is cut to this one's length. Σ a is near f(x) - mean f(x'_k): the gap says how near.

    When it misleads: with other references comes another map, unless there are many; what x has in common with the data
    gets little however much it matters; and between two inputs of the data may lie what is unlike any.
    Reference: [erion2021improving]
    """

    name = "expected_gradients"
    title = "Expected gradients"
    claims = frozenset({Claim.DUMMY, Claim.LINEARITY, Claim.IMPLEMENTATION_INVARIANCE})

    n_steps: int = setting(2, low=1, high=1024, help="Points on the path from each reference")

    def points(self) -> int:
        return self.n_references * self.n_steps

    def rough(self) -> Self:
        return replace(self, n_references=min(32, self.n_references))

    def along(
        self, query: Query, rows: Int[Tensor, "sample"], start: Float[Tensor, "sample reference ..."]
    ) -> Float[Tensor, "sample reference step ..."]:
        ids = [query.samples.ids[row] for row in rows.tolist()]
        return between(start, query.points[rows], per_sample(self.times, ids, self.seed, "places on paths"))

    def times(self, chance: torch.Generator) -> Float[Tensor, "reference step"]:
        """The places on the path from each reference."""
        order = torch.randperm(self.n_references, generator=chance)
        offset = (order + torch.rand(self.n_references, generator=chance)) / self.n_references
        return (torch.arange(self.n_steps) + offset[:, None]) / self.n_steps
