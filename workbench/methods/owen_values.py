"""Owen values of a hierarchy of groups."""

from dataclasses import dataclass, replace
from typing import Self

from jaxtyping import Float, Int
from torch import Tensor

from workbench.allocation import Allocation, allocated, allocation_of_orders
from workbench.explanation import AbstractMethod, Claim
from workbench.hierarchy import (
    Hierarchy,
    by_correlation,
    by_place,
    coalitions_asked,
    nested_orders,
    owen_allocation,
)
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from zoo.task import Kind


@dataclass(frozen=True, kw_only=True)
class OwenValues(AbstractMethod):
    """Shapley values that respect a hierarchy of the groups: parts first share among themselves, then within.

    φ_i = mean over orders π that interrupt no part of [v(before_π(i) ∪ i) − v(before_π(i))],
    v(S) = f(x on S, x' elsewhere)

    The hierarchy is a binary tree: an image's patches, a sentence's words and a series' blocks are halved again and
    again by place; a table's columns are joined by their correlation over the training samples. A group at depth d
    meets 2^d surroundings; where all of them fit in `n_samples` the values are exact, else orders are drawn in pairs
    of opposites. What a part gets is what its groups get together, and all of it adds up to f(x) − f(x').

    When it misleads: the tree decides who is told apart from whom: interchangeable groups in different parts may get
    different values, and a feature that is cut in two by a halving shares with its neighbours first.
    Reference: [owen1977values]
    """

    name = "owen_values"
    title = "Owen values"
    claims = frozenset({Claim.COMPLETENESS, Claim.DUMMY, Claim.LINEARITY, Claim.IMPLEMENTATION_INVARIANCE})

    n_samples: int = setting(1024, low=4, high=1_000_000, help="Coalitions per sample up to which values are exact")
    hierarchy: str = setting("auto", choices=("auto", "place"), help="auto: a table's columns by correlation")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What absent groups show (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the orders drawn, and of 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def rough(self) -> Self:
        return replace(self, n_samples=min(512, self.n_samples))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        def plan(groups: Tensor, players: int) -> Allocation:
            return self.allocation(self._tree(query, groups), players)

        return allocated(query, plan, self.reference(query), query.groups)

    def allocation(self, tree: Hierarchy, players: int) -> Allocation:
        """What is asked of a game with this hierarchy: every surrounding where that is cheap enough, else orders."""
        if coalitions_asked(tree) <= self.n_samples:
            return owen_allocation(tree, players)
        return allocation_of_orders(nested_orders(tree, players, self._pairs(players), self.seed))

    def cost(self, query: Query) -> tuple[int, int]:
        flat = query.groups.flatten(1)
        largest = int(flat.amax(1).argmax())
        players = int(flat[largest].amax()) + 1
        exact = coalitions_asked(self._tree(query, query.groups[largest])) if players else 0
        drawn = 2 * self._pairs(players) * max(0, players - 1)
        return 3 + int(exact if exact <= self.n_samples else drawn), 0

    def _pairs(self, players: int) -> int:
        return max(1, self.n_samples // max(1, 2 * (players - 1)))

    def _tree(self, query: Query, groups: Int[Tensor, "..."]) -> Hierarchy:
        task = query.subject.task
        columns = groups.numel() == int(groups.amax()) + 1
        if self.hierarchy == "auto" and task.kind is Kind.TABLE and columns:
            return by_correlation(task.samples("train").inputs.flatten(1).numpy())
        return by_place(groups)
