"""SmoothGrad squared."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.explanation import Claim
from workbench.noise import AbstractNoise


@dataclass(frozen=True, kw_only=True)
class SmoothGradSquared(AbstractNoise):
    """The mean squared gradient over noisy copies of the input.

    a_i = mean over n of (∂f(x + ε_n) / ∂x_i)²,  ε_n ~ N(0, σ²)

    The noise is as in SmoothGrad; the result is its square plus VarGrad times (n - 1) / n. On text the squares are
    summed over a token's embedding.

    When it misleads: it has no sign, so what speaks for the class and what speaks against it look alike; and a few
    large gradients, of copies beyond a kink of f, outweigh all others.
    Reference: [hooker2019benchmark]
    """

    name = "smoothgrad_squared"
    title = "SmoothGrad squared"
    claims = frozenset({Claim.DUMMY, Claim.IMPLEMENTATION_INVARIANCE})

    def gathered(self, gradients: Float[Tensor, "sample copy ..."]) -> Float[Tensor, "sample ..."]:
        return gradients.square().mean(1)
