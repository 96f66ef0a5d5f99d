"""Attention rollout."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.attention import AbstractAttention, Weights, averaged


@dataclass(frozen=True, kw_only=True)
class AttentionRollout(AbstractAttention):
    """Attention followed from layer to layer, half of everything along the residual path.

    R = Ā_L … Ā_2 Ā_1,  Ā_l = (mean_h A_l,h + 1) / 2;  a_i = Σ_q r_q R[q, i], r the queries the answer is read from

    When it misleads: heads are averaged though they do different things, what the values carry is not looked at, and
    no class is asked about: the map is the same for all of them.
    Reference: [abnar2020quantifying]
    """

    name = "attention_rollout"
    title = "Attention rollout"

    def looked_at(
        self, layers: Sequence[Weights], gradients: Sequence[Weights], readout: Float[Tensor, "row query"]
    ) -> Float[Tensor, "row key"]:
        rolled = readout[:, None]
        for weights in reversed(layers):
            rolled = rolled @ averaged(weights)
        return rolled[:, 0]
