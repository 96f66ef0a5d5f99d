"""The Hessian of the loss, as products with vectors."""

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor, nn

from workbench.landscape.loss import ELEMENTS, Batch, Loss
from workbench.switches import plain_kernels


@dataclass(frozen=True, eq=False)
class Hessian:
    """H = ∂²L/∂θ∂θᵀ at the trained weights, through v ↦ Hv = ∂(∂L/∂θ · v)/∂θ.

    Double backward: the only second derivative of torch that is right for every layer (forward over reverse through
    `torch.func` is silently wrong behind an affine layer norm). Where the inputs have no more than `kept` elements the
    gradient's graph is kept, so that a product costs one backward pass through it. A parameter that the loss does not
    use has a zero row. `parameter` in the shapes below runs over all entries of all weights, in the network's order.

    When it misleads: a network of rectifiers also bends at its kinks, where the gradient jumps. The Hessian sees none
    of that, and over a step of any size the jumps can outweigh what it does see.
    Reference: [pearlmutter1994fast]
    """

    loss: Loss
    kept: int = ELEMENTS

    @cached_property
    def weights(self) -> tuple[Tensor, ...]:
        return tuple(weight.clone().requires_grad_() for weight in self.loss.weights.values())

    @property
    def size(self) -> int:
        """The number of rows."""
        return sum(weight.numel() for weight in self.weights)

    def product(self, vector: Float[Tensor, "parameter"]) -> Float[Tensor, "parameter"]:
        """Hv, in the precision of the loss."""
        parts = vector.to(self.weights[0]).split([weight.numel() for weight in self.weights])
        shaped = [part.reshape(weight.shape) for part, weight in zip(parts, self.weights, strict=True)]
        total = torch.zeros_like(torch.cat(parts))
        for gradients in self._gradients():
            total += self._second(gradients, shaped)
        self.loss.meter.add(forward=0, backward=self.loss.count)
        return total

    def _second(self, gradients: tuple[Tensor, ...], vector: list[Tensor]) -> Float[Tensor, "parameter"]:
        """Hv of one batch; gradients that do not depend on the weights (unused ones) drop out."""
        pairs = [(g, v) for g, v in zip(gradients, vector, strict=True) if g.requires_grad]
        if not pairs:
            return torch.zeros_like(torch.cat([v.flatten() for v in vector]))
        outputs, along = zip(*pairs, strict=True)
        rows = torch.autograd.grad(outputs, self.weights, along, retain_graph=self._keeps, materialize_grads=True)
        return torch.cat([row.reshape(-1) for row in rows])

    @property
    def _keeps(self) -> bool:
        return sum(batch.inputs.numel() for batch in self.loss.batches) <= self.kept

    @cached_property
    def _graphs(self) -> list[tuple[Tensor, ...]]:
        return [self._gradient(batch) for batch in self.loss.batches]

    def _gradients(self) -> Iterable[tuple[Tensor, ...]]:
        """The gradient of each batch's share of L, with its graph."""
        return self._graphs if self._keeps else map(self._gradient, self.loss.batches)

    def _gradient(self, batch: Batch) -> tuple[Tensor, ...]:
        named = dict(zip(self.loss.weights, self.weights, strict=True))
        with torch.enable_grad(), twice_differentiable(self.loss.network):
            share = self.loss.summed(named, batch) / self.loss.count
        self.loss.meter.add(forward=len(batch), backward=len(batch))
        return torch.autograd.grad(share, self.weights, create_graph=True, materialize_grads=True)


@contextlib.contextmanager
def twice_differentiable(network: nn.Module) -> Iterator[None]:
    """Only kernels that can be differentiated twice: fused attention cannot, nor can fused recurrent layers.

    It matters in the forward pass alone: the graph remembers what was chosen.
    """
    recurrent = any(isinstance(module, nn.RNNBase) for module in network.modules())
    with plain_kernels(recurrent=recurrent, attention=True):
        yield
