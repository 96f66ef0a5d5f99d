"""Openings: the affine layers that a network begins with, which a straight path crosses in a straight line.

h(x' + t (x - x')) = h(x') + t (h(x) - h(x')): what they give along the path is known from its ends, and the gradient
before them is that behind them, averaged over the path, times their matrix once: Aᵀ ∫ ∂f/∂h dt.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor, nn

from workbench.query import Query
from workbench.weights import HOOKS
from zoo.model import LayeredNetwork, Network

AFFINE = (nn.Linear,)
KEEPING = (nn.Identity, nn.Flatten, nn.Dropout)
"""Layers that, in evaluation mode, leave an affine function affine and cost next to nothing."""
TIMES = (0.2764, 0.7236)
"""At which the opening is held against the straight line on each path."""
STRAIGHT = 1e-5
"""Distance from it, relative to the largest value, above which the opening is not believed to be affine."""


class Rest(Network):
    """A network behind its opening."""

    def __init__(self, layers: Sequence[nn.Module], finish: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.layers, self.finish = nn.Sequential(*layers), finish
        self.writes = any(getattr(module, "inplace", False) for module in self.layers.modules())

    def forward(self, inputs: Float[Tensor, "row ..."]) -> Float[Tensor, "row class"]:
        return self.finish(self.layers(inputs.clone() if self.writes else inputs))


@dataclass(frozen=True, eq=False)
class Opening:
    """The first layers of a network up to its first nonlinearity, and what comes behind them."""

    layers: Callable[[Tensor], Tensor]
    rest: Rest

    def behind(self, query: Query) -> Query:
        """The same question, asked of what the opening gives."""
        return replace(query, subject=query.subject.behind(self.rest))

    def __call__(self, points: Float[Tensor, "sample node ..."]) -> Float[Tensor, "sample node ..."]:
        """What the opening gives at points."""
        with torch.no_grad():
            return self.layers(points.flatten(0, 1)).unflatten(0, points.shape[:2])

    def pulled_back(
        self, points: Float[Tensor, "sample ..."], gradient: Float[Tensor, "sample ..."]
    ) -> Float[Tensor, "sample ..."]:
        """Aᵀ times gradients behind the opening: gradients before it, which are the same at any point."""
        with torch.enable_grad():
            leaf = points.detach().clone().requires_grad_()
            return torch.autograd.grad(self.layers(leaf), leaf, gradient)[0]

    def is_straight(self, nodes: Float[Tensor, "sample 2 ..."], ends: Float[Tensor, "sample 2 ..."]) -> bool:
        """Whether it takes the straight lines between nodes to straight lines between ends."""
        times = torch.tensor(TIMES, dtype=nodes.dtype, device=nodes.device)
        found = self(_between(nodes, times))
        return bool((found - _between(ends, times)).abs().max() <= STRAIGHT * found.abs().max())


def opening(query: Query, nodes: Float[Tensor, "sample 2 ..."]) -> tuple[Opening, Float[Tensor, "sample 2 ..."]] | None:
    """The opening of the network and what it gives at the ends of these straight paths; None where it has none that is
    known to be affine there."""
    found = None if query.forwards is not None or query.mask is not None else _opening(query.subject.network)
    if found is None:
        return None
    ends = found(nodes)
    return (found, ends) if ends.dtype == nodes.dtype and found.is_straight(nodes, ends) else None


def _opening(network: nn.Module) -> Opening | None:
    """The opening of a network that is a row of layers and says so."""
    if any(vars(module).get(name) for module in network.modules() for name in HOOKS):
        return None
    if type(network) is nn.Sequential:
        prepare, layers, finish = nn.Identity(), list(network), nn.Identity()
    elif isinstance(network, LayeredNetwork) and type(network).forward is LayeredNetwork.forward:
        prepare, layers, finish = network.prepare, list(network.layers()), network.finish  # type: ignore[assignment]
    else:
        return None
    parts = [part for layer in layers for part in _parts(layer)]
    count = next((i for i, part in enumerate(parts) if type(part) not in AFFINE + KEEPING), len(parts))
    if not any(type(part) in AFFINE for part in parts[:count]):
        return None
    first = nn.Sequential(*parts[:count])
    return Opening(lambda points: first(prepare(points)), Rest(parts[count:], finish))


def _parts(layer: nn.Module) -> list[nn.Module]:
    return [part for inner in layer for part in _parts(inner)] if type(layer) is nn.Sequential else [layer]


def _between(ends: Float[Tensor, "sample 2 ..."], times: Float[Tensor, "time"]) -> Float[Tensor, "sample time ..."]:
    """The points at these times on the straight lines between ends."""
    time = times.view(1, -1, *[1] * (ends.ndim - 2))
    return torch.addcmul(ends[:, :1], time, ends[:, 1:] - ends[:, :1])
