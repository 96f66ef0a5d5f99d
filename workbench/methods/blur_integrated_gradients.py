"""Blur integrated gradients."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.blur import blurred
from workbench.explanation import Claim
from workbench.path import AbstractPath
from workbench.query import Query
from workbench.reference_inputs import BLUR_SIGMA
from workbench.settings import setting
from zoo.task import Kind


@dataclass(frozen=True, kw_only=True)
class BlurIntegratedGradients(AbstractPath):
    """The gradient integrated while the image comes into focus: along images that are blurred less and less.

    a_i = ∫ ∂f(L(σ)) / ∂L_i (∂L_i / ∂σ) dσ  from σ_max to 0,  L(σ) = x blurred by a Gaussian of width σ, in pixels

    The values add up to f(x) - f(x'), where x' = L(σ_max) is the blurred image. The path is cut into `n_steps` straight
    lines of one width in σ, which are halved until the values add up, as in integrated gradients.

    When it misleads: what the blur leaves as it is (large even areas, the mean colour) gets zero however much it
    matters, so edges stand out whatever the model does; and x' may still be recognisable.
    Reference: [xu2020attribution]
    """

    name = "blur_integrated_gradients"
    title = "Blur integrated gradients"
    claims = frozenset({Claim.COMPLETENESS, Claim.DUMMY})
    kinds = frozenset({Kind.IMAGE})

    sigma: float = setting(BLUR_SIGMA, low=0.01, high=1.0, help="Widest blur, as a share of the image's height")

    def reference(self, query: Query) -> Float[Tensor, "sample channel height width"]:
        return blurred(query.inputs, torch.tensor([self.sigma * query.inputs.shape[2]]))[:, 0]

    def nodes(self, query: Query, rows: Int[Tensor, "sample"]) -> Float[Tensor, "sample node ..."]:
        widths = torch.linspace(1, 0, self.n_steps + 1) * self.sigma * query.inputs.shape[2]
        return blurred(query.points[rows], widths)
