"""Kernel SHAP."""

from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.coalitions import coalitions, shapley_regression
from workbench.explanation import AbstractMethod, Claim
from workbench.perturbations import coalition_values, group_counts, spread
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting

LEAST = 8
"""Coalitions per player. As many pairs as players interpolate their noise: the error was then 10 to 27 times the values
themselves (64 patches of shapes), against 0.4 with eight and 0.2 with sixteen per player."""


@dataclass(frozen=True, kw_only=True)
class KernelShap(AbstractMethod):
    """Shapley values of groups of inputs, by a weighted regression over coalitions.

    φ minimises Σ_z π(z) [f(x where z, x' elsewhere) - f(x') - Σ_i z_i φ_i]²  with  Σ φ = f(x) - f(x')  exactly,
    π(z) = (M - 1) / (C(M, |z|) |z| (M - |z|))

    The M players are the task's groups (patches, words, columns); a group's value is shared equally by its entries.
    Where the budget allows all 2^M - 2 coalitions the values are the exact Shapley values; else whole sizes of
    coalition are enumerated where that is cheaper than drawing them, and the rest is drawn in complementary pairs, its
    sizes in proportion to their π or, with `sampling` "leverage", all alike. One factorisation serves all samples that
    have as many groups.
    The dummy and symmetry axioms hold for groups, and only in expectation where coalitions are drawn.

    When it misleads: coalitions mix x with x' into inputs that may be unlike any data, and correlated features share
    what one of them does.
    Reference: [lundberg2017unified], [musco2025provably]
    """

    name = "kernel_shap"
    title = "Kernel SHAP"
    claims = frozenset(
        {Claim.COMPLETENESS, Claim.DUMMY, Claim.LINEARITY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE}
    )

    n_samples: int = setting(1024, low=4, high=1_000_000, help="Coalitions per sample; at least 8 per group are taken")
    sampling: str = setting("paired", choices=("paired", "leverage"), help="Sizes drawn by their weight, or all alike")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What absent groups show (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the coalitions drawn, and of 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def rough(self) -> Self:
        return replace(self, n_samples=min(256, self.n_samples))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        reference, counts = self.reference(query), group_counts(query.groups)
        f_reference = query.values(reference).double()
        wanted = query.values(query.inputs).double() - f_reference
        designs = {
            players: coalitions(players, self._budget(players), self.seed, self.sampling)
            for players in counts.unique().tolist()
        }
        present, rows = [], []
        for sample, players in enumerate(counts.tolist()):
            present.append(torch.nn.functional.pad(designs[players].present, (0, int(counts.amax()) - players)))
            rows.append(torch.full((len(designs[players].present),), sample))
        where = torch.cat(rows)
        coalition = torch.cat(present)
        outcomes = coalition_values(query, coalition.__getitem__, where, reference, query.groups)
        gains = outcomes.double() - f_reference[where]
        values = torch.zeros(len(counts), max(1, int(counts.amax())), dtype=torch.float64)
        for players, design in designs.items():
            chosen = counts == players
            outcome = gains[chosen[where]].view(int(chosen.sum()), -1)
            values[chosen, :players] = shapley_regression(design, outcome, wanted[chosen])
        return spread(values, query.groups).to(torch.float32)

    def cost(self, query: Query) -> tuple[int, int]:
        most = int(group_counts(query.groups).amax())
        return 2 + (self._budget(most) if most > 20 else min(self._budget(most), 2**most)), 0

    def _budget(self, players: int) -> int:
        return max(self.n_samples, LEAST * players)
