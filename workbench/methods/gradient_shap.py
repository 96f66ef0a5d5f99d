"""Gradient SHAP."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.chance import per_sample
from workbench.drawn import AbstractDrawnPaths, between
from workbench.explanation import Claim
from workbench.noise import noise, scale
from workbench.query import Query
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class GradientShap(AbstractDrawnPaths):
    """Gradient times displacement, expected over references from the data, places on the path, and noise.

    a_i = mean over n of (x_i - x'_ni) ∂f(x'_n + t_n (x - x'_n) + ε_n) / ∂x_i,  t_n ~ U(0, 1),  ε_n ~ N(0, σ²)

    Each x'_n is a training input drawn with replacement, on text a sentence cut to this one's length; σ is as in
    SmoothGrad. Without noise the expectation is that of expected gradients, and Σ a = f(x) - mean f(x'_n) holds in
    expectation alone: the completeness gap says how far this draw is from it.

    When it misleads: one point on each path is a rough estimate, and with other references comes another map; between
    two inputs of the data may lie what is unlike any.
    Reference: [lundberg2017unified], [erion2021improving]
    """

    name = "gradient_shap"
    title = "Gradient SHAP"
    claims = frozenset({Claim.DUMMY, Claim.LINEARITY, Claim.IMPLEMENTATION_INVARIANCE})

    noise: float = setting(0.05, low=0.0, high=10.0, help="σ, as a share of the inputs' range (text: embeddings' std)")

    def rough(self) -> Self:
        return replace(self, n_references=min(32, self.n_references))

    def along(
        self, query: Query, rows: Int[Tensor, "sample"], start: Float[Tensor, "sample reference ..."]
    ) -> Float[Tensor, "sample reference step ..."]:
        ids = [query.samples.ids[row] for row in rows.tolist()]
        times = per_sample(
            lambda chance: torch.rand(self.n_references, 1, generator=chance), ids, self.seed, "places on paths"
        )
        shift = self.noise * scale(query.subject) * noise(query, rows, self.n_references, self.seed)
        return between(start, query.points[rows], times) + shift[:, :, None]
