"""Integrated gradients."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.path import Pieces
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from zoo.model import Capability

ELEMENTS_AT_ONCE = 2**24
"""Gradients that are kept at the same time: 64 MB."""
PATIENCE = 64
"""Rounds in which a gap may fall by less than 1 %. The digit that needs most needs 24: its pieces' gaps cancel."""
FLOOR = 2e-6
"""Of the gap that is good enough, in units of the scalar's size: differences of float32 outputs are no better."""


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients(AbstractMethod):
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
    needs = frozenset({Capability.GRADIENT})

    n_steps: int = setting(32, low=2, high=1024, help="Pieces of the path to begin with")
    max_steps: int = setting(8192, low=2, high=65536, help="Pieces at which halving stops; n_steps: never halve")
    tolerance: float = setting(0.005, low=1e-6, high=1.0, help="Completeness gap that is good enough, relative")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="Where the path starts (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def rough(self) -> Self:
        return replace(self, max_steps=min(self.n_steps, self.max_steps))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        start = query.subject.points(self.reference(query))
        path = query.points - start
        block = max(1, ELEMENTS_AT_ONCE // (4 * self.n_steps * path[0].numel()))
        return torch.cat([self._along(query, start, path, rows) for rows in torch.arange(len(path)).split(block)])

    def cost(self, query: Query) -> tuple[int, int]:
        if self.max_steps <= self.n_steps:
            return self.n_steps + 2, self.n_steps
        return 3 * self.n_steps, 2 * self.n_steps  # the mean over digits and shapes; a stubborn sample takes far more

    def _along(
        self, query: Query, start: Tensor, path: Tensor, rows: Int[Tensor, "sample"]
    ) -> Float[Tensor, "sample ..."]:
        """Attributions of the samples `rows`, by halving the pieces of those that do not add up yet."""
        pieces = Pieces.even(query, start, path, rows, self.n_steps)
        enough = pieces.gain.abs() * self.tolerance + FLOOR * pieces.size
        least, waited = torch.full_like(enough, torch.inf), torch.zeros_like(rows)
        unfinished = torch.ones_like(rows, dtype=torch.bool)
        while True:
            gap = (pieces.gap() + pieces.jumps()).abs()
            falls = gap < 0.99 * least
            least, waited = gap.where(falls, least), (waited + 1).where(~falls, 0)
            unfinished &= (gap > enough) & (pieces.count() < self.max_steps) & (waited < PATIENCE)
            if not unfinished.any():
                return pieces.total()
            pieces = pieces.without(~unfinished).halved(unfinished)
