"""Gaps: how far the answer moves when a part of the features shows what other samples have there."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from workbench.orderings import AbstractOrdering, Rows, part
from workbench.perturbations import coalition_values, group_counts, per_feature
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from zoo.task import Kind


@dataclass(frozen=True, kw_only=True)
class AbstractGap(AbstractOrdering):
    """The mean absolute change of the answer over several draws of what takes the features' place.

    Features are ordered by the magnitude of their attribution: a change in either direction counts.
    """

    share: float = setting(0.25, low=0.001, high=1, help="Of the features, the part that is perturbed; at least one")
    n_draws: int = setting(4, low=1, high=1000, help="Training inputs whose values are put in, one after another")
    reference_input: str = setting("data", choices=REFERENCE_INPUTS, help="What is put in (text: [MASK])")

    def worth(
        self, maps: Float[Tensor, "sample ..."], features: Int[Tensor, "sample ..."]
    ) -> Float[Tensor, "sample feature"]:
        return per_feature(maps, features).abs()

    def turns(self, counts: Int[Tensor, "sample"]) -> Int[Tensor, "sample step"]:
        return part(counts, self.share)[:, None]

    def measured(
        self, f: Float[np.ndarray, "sample"], without: Float[np.ndarray, "sample draw step"]
    ) -> Float[np.ndarray, "sample draw"]:
        return np.abs(f[:, None, None] - without).mean(-1)

    def without(
        self, query: Query, features: Int[Tensor, "sample ..."], order: Int[Tensor, "sample draw feature"]
    ) -> Float[np.ndarray, "sample draw step"]:
        """f for each draw of what is put in; where there is nothing to draw, once."""
        rows = Rows(order, self.turns(group_counts(features)))
        drawn = query.subject.task.kind is not Kind.TEXT and self.reference_input in ("data", "noise")
        found = []
        for draw in range(self.n_draws if drawn else 1):
            reference = reference_inputs(query, self.reference_input, self.seed + draw)
            values = coalition_values(query, rows.present, rows.sample, reference, features)
            found.append(rows.folded(values))
        return np.concatenate(found, -1)
