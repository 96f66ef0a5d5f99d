"""Gradient times attention."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.attention import AbstractAttention, Weights


@dataclass(frozen=True, kw_only=True)
class GradientXAttention(AbstractAttention):
    """Attention that raises the explained scalar, followed from layer to layer.

    R ← R + Ā_l R from R = 1,  Ā_l = mean_h max(∂f/∂A_l,h ⊙ A_l,h, 0);  a_i = Σ_q r_q (R - 1)[q, i]

    Unlike rollout it depends on the class. What the residual path alone carries (the 1) is left out.
    When it misleads: only what goes through attention counts, gradients vanish where a softmax is saturated, and what
    lowers the scalar is cut off.
    Reference: [chefer2021generic]
    """

    name = "gradient_x_attention"
    title = "Gradient × attention"
    with_gradients = True

    def looked_at(
        self, layers: Sequence[Weights], gradients: Sequence[Weights], readout: Float[Tensor, "row query"]
    ) -> Float[Tensor, "row key"]:
        keys = layers[0].shape[-1]
        relevance = torch.eye(keys, dtype=readout.dtype, device=readout.device).expand(len(readout), -1, -1)
        for weights, gradient in zip(layers, gradients, strict=True):
            raised = (weights * gradient).clamp(min=0).mean(1) @ relevance
            relevance = relevance + raised if raised.shape == relevance.shape else raised
        identity = torch.eye(keys, dtype=readout.dtype, device=readout.device)
        found = relevance - identity if relevance.shape[1] == keys else relevance
        return (readout[:, None] @ found)[:, 0]
