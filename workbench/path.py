"""Paths: the integral of a gradient along lines, or chains of them, on pieces halved where they do not add up."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.explanation import AbstractMethod
from workbench.opening import opening
from workbench.pieces import Even, Pieces
from workbench.query import Query
from workbench.settings import setting
from workbench.subject import rows_at_once
from zoo.model import Capability

ELEMENTS_AT_ONCE = 2**24
"""Gradients that are kept at the same time: 64 MB."""
PATIENCE = 64
"""Rounds in which a gap may fall by less than 1 %. The digit that needs most needs 24: its pieces' gaps cancel."""
FLOOR = 2e-6
"""Of the gap that is good enough, in units of the scalar's size: differences of float32 outputs are no better."""


@dataclass(frozen=True, kw_only=True)
class AbstractPath(AbstractMethod):
    """What methods have in common that integrate the gradient along a path from a reference input x' to x.

    The path is cut into `n_steps` pieces, each with the gradient at its middle. A piece is right when its share of the
    attributions adds up to what f gains along it; for each sample the worst pieces are halved until the completeness
    gap |Σ a - (f(x) - f(x'))| is at most `tolerance` of |f(x) - f(x')|, there are `max_steps` pieces, or halving no
    longer lowers it.

    Where a network is a row of layers that begins with affine ones, h = A x + b, these are computed twice per straight
    path instead of once per piece: a = (x - x') Aᵀ ∫ ∂f/∂h dt, and a piece's share is ∂f/∂h · (h(x) - h(x')).
    """

    needs = frozenset({Capability.GRADIENT})

    n_steps: int = setting(32, low=2, high=1024, help="Pieces of the path to begin with")
    max_steps: int = setting(8192, low=2, high=65536, help="Pieces at which halving stops; n_steps: never halve")
    tolerance: float = setting(0.005, low=1e-6, high=1.0, help="Completeness gap that is good enough, relative")

    @abstractmethod
    def nodes(self, query: Query, rows: Int[Tensor, "sample"]) -> Float[Tensor, "sample node ..."]:
        """The points that each path joins by straight lines, from x' to x; it has at most `n_steps` lines."""

    def rough(self) -> Self:
        return replace(self, max_steps=min(self.n_steps, self.max_steps))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        block = max(1, ELEMENTS_AT_ONCE // (4 * self.n_steps * query.points[0].numel()))
        return torch.cat([self._of(query, rows) for rows in torch.arange(len(query.inputs)).split(block)])

    def cost(self, query: Query) -> tuple[int, int]:
        if self.max_steps <= self.n_steps:
            return self.n_steps + 2, self.n_steps
        return 3 * self.n_steps, 2 * self.n_steps  # the mean over digits and shapes; a stubborn sample takes far more

    def _of(self, query: Query, rows: Int[Tensor, "sample"]) -> Float[Tensor, "sample ..."]:
        """Attributions of the samples `rows`; sentences without what is padding behind them."""
        nodes = self.nodes(query, rows)
        if (widths := query.widths(nodes[:, 0], rows)) is None:
            return self._between(query, nodes, rows)
        found = torch.zeros_like(nodes[:, 0])
        for chosen, width in widths:
            found[chosen, :width] = self._between(query, nodes[chosen, :, :width], rows[chosen])
        return found

    def _between(
        self, query: Query, nodes: Float[Tensor, "sample node ..."], rows: Int[Tensor, "sample"]
    ) -> Float[Tensor, "sample ..."]:
        """Attributions along paths: of a straight one, displacement times the mean gradient."""
        if nodes.shape[1] > 2:
            return self._along(query, nodes, rows)
        way = nodes[:, 1] - nodes[:, 0]
        if (found := opening(query, nodes)) is None:
            return self._along(query, nodes, rows) * way
        first, ends = found
        return first.pulled_back(nodes[:, 1], self._along(first.behind(query), ends, rows)) * way

    def _along(
        self, query: Query, nodes: Float[Tensor, "sample node ..."], rows: Int[Tensor, "sample"]
    ) -> Float[Tensor, "sample ..."]:
        """The mean slope of each path. A few begin at a time, so that their gradients stay in the caches; those that do
        not add up with the pieces that they begin with go on together."""
        count = self.n_steps + -self.n_steps % (nodes.shape[1] - 1)
        halves = self.max_steps > count
        if halves:
            f = query.values_at(torch.cat((nodes[:, 0], nodes[:, -1])), rows.repeat(2)).cpu().double().view(2, -1)
            gain, size = f[1] - f[0], f.abs().amax(0)
            enough = gain.abs() * self.tolerance + FLOOR * size
        means, late, going = [], [], []
        for part in torch.arange(len(rows)).split(max(1, rows_at_once(query.size(nodes[:, 0]), nodes.device) // count)):
            even = Even.of(query, nodes[part], rows[part], count)
            means.append(even.mean())
            if halves:
                shares = even.shares()
                unfinished = (shares.sum(1) - gain[part]).abs() > enough[part]
                if unfinished.any():
                    late.append(part[unfinished])
                    going.append(even.pieces(unfinished, shares, gain[part], enough[part]))
        mean = torch.cat(means)
        if going:
            mean[torch.cat(late).to(mean.device)] = self._refined(Pieces.joined(going))
        return mean

    def _refined(self, pieces: Pieces) -> Float[Tensor, "sample ..."]:
        """Mean slopes, by halving the pieces of the paths that do not add up yet."""
        least, waited = torch.full_like(pieces.enough, torch.inf), torch.zeros_like(pieces.rows)
        unfinished = torch.ones_like(pieces.rows, dtype=torch.bool)
        while True:
            gap = (pieces.gap() + pieces.jumps()).abs()
            falls = gap < 0.99 * least
            least, waited = gap.where(falls, least), (waited + 1).where(~falls, 0)
            unfinished &= (gap > pieces.enough) & (pieces.count() < self.max_steps) & (waited < PATIENCE)
            if not unfinished.any():
                return pieces.total()
            pieces = pieces.without(~unfinished).halved(unfinished)
