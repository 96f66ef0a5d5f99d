"""Activation maps: a layer's output read as maps over the places of an image or series, and brought to its size."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from workbench.activations import layer, layer_names
from workbench.explanation import AbstractMethod
from workbench.query import Query
from workbench.settings import setting
from zoo.errors import InputError
from zoo.model import CONVOLUTIONS, Capability
from zoo.task import Kind

BY_CHANNEL = (*CONVOLUTIONS, nn.BatchNorm1d, nn.GroupNorm, nn.InstanceNorm1d)
BY_TOKEN = (nn.Linear, nn.LayerNorm)
"""Of three axes, which is the places'? The last layer of either kind says it: channels come first, or hidden last."""


@dataclass(frozen=True, eq=False)
class MapLayer:
    """A layer whose output is maps: for each sample and channel one number per place of a coarse grid over the input.

    Outputs of shape (sample, channel, height, width), for series (sample, channel, time), are maps as they are.
    Tokens (sample, token, hidden) are folded to the grid of square patches that has as many places, row by row; where
    there is one token more, the first is a class token, which has no place and is left out.
    """

    query: Query
    name: str

    @classmethod
    def of(cls, query: Query, name: str) -> "MapLayer":
        """The layer of this name or, where it is empty, the one that the network declares, else the convolution with
        more than one place that the network calls last."""
        network = query.subject.network
        if name:
            layer(network, name)
            return cls(query, name)
        if declared := getattr(network, "class_activation_layer", None):
            return cls(query, declared)
        ndim = 2 + len(places_of(query.inputs))
        wide = [name for name, shape in query.layers(CONVOLUTIONS) if len(shape) == ndim and prod(shape[2:]) > 1]
        if not wide:
            raise InputError(
                f"No convolution of {query.subject.name} gives maps over more than one place. Name a layer that does, "
                f"one of: {', '.join(layer_names(network))}."
            )
        return cls(query, wide[-1])

    @cached_property
    def output(self) -> Float[Tensor, "sample ..."]:
        """What the layer gives for each sample, on the subject's device and in its precision."""
        return self.query.activations(self.name)

    @cached_property
    def maps(self) -> Float[Tensor, "sample channel ..."]:
        """The same as maps, in float64 on the CPU."""
        return self.folded(self.output).cpu().double()

    @cached_property
    def maps_and_gradients(self) -> tuple[Float[Tensor, "sample channel ..."], Float[Tensor, "sample channel ..."]]:
        """A and ∂f/∂A, in float64 on the CPU; raises `InputError` where the gradients of all samples are zero."""
        both = self.query.activations_and_gradients(self.name)
        maps, gradients = (self.folded(values).cpu().double() for values in both)
        if not gradients.any():
            raise InputError(
                f"The {self.query.output} of {self.query.subject.name} has no gradient at its layer {self.name!r} for "
                "any of these samples. Explain the logit, which does not saturate, or name another layer."
            )
        return maps, gradients

    def folded(self, output: Float[Tensor, "row ..."]) -> Float[Tensor, "row channel ..."]:
        """An output of this layer as maps. It is a view: what is written into it is written into the output."""
        size = places_of(self.query.inputs)
        if output.ndim == 2 + len(size) and not (len(size) == 1 and self._by_token):
            grid, maps = tuple(output.shape[2:]), output
        elif output.ndim == 3 and self._by_token:
            grid = grid_of(output.shape[1], size)
            maps = output[:, output.shape[1] - prod(grid) :].transpose(1, 2).unflatten(2, grid) if grid else output
        else:
            grid, maps = (), output
        if prod(grid) > 1:
            return maps
        raise InputError(
            f"The layer {self.name!r} gives {' × '.join(map(str, output.shape[1:]))} numbers per sample, which are no "
            f"maps over several places of {'height × width' if len(size) == 2 else 'time'}. Name one that gives them, "
            f"of: {', '.join(layer_names(self.query.subject.network))}."
        )

    def over_input(self, values: Float[Tensor, "sample ..."]) -> Float[Tensor, "sample ..."]:
        """One map per sample, brought to the size of the input by interpolation and repeated over what is no place:
        the channels of an image, the features of a series."""
        inputs = self.query.inputs
        return stretched(values, inputs).to(self.query.points.dtype).expand(inputs.shape)

    @cached_property
    def _by_token(self) -> bool:
        """Whether an output of three axes is tokens. Where no layer says it, images have tokens and series maps."""
        for module in reversed(list(layer(self.query.subject.network, self.name).modules())):
            if isinstance(module, BY_TOKEN + BY_CHANNEL):
                return isinstance(module, BY_TOKEN)
        return len(places_of(self.query.inputs)) == 2


@dataclass(frozen=True, kw_only=True)
class AbstractActivationMap(AbstractMethod):
    """A method that weighs the maps of one layer: how much each of its places speaks for the scalar.

    The map has the grid of the layer and is interpolated to the input's size as if its cells tiled the input evenly.
    A layer that the network calls several times counts with what it gives the last time.
    """

    needs = frozenset({Capability.GRADIENT, Capability.ACTIVATION_MAPS})
    kinds = frozenset({Kind.IMAGE, Kind.SERIES})

    layer: str = setting("", help="Dotted name of the layer; empty: the model's own, or its last convolution")

    @abstractmethod
    def places(self, layer: MapLayer) -> Float[Tensor, "sample ..."]:
        """The map of each sample over the layer's places, in float64."""

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        chosen = MapLayer.of(query, self.layer)
        return chosen.over_input(self.places(chosen))

    def cost(self, query: Query) -> tuple[int, int]:
        return 1, 1


def weighted(
    weights: Float[Tensor, "sample channel"], maps: Float[Tensor, "sample channel ..."]
) -> Float[Tensor, "sample ..."]:
    """Σ_k w_k A^k."""
    return torch.einsum("sk,sk...->s...", weights, maps)


def resized(maps: Float[Tensor, "row ..."], size: tuple[int, ...]) -> Float[Tensor, "row ..."]:
    """Linear interpolation over the last axes, bilinear over two, where the cells of either grid tile the same area:
    a cell's value is at its middle, and beyond the outermost middles it stays what it is there."""
    for axis, after in enumerate(size, start=maps.ndim - len(size)):
        before = maps.shape[axis]
        middle = ((torch.arange(after, dtype=maps.dtype) + 0.5) * before / after - 0.5).clamp(0, before - 1)
        hats = (1 - (middle[:, None] - torch.arange(before)).abs()).clamp(min=0)  # after, before
        maps = (maps.movedim(axis, -1) @ hats.T).movedim(-1, axis)
    return maps


def stretched(maps: Float[Tensor, "row ..."], inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "row ..."]:
    """Maps brought to the size of the inputs, with one channel (of images) or one feature (of series)."""
    return resized(maps, places_of(inputs)).unsqueeze(1 if inputs.ndim == 4 else 2)


def channel_count(query: Query, name: str) -> int:
    """How many maps the layer of this name (or the default one) has, seen on the first sample."""
    first = replace(query, samples=query.samples.take([0]), classes=query.classes[:1])
    return MapLayer.of(first, name).maps.shape[1]


def places_of(inputs: Float[Tensor, "row ..."]) -> tuple[int, ...]:
    """Height and width of images, or the length of series."""
    return tuple(inputs.shape[2:] if inputs.ndim == 4 else inputs.shape[1:2])


def grid_of(tokens: int, size: tuple[int, ...]) -> tuple[int, ...]:
    """Rows and columns of square patches that so many tokens stand for, or steps of a series; empty where none fit.

    A token more than there are patches is a class token; a series has none, since any number of steps would fit it.
    """
    if len(size) == 1:
        return (tokens,) if tokens <= size[0] else ()
    grids = [tuple(side // patch for side in size) for patch in range(1, min(size) + 1)]
    return next((grid for extra in (0, 1) for grid in grids if prod(grid) == tokens - extra), ())
