"""SmoothGrad."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.explanation import Claim
from workbench.noise import AbstractNoise


@dataclass(frozen=True, kw_only=True)
class SmoothGrad(AbstractNoise):
    """The mean gradient over noisy copies of the input: the gradient of f blurred by the noise.

    a_i = mean over n of ∂f(x + ε_n) / ∂x_i,  ε_n ~ N(0, σ²)

    σ is a share of the training inputs' range: one for images, one per column of a table or feature of a series. On
    text the noise is added to embeddings, σ is a share of their standard deviation, and the Euclidean norm of a token's
    mean gradient is reported.

    When it misleads: it explains f averaged around x, which with wide noise is another function; and like the gradient
    it says how sensitive f is to a feature, not what the feature contributed.
    Reference: [smilkov2017smoothgrad]
    """

    name = "smoothgrad"
    title = "SmoothGrad"
    claims = frozenset({Claim.DUMMY, Claim.LINEARITY, Claim.IMPLEMENTATION_INVARIANCE})
    hidden = "norm"

    def gathered(self, gradients: Float[Tensor, "sample copy ..."]) -> Float[Tensor, "sample ..."]:
        return gradients.mean(1)
