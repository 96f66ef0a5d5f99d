"""The Sobel edge detector: a control for images."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query
from zoo.task import Kind


@dataclass(frozen=True, kw_only=True)
class EdgeDetector(AbstractMethod):
    """How steep the image itself is at each pixel: the control that looks most like an explanation.

    a = sqrt((S * x)² + (Sᵀ * x)²),  S = (1, 2, 1)ᵀ (-1, 0, 1) / 8,  in each channel

    In units of the input per pixel; beyond the border its pixels repeat.

    When it misleads: objects have edges, so it lies on the evidence whenever that is an object, and the eye takes its
    outlines for a reason. It knows nothing of the model.
    Reference: [adebayo2018sanity]
    """

    name = "edge_detector"
    title = "Edge detector (control)"
    claims = frozenset({Claim.CONTROL})
    kinds = frozenset({Kind.IMAGE})

    def attribute(self, query: Query) -> Float[Tensor, "sample channel height width"]:
        images = query.inputs
        across = torch.tensor([1.0, 2.0, 1.0]).outer(torch.tensor([-1.0, 0.0, 1.0])) / 8
        kernels = torch.stack((across, across.T))[:, None].to(images)
        padded = functional.pad(images.flatten(0, 1)[:, None], (1, 1, 1, 1), mode="replicate")
        return functional.conv2d(padded, kernels).norm(dim=1).view(images.shape)

    def cost(self, query: Query) -> tuple[int, int]:
        return 0, 0
