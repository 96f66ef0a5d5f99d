"""Attention: what each token looked at in every layer, and how that is brought back to the input."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor

from workbench import operations
from workbench.activation_maps import grid_of, places_of, stretched
from workbench.explanation import AbstractMethod
from workbench.query import Query
from workbench.subject import chunked
from workbench.tape import Tape
from zoo.errors import InputError
from zoo.model import Capability
from zoo.task import Kind

Weights = Float[Tensor, "row _ _ _"]
"""Of one layer, by head, query and key: how much of each key's value each query takes, 1 in all."""


@dataclass(frozen=True, kw_only=True)
class AbstractAttention(AbstractMethod):
    """A method that makes one number per token of the attention weights, which it reads off the tape of the network.

    Layers count in the order in which they are computed. The answer is read from the class token where there is one,
    from the one place that the last layer answers for, or else from all tokens alike. Tokens of an image or series are
    folded to their grid and interpolated.
    """

    needs = frozenset({Capability.GRADIENT, Capability.ATTENTION})
    kinds = frozenset({Kind.IMAGE, Kind.SERIES, Kind.TEXT})
    with_gradients = False
    """Whether ∂f/∂weights are needed."""

    @abstractmethod
    def looked_at(
        self, layers: Sequence[Weights], gradients: Sequence[Weights], readout: Float[Tensor, "row query"]
    ) -> Float[Tensor, "row key"]:
        """One number for each token of the first layer; `readout` says which queries of the last one the answer is
        read from."""

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        rows = torch.arange(len(query.points))

        def compute(part: slice) -> Tensor:
            tape = query.recorded(query.points[part], rows[part])
            numbers = attention_weights(tape)
            if not numbers:
                raise InputError(
                    f"No attention weights were found in {query.subject.name}: no softmax whose result is multiplied "
                    "with values. Choose a method that does not look for them (integrated gradients, LRP)."
                )
            messages = {}
            if self.with_gradients:
                seed = torch.ones_like(tape.values[tape.output])
                messages = tape.back(seed, lambda step, incoming: step.pulled_back(incoming))
                query.subject.meter.add(forward=0, backward=len(seed))
            layers = [_by_head(tape.values[number], len(rows[part])) for number in numbers]
            gradients = [
                _by_head(messages.get(number, torch.zeros_like(tape.values[number])), len(rows[part]))
                for number in numbers
                if self.with_gradients
            ]
            return self.looked_at(layers, gradients, _readout(query, layers, rows[part])).detach()

        values = chunked(compute, len(rows), 2 * query.points[0].numel(), query.subject.device)
        return over_input(query, values)

    def cost(self, query: Query) -> tuple[int, int]:
        return 1, int(self.with_gradients)


def attention_weights(tape: Tape) -> list[int]:
    """The values that a softmax made and that are then multiplied, as a matrix, with another value."""
    found: list[int] = []
    origin: dict[int, int] = {}
    for step in tape.steps:
        sources = list(step.live.values())
        if step.name in operations.SOFTMAX:
            origin |= {out: out for out in step.outputs if out is not None}
        elif step.name in operations.REARRANGING and len(sources) == 1 and sources[0] in origin:
            origin |= {out: origin[sources[0]] for out in step.outputs if out is not None}
        elif step.name in ("bmm", "matmul", "baddbmm") and len(sources) > 1:
            found += [origin[source] for source in sources if source in origin and origin[source] not in found]
    return found


def over_input(query: Query, values: Float[Tensor, "sample token"]) -> Float[Tensor, "sample ..."]:
    """One number per token, brought to the size of the input; a class token is left out, padding gets nothing."""
    inputs, dtype = query.inputs, query.points.dtype
    if query.mask is not None:
        width = inputs.shape[1]
        return torch.where(query.mask.cpu(), values[:, values.shape[1] - width :].cpu(), 0).to(dtype)
    grid = grid_of(values.shape[1], places_of(inputs))
    if not grid:
        raise InputError(
            f"The {values.shape[1]} tokens of {query.subject.name} cannot be laid out over an input of "
            f"{' × '.join(map(str, places_of(inputs)))}. Choose a method that does not look at attention."
        )
    maps = values[:, values.shape[1] - prod(grid) :].unflatten(1, grid)
    return stretched(maps.cpu(), inputs).to(dtype).expand(inputs.shape)


def averaged(weights: Weights) -> Float[Tensor, "row query key"]:
    """Half the mean over heads, half the residual path: (mean_h A + 1) / 2.

    Where the layer answers for one place alone, that is the last that it may look at.
    """
    mean = weights.mean(1)
    queries, keys = mean.shape[1:]
    if queries == keys:
        return (mean + torch.eye(keys, dtype=mean.dtype, device=mean.device)) / 2
    places = torch.arange(keys, device=mean.device).where(mean > 0, -1).amax(-1)
    return (mean + torch.nn.functional.one_hot(places, keys)) / 2


def _by_head(weights: Tensor, rows: int) -> Weights:
    return weights.reshape(rows, -1, *weights.shape[-2:])


def _readout(query: Query, layers: Sequence[Weights], rows: Tensor) -> Float[Tensor, "row query"]:
    """From which queries of the last layer the answer is read, as shares."""
    count, queries, keys = len(rows), *layers[-1].shape[2:]
    even = layers[-1].new_ones(count, queries)
    if query.mask is not None and query.mask.shape[1] == queries:
        even = query.mask[rows].to(even)
    elif queries == keys and _has_class_token(query, keys):
        even[:, 1:] = 0
    return even / even.sum(1, keepdim=True).clamp(min=1)


def _has_class_token(query: Query, tokens: int) -> bool:
    if query.mask is not None:
        return tokens == query.mask.shape[1] + 1
    return prod(grid_of(tokens, places_of(query.inputs))) == tokens - 1
