"""Eigen-CAM."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.activation_maps import AbstractActivationMap, MapLayer
from workbench.query import Query
from zoo.model import Capability


@dataclass(frozen=True, kw_only=True)
class EigenCam(AbstractActivationMap):
    """The maps A of a layer along the one direction in which they are largest: no class, no gradient.

    a = O v,  O the matrix of places × channels of A,  v its first right singular vector

    O is not centred. The sign of v, which is free, is such that Σ a ≥ 0; nothing is rectified, and maps that are never
    negative give a map that is not either.

    When it misleads: it is the same for every class and every output, so it says what the layer responds to, not why
    the model answered. Where the two largest singular values are alike the direction is decided by little.
    Reference: [muhammad2020eigen]
    """

    name = "eigen_cam"
    title = "Eigen-CAM"
    needs = frozenset({Capability.ACTIVATION_MAPS})

    def places(self, layer: MapLayer) -> Float[Tensor, "sample ..."]:
        places = layer.maps.flatten(2).transpose(1, 2)  # sample, place, channel
        left, sizes, _ = torch.linalg.svd(places, full_matrices=False)
        along = left[..., 0] * sizes[:, :1]
        along = along * torch.where(along.sum(1, keepdim=True) < 0, -1, 1)
        return along.unflatten(1, layer.maps.shape[2:])

    def cost(self, query: Query) -> tuple[int, int]:
        return 1, 0
