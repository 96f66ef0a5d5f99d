"""Raw attention."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.attention import AbstractAttention, Weights
from workbench.settings import setting
from zoo.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Attention(AbstractAttention):
    """The attention weights of one layer, a mean over its heads or one of them, seen from where the answer is read.

    a_i = Σ_q r_q mean_h A_h[q, i], r the queries that the answer is read from

    When it misleads: the weights say what was looked at and not what was done with it: the values may be small or
    cancel, other weights can give the same answer, and residual paths go round all of it.
    Reference: [bahdanau2015neural], [jain2019attention]
    """

    name = "attention"
    title = "Attention"

    layer: int = setting(-1, low=-64, high=63, help="Which layer, from 0; -1: the last")
    head: int = setting(-1, low=-1, high=63, help="Which head, from 0; -1: their mean")

    def looked_at(
        self, layers: Sequence[Weights], gradients: Sequence[Weights], readout: Float[Tensor, "row query"]
    ) -> Float[Tensor, "row key"]:
        if not -len(layers) <= self.layer < len(layers):
            raise InputError(f"There is no layer {self.layer} of attention: there are {len(layers)}. Use 0 or -1.")
        weights = layers[self.layer]
        if self.head >= weights.shape[1]:
            raise InputError(
                f"There is no head {self.head}: there are {weights.shape[1]}. Use 0, or -1 for their mean."
            )
        chosen = weights.mean(1) if self.head < 0 else weights[:, self.head]
        if chosen.shape[1] != readout.shape[1]:  # the last layer answers for fewer places than this one
            return chosen[:, -1]
        return (readout[:, :, None] * chosen).sum(1)
