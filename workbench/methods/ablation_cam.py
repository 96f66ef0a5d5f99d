"""Ablation-CAM."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.activation_maps import AbstractActivationMap, MapLayer, channel_count, weighted
from workbench.query import Query
from zoo.model import Capability


@dataclass(frozen=True, kw_only=True)
class AblationCam(AbstractActivationMap):
    """The maps A of a layer, each weighted by how much the scalar falls when that map is set to zero.

    a = relu(Σ_k w_k A^k),  w_k = f(x) - f(x with A^k = 0)

    The paper divides w by f(x), which all maps of a sample share: that only changes the scale, and where f(x) < 0 it
    would turn the sign. It is left out, so values are in units of f times those of A.

    When it misleads: maps are taken out one at a time, so of two that say the same neither seems to matter; and a map
    of zeros may be nothing that the rest of the network has ever seen.
    Reference: [desai2020ablation]
    """

    name = "ablation_cam"
    title = "Ablation-CAM"
    needs = frozenset({Capability.ACTIVATION_MAPS})

    def places(self, layer: MapLayer) -> Float[Tensor, "sample ..."]:
        query, maps = layer.query, layer.maps
        rows, which = maps.flatten(2).any(2).nonzero().unbind(1)  # setting zeros to zero changes nothing

        def build(part: slice) -> Tensor:
            output = layer.output[rows[part]]
            layer.folded(output)[torch.arange(len(output)), which[part]] = 0
            return output

        falls = torch.zeros(maps.shape[:2], dtype=torch.float64)
        values = query.values_with(layer.name, build, rows).double()
        falls[rows, which] = query.values(query.inputs).double()[rows] - values
        return weighted(falls, maps).relu()

    def cost(self, query: Query) -> tuple[int, int]:
        return 2 + channel_count(query, self.layer), 0
