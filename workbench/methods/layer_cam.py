"""LayerCAM."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.activation_maps import AbstractActivationMap, MapLayer


@dataclass(frozen=True, kw_only=True)
class LayerCam(AbstractActivationMap):
    """The maps A of a layer, each place weighted by its own gradient where that is positive.

    a = relu(Σ_k relu(∂f / ∂A^k) A^k)

    Made for early layers too, whose grids are finer: name one in `layer`.

    When it misleads: negative gradients are dropped, so places where two maps cancel look like support; in early
    layers it shows edges, which most classes share.
    Reference: [jiang2021layercam]
    """

    name = "layer_cam"
    title = "LayerCAM"

    def places(self, layer: MapLayer) -> Float[Tensor, "sample ..."]:
        maps, gradients = layer.maps_and_gradients
        return (gradients.relu() * maps).sum(1).relu()
