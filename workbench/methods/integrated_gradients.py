"""Integrated gradients."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from zoo.model import Capability

ROWS_AT_ONCE = 4096
"""Points of the paths that exist at the same time: bounds memory, far above what a chunk of the network takes."""
NODES_PER_PANEL = 64
"""Finding n nodes takes n³; and behind a rectifier's kinks more nodes gain no more than more panels."""
FLOOR = 2e-6
"""Of the tolerated gap, in units of the scalar's size: differences of float32 outputs are not better than this."""


@dataclass(frozen=True, kw_only=True)
class IntegratedGradients(AbstractMethod):
    """Average gradient along the straight path from a reference input x', times the displacement.

    a_i = (x_i - x'_i) ∫₀¹ ∂f(x' + t (x - x')) / ∂x_i dt

    The integral is a Gauss-Legendre sum, kept in float64. The nodes are doubled for each sample whose completeness gap
    |Σ a - (f(x) - f(x'))| exceeds `tolerance` of |f(x) - f(x')|, until none does or `max_steps` is reached. On text
    the path runs between the embeddings of the sentence and of [MASK] tokens.

    When it misleads: the path may leave the data, and a feature that has the same value in x and x' gets zero.
    Reference: [sundararajan2017axiomatic]
    """

    name = "integrated_gradients"
    title = "Integrated gradients"
    claims = frozenset(
        {Claim.COMPLETENESS, Claim.DUMMY, Claim.LINEARITY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE}
    )
    needs = frozenset({Capability.GRADIENT})

    n_steps: int = setting(16, low=2, high=1024, help="Nodes of the quadrature to begin with")
    max_steps: int = setting(2048, low=2, high=65536, help="Nodes at which doubling stops")
    tolerance: float = setting(0.005, low=1e-6, high=1.0, help="Completeness gap that is good enough, relative")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="Where the path starts (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def rough(self) -> Self:
        return replace(self, n_steps=min(32, self.n_steps), max_steps=min(32, self.max_steps))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        reference = self.reference(query)
        start = query.subject.points(reference)
        path = query.points - start
        f_x, f_reference = query.values(query.inputs).double(), query.values(reference).double()
        wanted = f_x - f_reference
        allowed = self.tolerance * wanted.abs() + FLOOR * torch.maximum(f_x.abs(), f_reference.abs())
        result = torch.zeros_like(path)
        open_rows, steps = torch.arange(len(path)), self.n_steps
        while len(open_rows):
            values = path[open_rows] * _mean_gradient(query, start, path, open_rows, steps)
            result[open_rows] = values.to(result.dtype)
            gap = (values.flatten(1).sum(1).cpu() - wanted[open_rows]).abs()
            steps *= 2
            open_rows = open_rows[gap > allowed[open_rows]] if steps <= self.max_steps else open_rows[:0]
        return result

    def cost(self, query: Query) -> tuple[int, int]:
        steps, total = self.n_steps, self.n_steps
        while (steps := 2 * steps) <= self.max_steps:
            total += steps
        return total + 2, total


@cache
def quadrature(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """At least `steps` Gauss-Legendre nodes in [0, 1] and their weights, which sum to 1; in equal panels if many."""
    panels = -(-steps // NODES_PER_PANEL)
    nodes, weights = np.polynomial.legendre.leggauss(-(-steps // panels))
    starts = np.arange(panels)[:, None]
    return ((starts + (nodes + 1) / 2) / panels).ravel(), np.tile(weights / 2 / panels, panels)


def _mean_gradient(
    query: Query,
    start: Float[Tensor, "sample ..."],
    path: Float[Tensor, "sample ..."],
    rows: Int[Tensor, "row"],
    steps: int,
) -> Float[Tensor, "row ..."]:
    """Mean of the gradient along the path of each of the samples `rows`, by `steps` nodes, in float64."""
    nodes, weights = quadrature(steps)
    times = torch.as_tensor(nodes, dtype=path.dtype, device=path.device)
    shares = torch.as_tensor(weights, device=path.device)
    total = torch.zeros(len(rows), *path.shape[1:], dtype=torch.float64, device=path.device)
    block = max(1, ROWS_AT_ONCE // len(rows))
    for first in range(0, len(times), block):
        part = slice(first, first + block)
        where = rows.repeat(len(times[part]))
        time = times[part].repeat_interleave(len(rows)).view(-1, *[1] * (path.ndim - 1))
        gradients = query.gradients(start[where] + time * path[where], where)
        blocks = gradients.view(-1, len(rows), *path.shape[1:]).double()
        total += torch.einsum("k,k...->...", shares[part], blocks)
    return total
