"""Deconvolution."""

from dataclasses import dataclass

from torch import Tensor

from workbench.rectified import AbstractRectified
from workbench.tape import Step


@dataclass(frozen=True, kw_only=True)
class Deconvolution(AbstractRectified):
    """The network run backwards, with a rectifier wherever it has one on its way forwards.

    R_in = max(R_out, 0)  at each rectifier (ReLU, GELU, …), the gradient everywhere else

    Kept because people use it. On text its Euclidean norm over the embedding is reported.

    When it misleads: whether a rectifier was open for this input is not looked at, so that much of the map belongs to
    no input in particular; like guided backpropagation it hardly depends on the upper layers' weights.
    Reference: [zeiler2014visualizing], [nie2018theoretical]
    """

    name = "deconvolution"
    title = "Deconvolution"

    def rectified(self, step: Step, message: Tensor) -> Tensor:
        return message.clamp(min=0)
