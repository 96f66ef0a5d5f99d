"""Input times gradient."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query
from zoo.model import Capability


@dataclass(frozen=True, kw_only=True)
class InputXGradient(AbstractMethod):
    """The gradient times the input: what each input contributes to the tangent of f at x.

    a_i = x_i ∂f(x) / ∂x_i

    On text x is a token's embedding, and the products are summed over its axis. There is no reference input, hence no
    completeness: only for a network without biases that is piecewise linear is Σ a = f(x).

    When it misleads: a feature whose value is zero (a black pixel) gets zero however much it matters, and where the
    network is saturated the gradient is zero everywhere.
    Reference: [shrikumar2017learning]
    """

    name = "input_x_gradient"
    title = "Input × gradient"
    claims = frozenset({Claim.DUMMY, Claim.LINEARITY, Claim.SYMMETRY, Claim.IMPLEMENTATION_INVARIANCE})
    needs = frozenset({Capability.GRADIENT})

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        return query.points * query.gradients(query.points)

    def cost(self, query: Query) -> tuple[int, int]:
        return 1, 1
