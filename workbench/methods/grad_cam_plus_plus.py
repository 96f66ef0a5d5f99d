"""Grad-CAM++."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.activation_maps import AbstractActivationMap, MapLayer, weighted


@dataclass(frozen=True, kw_only=True)
class GradCamPlusPlus(AbstractActivationMap):
    """The maps A of a layer, weighted by their positive gradients, so that several objects of a class all count.

    a = relu(Σ_k w_k A^k),  w_k = Σ_ij α_ij relu(g_ij),  α_ij = g_ij² / (2 g_ij² + g_ij³ Σ_ab A_ab),  g = ∂f / ∂A^k

    The formula is that of exp(f) where f is piecewise linear in A. The factor exp(f), which all weights of a sample
    share, is left out since it may overflow; a weight whose denominator is zero counts as zero.

    When it misleads: negative gradients are dropped, so what speaks against the class can only be missing. Before a
    rectifier, where the values of a map may sum to less than zero, the denominator can come near zero and one map
    drown all others.
    Reference: [chattopadhay2018grad]
    """

    name = "grad_cam_plus_plus"
    title = "Grad-CAM++"

    def places(self, layer: MapLayer) -> Float[Tensor, "sample ..."]:
        maps, gradients = layer.maps_and_gradients
        flat = gradients.flatten(2)
        denominator = 2 + flat * maps.flatten(2).sum(2, keepdim=True)  # α's, over g²
        share = torch.where(denominator == 0, 0, 1 / denominator)
        return weighted((share * flat.relu()).sum(2), maps).relu()
