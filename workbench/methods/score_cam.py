"""Score-CAM."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.activation_maps import AbstractActivationMap, MapLayer, channel_count, stretched, weighted
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from zoo.model import Capability


@dataclass(frozen=True, kw_only=True)
class ScoreCam(AbstractActivationMap):
    """The maps A of a layer, each weighted by what the model says when the input is seen through it.

    a = relu(Σ_k w_k A^k),  w = softmax over k of f(x' + h^k (x - x')) - f(x')

    h^k is A^k interpolated to the input and brought to [0, 1] by its least and largest value; a map that is the same
    everywhere hides all of the input. With the reference input x' = 0 this is the paper's product h x.

    When it misleads: the softmax hardly tells maps apart where f changes by much less than 1 (a probability, say), and
    one map takes all where it changes by much more. An input seen through a soft mask may be unlike any data.
    Reference: [wang2020score]
    """

    name = "score_cam"
    title = "Score-CAM"
    needs = frozenset({Capability.ACTIVATION_MAPS})

    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What shows where a map hides the input")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def places(self, layer: MapLayer) -> Float[Tensor, "sample ..."]:
        query, maps = layer.query, layer.maps
        inputs, reference = query.inputs, reference_inputs(query, self.reference_input, self.seed)
        flat = maps.flatten(2)
        rows, which = (flat.amax(2) > flat.amin(2)).nonzero().unbind(1)  # what hides everything gains nothing

        def build(part: slice) -> Tensor:
            seen = _between_0_and_1(stretched(maps[rows[part], which[part]], inputs)).to(inputs.dtype)
            hidden = reference[rows[part]]
            return hidden + seen * (inputs[rows[part]] - hidden)

        gains = torch.zeros(maps.shape[:2], dtype=torch.float64)
        gains[rows, which] = query.built_values(build, rows).double() - query.values(reference).double()[rows]
        return weighted(gains.softmax(1), maps).relu()

    def cost(self, query: Query) -> tuple[int, int]:
        return 2 + channel_count(query, self.layer), 0


def _between_0_and_1(masks: Float[Tensor, "row ..."]) -> Float[Tensor, "row ..."]:
    """Each brought to [0, 1] by its least and largest value; zero where they are the same."""
    axes = tuple(range(1, masks.ndim))
    least, largest = masks.amin(axes, keepdim=True), masks.amax(axes, keepdim=True)
    return torch.where(largest > least, (masks - least) / (largest - least), 0)
