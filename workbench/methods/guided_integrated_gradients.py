"""Guided integrated gradients."""

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
class GuidedIntegratedGradients(AbstractPath):
    """The gradient integrated along a path that moves first the inputs to which f responds least.

    a_i = ∫ ∂f(γ(t)) / ∂γ_i (dγ_i / dt) dt,  γ(0) = x', γ(1) = x

    At step t = 1/n, 2/n, … of `n_steps` the share `fraction` of the inputs with the smallest |∂f / ∂x_i| moves towards
    x, then the next, until Σ |γ_i - x_i| has fallen to (1 - t) Σ |x_i - x'_i|; no input is ever further than `distance`
    of its way ahead of or behind t. The published sum takes the gradient at the beginning of each step; here
    each step is a straight line along which pieces are halved until the values add up, as in integrated gradients.

    When it misleads: f chooses the path, so what responds strongly is moved last, on inputs that are almost x; a
    feature that has the same value in x and x' gets zero.
    Reference: [kapishnikov2021guided]
    """

    name = "guided_integrated_gradients"
    title = "Guided integrated gradients"
    claims = frozenset({Claim.COMPLETENESS, Claim.DUMMY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE})

    fraction: float = setting(0.25, low=0.01, high=1.0, help="Share of the inputs that moves before the next does")
    distance: float = setting(0.1, low=0.0, high=1.0, help="How far from the straight path; 0: integrated gradients")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="Where the path starts (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def cost(self, query: Query) -> tuple[int, int]:
        forward, backward = super().cost(query)
        return forward + self.n_steps, backward + self.n_steps

    def nodes(self, query: Query, rows: Int[Tensor, "sample"]) -> Float[Tensor, "sample node ..."]:
        start = query.subject.points(self.reference(query)[rows])
        way = query.points[rows] - start
        done = torch.zeros(len(rows), way[0].numel(), dtype=torch.float64, device=way.device)
        found = [start]
        for step in range(1, self.n_steps):
            response = query.gradients(found[-1], rows).flatten(1).abs()
            done = self._moved(done, way.flatten(1).abs().double(), response, step / self.n_steps)
            found.append(start + done.view(way.shape).to(way.dtype) * way)
        return torch.stack((*found, query.points[rows]), 1)

    def _moved(
        self,
        done: Float[Tensor, "sample entry"],
        way: Float[Tensor, "sample entry"],
        response: Float[Tensor, "sample entry"],
        time: float,
    ) -> Float[Tensor, "sample entry"]:
        """How much of its way each entry has done by a time: those of least response have moved first."""
        done, most = done.clamp(min=time - self.distance), min(time + self.distance, 1.0)
        total = way.sum(1)
        last = (self.fraction * ((way > 0).sum(1) - 1).clamp(min=0)).long()[:, None]  # padding has no way to go
        while True:
            movable = (way > 0) & (done < most)
            missing = time * total - (way * done).sum(1)
            if not (movable.any(1) & (missing > 1e-9 * total)).any():
                return done
            waiting = response.where(movable & ~response.isnan(), torch.inf)  # without an order all move at once
            chosen = movable & (waiting <= waiting.sort(1).values.gather(1, last))
            room = (way * (most - done) * chosen).sum(1)
            share = (missing / room.clamp(min=1e-300)).clamp(0, 1)[:, None]
            done = torch.where(chosen, torch.where(share < 1, done + share * (most - done), most), done)
