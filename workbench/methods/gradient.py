"""The gradient, also called saliency."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query
from zoo.model import Capability


@dataclass(frozen=True, kw_only=True)
class Gradient(AbstractMethod):
    """How fast the scalar changes with each input, at the input.

    a_i = ∂f(x) / ∂x_i

    On text the gradient with respect to a token's embedding is reported as its Euclidean norm.

    When it misleads: where the network is saturated the gradient is zero though the input matters, and it says how
    sensitive the output is to a feature, not how much the feature contributed.
    Reference: [simonyan2014deep]
    """

    name = "gradient"
    title = "Gradient"
    claims = frozenset({Claim.DUMMY, Claim.LINEARITY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE})
    needs = frozenset({Capability.GRADIENT})
    hidden = "norm"

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        return query.gradients(query.points)

    def cost(self, query: Query) -> tuple[int, int]:
        return 1, 1
