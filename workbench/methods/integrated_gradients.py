"""Integrated gradients."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.explanation import Claim
from workbench.path import AbstractPath
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients(AbstractPath):
    """Average gradient along the straight path from a reference input x', times the displacement.

    a_i = (x_i - x'_i) ∫₀¹ ∂f(x' + t (x - x')) / ∂x_i dt

    The path is cut into `n_steps` pieces, each with the gradient at its middle. A piece is right when its share of the
    attributions adds up to what f gains along it; for each sample the worst pieces are halved until the completeness
    gap |Σ a - (f(x) - f(x'))| is at most `tolerance` of |f(x) - f(x')|, there are `max_steps` pieces, or halving no
    longer lowers it. On text the path runs between the embeddings of the sentence and of [MASK] tokens.

    When it misleads: the path may leave the data, and a feature that has the same value in x and x' gets zero. Where f
    jumps (a hard threshold) the gradient knows nothing of it: the gap is the jump, and stays.
    Reference: [sundararajan2017axiomatic]
    """

    name = "integrated_gradients"
    title = "Integrated gradients"
    claims = frozenset(
        {Claim.COMPLETENESS, Claim.DUMMY, Claim.LINEARITY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE}
    )
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="Where the path starts (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def nodes(self, query: Query, rows: Int[Tensor, "sample"]) -> Float[Tensor, "sample node ..."]:
        start = query.subject.points(self.reference(query)[rows])
        return torch.stack((start, query.points[rows]), 1)
