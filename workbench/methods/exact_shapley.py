"""Exact Shapley values."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.allocation import allocated, exact_allocation
from workbench.explanation import AbstractMethod, Claim
from workbench.perturbations import group_counts
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import fields, setting


@dataclass(frozen=True, kw_only=True)
class ExactShapley(AbstractMethod):
    """Shapley values of groups of inputs, from all 2^M coalitions.

    φ_i = Σ_{S ∌ i} |S|! (M − |S| − 1)! / M! · [v(S ∪ i) − v(S)],  v(S) = f(x on S, x' elsewhere)

    The M players are the task's groups (patches, words, columns); a group's value is shared equally by its entries.
    Nothing is drawn and nothing is fitted: what is left is rounding.

    When it misleads: coalitions mix x with x' into inputs that may be unlike any data, and exact says nothing of
    whether that is the question: another reference input gives other values, as exact.
    Reference: [shapley1953value]
    """

    name = "exact_shapley"
    title = "Exact Shapley values"
    claims = frozenset(
        {Claim.COMPLETENESS, Claim.DUMMY, Claim.LINEARITY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE}
    )

    most_groups: int = setting(13, low=1, high=16, help="Groups at most; M of them take 2^M passes (16: 65,536)")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What absent groups show (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def why_not(self, query: Query) -> str | None:
        counts = group_counts(query.groups)
        worst = int(counts.argmax())
        if (players := int(counts[worst])) <= self.most_groups:
            return None
        high = next(field.metadata["high"] for field in fields(self) if field.name == "most_groups")
        raised = f"most_groups={players}, " if players <= high else ""
        return (
            f"{self.title} take all 2^M coalitions of M groups; sample {query.samples.ids[worst]} has M = {players} "
            f"and at most {self.most_groups} are allowed. Use {raised}kernel SHAP, Owen values or coarser groups."
        )

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        return allocated(query, lambda _, players: exact_allocation(players), self.reference(query), query.groups)

    def cost(self, query: Query) -> tuple[int, int]:
        return 1 + 2 ** min(int(group_counts(query.groups).amax()), self.most_groups), 0
