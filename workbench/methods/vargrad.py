"""VarGrad."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.explanation import Claim
from workbench.noise import AbstractNoise


@dataclass(frozen=True, kw_only=True)
class VarGrad(AbstractNoise):
    """The variance of the gradient over noisy copies of the input.

    a_i = Σ_n (g_in - mean g_i)² / (n - 1),  g_in = ∂f(x + ε_n) / ∂x_i,  ε_n ~ N(0, σ²)

    The noise is as in SmoothGrad. To leading order a_i = Σ_j (H_ij σ_j)² with the Hessian H of f. A feature that f
    ignores gets 0. On text the variances are summed over a token's embedding.

    When it misleads: a feature whose effect is exactly linear gets 0 however large the effect is: what is measured is
    where f bends. It has no sign.
    Reference: [adebayo2018local]
    """

    name = "vargrad"
    title = "VarGrad"
    claims = frozenset({Claim.IMPLEMENTATION_INVARIANCE})

    def gathered(self, gradients: Float[Tensor, "sample copy ..."]) -> Float[Tensor, "sample ..."]:
        return gradients.var(1)
