"""Guided backpropagation."""

from dataclasses import dataclass

from torch import Tensor

from workbench.rectified import AbstractRectified
from workbench.tape import Step


@dataclass(frozen=True, kw_only=True)
class GuidedBackpropagation(AbstractRectified):
    """The gradient, of which only what is positive passes back through each rectifier.

    R_in = max(R_out, 0) σ'(z)  at each rectifier σ (ReLU, GELU, …), the gradient everywhere else

    Kept because people use it. On text its Euclidean norm over the embedding is reported.

    When it misleads: its maps hardly change when the upper layers' weights are drawn at random, so they show edges of
    the input rather than what the network decided by; the evidence under it says so.
    Reference: [springenberg2015striving], [adebayo2018sanity]
    """

    name = "guided_backpropagation"
    title = "Guided backpropagation"

    def rectified(self, step: Step, message: Tensor) -> Tensor:
        (place,) = step.live
        return step.pulled_back((message.clamp(min=0),))[place]
