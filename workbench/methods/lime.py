"""LIME."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.groups import GROUPS, feature_groups
from workbench.imputation import MISSING, imputed_values, imputer
from workbench.perturbations import group_counts, spread
from workbench.query import Query
from workbench.settings import setting
from workbench.subsets import Asked, asked, subsets
from workbench.surrogate import DISTANCES, Surrogate, fitted, nearness

LEAST = 8
"""Subsets per group, at least: with fewer the fit follows their accidents."""


@dataclass(frozen=True, kw_only=True)
class Lime(AbstractMethod):
    """The weights of a linear function of which groups are present, fitted to the model near the sample.

    w, b minimise Σ_z π(z) [f(x where z, missing elsewhere) - b - z·w]² + ridge ‖w‖²,  π ∝ exp(-D(z)² / kernel_width²)

    Each group is present with probability one half; D is 1 - √(|z| / M) (cosine) or √((M - |z|) / M) (l2) and the π add
    up to 1. Where the budget allows every subset of the M groups, all are asked. A group's weight is shared equally by
    its entries; how well the function fits (R²) and how far runs agree are in the analysis "LIME's stability".
    Symmetry holds for groups, in expectation where subsets are drawn.

    When it misleads: another seed, width or grouping can give other weights, and where R² is low they describe nothing.
    Reference: [ribeiro2016why]
    """

    name = "lime"
    title = "LIME"
    claims = frozenset({Claim.LINEARITY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE})

    n_samples: int = setting(512, low=4, high=1_000_000, help="Subsets per sample; at least 8 per group are taken")
    groups: str = setting("task", choices=GROUPS, help="What is present or missing at once")
    n_groups: int = setting(0, low=0, high=4096, help="Superpixels or stretches of time, about; 0: 50 and 16")
    distance: str = setting("cosine", choices=DISTANCES, help="Between a subset and the whole")
    kernel_width: float = setting(0.25, low=0.001, high=1000.0, help="Distance at which a subset counts 1/e")
    ridge: float = setting(0.001, low=0.0, high=1000.0, help="Penalty on squared weights, per unit of total weight")
    missing: str = setting("auto", choices=MISSING, help="What a missing group shows (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the subsets, and of missing values that are random")

    def rough(self) -> Self:
        return replace(self, n_samples=min(256, self.n_samples))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        groups = feature_groups(query, self.groups, self.n_groups)
        wanted, values = self.outcomes(query)
        return spread(self.fit(wanted, values).weights, groups).to(torch.float32)

    def outcomes(self, query: Query) -> tuple[Asked, Float[Tensor, "row"]]:
        """The subsets of each sample and f at them, which do not depend on the distance, its width or the penalty."""
        groups = feature_groups(query, self.groups, self.n_groups)
        wanted = asked(group_counts(groups), lambda count: subsets(count, self._budget(count), 0.5, self.seed))
        stand_in = imputer(query, self.missing, self.seed)
        return wanted, imputed_values(query, stand_in, wanted.present.__getitem__, wanted.rows, groups).double()

    def fit(self, wanted: Asked, values: Float[Tensor, "row"]) -> Surrogate:
        """The linear function around each sample, with its intercept and R²; 0 for groups that a sample has not."""
        samples = len(wanted.counts)
        weights = torch.zeros(samples, wanted.present.shape[1], dtype=torch.float64)
        intercept, r2 = torch.zeros(samples, dtype=torch.float64), torch.zeros(samples, dtype=torch.float64)
        for count, some in wanted.by_count.items():
            near = nearness(some.present, self.distance, self.kernel_width)
            found = fitted(some.present, near, wanted.of_count(count, values), self.ridge)
            chosen = wanted.counts == count
            weights[chosen, :count], intercept[chosen], r2[chosen] = found.weights, found.intercept, found.r2
        return Surrogate(weights, intercept, r2)

    def cost(self, query: Query) -> tuple[int, int]:
        most = int(group_counts(feature_groups(query, self.groups, self.n_groups)).amax())
        return self._budget(most) if most > 20 else min(self._budget(most), 2**most), 0

    def _budget(self, count: int) -> int:
        return max(self.n_samples, LEAST * count)
