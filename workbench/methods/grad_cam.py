"""Grad-CAM."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.activation_maps import AbstractActivationMap, MapLayer, weighted


@dataclass(frozen=True, kw_only=True)
class GradCam(AbstractActivationMap):
    """The maps A of a layer, each weighted by the mean of its gradient, and what speaks for the class kept.

    a = relu(Σ_k w_k A^k),  w_k = mean over places of ∂f / ∂A^k

    The map has the layer's grid and is interpolated to the input. Where the layer is followed by the mean over places
    and a linear layer, w are that layer's weights over the number of places: the class-activation map.

    When it misleads: the mean of the gradient forgets where f depends on a map, so behind anything but a mean over
    places it can light up places that f did not use; and a coarse grid makes a large soft spot of whatever it finds.
    Reference: [selvaraju2017grad], [zhou2016learning]
    """

    name = "grad_cam"
    title = "Grad-CAM"

    def places(self, layer: MapLayer) -> Float[Tensor, "sample ..."]:
        maps, gradients = layer.maps_and_gradients
        return weighted(gradients.flatten(2).mean(2), maps).relu()
