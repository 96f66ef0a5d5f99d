"""Shapley values by sampling orders."""

from dataclasses import dataclass, replace
from typing import Self

from jaxtyping import Float
from torch import Tensor

from workbench.allocation import Allocation, allocated, allocation_of_orders, antithetic_orders, exact_allocation
from workbench.explanation import AbstractMethod, Claim
from workbench.perturbations import group_counts
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class ShapleySampling(AbstractMethod):
    """Shapley values of groups of inputs: the mean of what each adds when groups join one after the other.

    φ_i = mean over orders π of [v(before_π(i) ∪ i) − v(before_π(i))],  v(S) = f(x on S, x' elsewhere)

    Orders are drawn uniformly, each together with its reverse, so that a game of pairs is exact; a coalition that
    several orders pass through is asked for once. Each order adds up to f(x) − f(x'), hence so does the mean; it is
    unbiased. Where 2^M coalitions cost no more than the orders, all are asked for and the values are exact.

    When it misleads: groups that interact in threes or more keep the noise of the draw (compare another seed), and
    coalitions mix x with x' into inputs that may be unlike any data.
    Reference: [castro2009polynomial], [mitchell2022sampling]
    """

    name = "shapley_sampling"
    title = "Shapley sampling"
    claims = frozenset({Claim.COMPLETENESS, Claim.DUMMY, Claim.LINEARITY, Claim.IMPLEMENTATION_INVARIANCE})

    n_orders: int = setting(32, low=2, high=100_000, help="Orders of the groups, half of them reverses of the others")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What absent groups show (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the orders drawn, and of 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def rough(self) -> Self:
        return replace(self, n_orders=min(8, self.n_orders))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        return allocated(query, lambda _, players: self.allocation(players), self.reference(query), query.groups)

    def allocation(self, players: int) -> Allocation:
        """What is asked of a game of so many players: orders, or everything where that costs no more."""
        pairs = (self.n_orders + 1) // 2
        if 2**players <= 2 * pairs * players:
            return exact_allocation(players)
        return allocation_of_orders(antithetic_orders(players, pairs, self.seed))

    def cost(self, query: Query) -> tuple[int, int]:
        players = int(group_counts(query.groups).amax())
        drawn = 2 * ((self.n_orders + 1) // 2) * max(0, players - 1) + 2
        return 1 + min(drawn, 2 ** min(players, 60)), 0
