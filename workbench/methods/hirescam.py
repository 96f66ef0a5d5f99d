"""HiResCAM."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.activation_maps import AbstractActivationMap, MapLayer


@dataclass(frozen=True, kw_only=True)
class HiResCam(AbstractActivationMap):
    """The maps A of a layer times their gradients, place by place.

    a = Σ_k ∂f / ∂A^k · A^k

    Nothing is rectified: what speaks against the class is negative. Where one linear layer follows, over places or
    over their mean, the map (before it is interpolated to the input) sums to the logit without its bias.

    When it misleads: behind several layers it is gradient × activation, with the gradient's troubles: zero where the
    network is saturated, or where a normalisation of each token follows, to which its length is nothing.
    Reference: [draelos2020use]
    """

    name = "hirescam"
    title = "HiResCAM"

    def places(self, layer: MapLayer) -> Float[Tensor, "sample ..."]:
        maps, gradients = layer.maps_and_gradients
        return (maps * gradients).sum(1)
