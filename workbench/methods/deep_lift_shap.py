"""DeepLIFT SHAP."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.contributions import contributions
from workbench.drawn import AbstractDrawn
from workbench.explanation import Claim
from workbench.query import Query
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class DeepLiftShap(AbstractDrawn):
    """DeepLIFT averaged over reference inputs drawn from the training data.

    a_i = mean over x'_k of m_i(x, x'_k) (x_i - x'_ki),  Σ a = f(x) - mean f(x'_k) exactly

    Shapley values with the features of the data as what is missing, where f is additive; elsewhere near them. On text a
    drawn sentence is cut to this one's length.

    When it misleads: through products and maxima of several features DeepLIFT's shares are not Shapley's; and with
    other references comes another map, unless there are many.
    Reference: [lundberg2017unified]
    """

    name = "deep_lift_shap"
    title = "DeepLIFT SHAP"
    claims = frozenset({Claim.COMPLETENESS, Claim.DUMMY})

    n_references: int = setting(16, low=1, high=100_000, help="Training inputs drawn for each sample, with replacement")

    def rough(self) -> Self:
        return replace(self, n_references=min(8, self.n_references))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        found = []
        for rows in self.blocks(query):
            drawn = self.references(query, rows)
            start = query.subject.points(drawn.flatten(0, 1)).unflatten(0, drawn.shape[:2])
            found.append(contributions(query, start, rows).double().mean(1).to(query.points.dtype))
        return torch.cat(found)

    def cost(self, query: Query) -> tuple[int, int]:
        return 3 * self.n_references, self.n_references
