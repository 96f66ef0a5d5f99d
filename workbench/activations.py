"""Activations: what a layer of a network gives, kept or replaced, in a copy of the network that is nobody else's."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.errors import InputError, unknown
from zoo.model import Network

LISTED_DEPTH = 2
"""Of a foreign module, layers up to this depth are listed where a name is wrong; deeper ones can be named too."""


class Tap:
    """Stands in for the forward pass of one module, and keeps what it gives or gives on something else.

    It is set on a private copy of a network (`Subject.private`), whose module keeps its type, its weights and every
    name under which the network knows it. Where the network calls the layer several times, the last call counts.
    """

    def __init__(self, network: nn.Module, name: str, called: list[str] | None = None) -> None:
        self.name, self._called = name, [] if called is None else called
        self._layer = layer(network, name)
        self._forward = self._layer.forward
        vars(self._layer)["forward"] = self._stand_in
        self.start()

    def start(self, given: Tensor | None = None, call: int = 0) -> None:
        """Before a pass: keep what the layer gives, or give on `given` in the call of this number, counted from 1."""
        self.calls = 0
        self._kept: Any = None
        self._given, self._call = given, call

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what was kept; empty where that is no tensor."""
        return tuple(self._kept.shape) if isinstance(self._kept, Tensor) else ()

    def kept(self, rows: int) -> Float[Tensor, "row ..."]:
        """After a pass of so many rows: the layer's output. Where gradients are on, f can be differentiated by it."""
        if self.calls == 0:
            raise InputError(
                f"The network gives its answer without calling its layer {self.name!r}. Choose another layer."
            )
        if not (isinstance(self._kept, Tensor) and self._kept.is_floating_point() and self._kept.shape[:1] == (rows,)):
            raise InputError(
                f"The layer {self.name!r} does not give one tensor of numbers per sample. Choose one that does."
            )
        return self._kept

    def check_given(self) -> None:
        """After a pass that should have been given something: raise `InputError` where it never got there."""
        if self.calls < self._call:
            raise InputError(
                f"The network calls its layer {self.name!r} a different number of times for different samples. "
                "Choose another layer."
            )

    def release(self) -> None:
        """Take the stand-in away, and forget what it kept."""
        vars(self._layer).pop("forward", None)
        self.start()

    def _stand_in(self, *inputs: Any, **options: Any) -> Any:
        """Takes whatever the module takes, since it is called in its place."""
        self.calls += 1
        self._called.append(self.name)
        if self.calls == self._call:
            return self._given
        output = self._forward(*inputs, **options)
        if not isinstance(output, Tensor):
            self._kept = output
            return output
        leaf = output.detach()
        self._kept = leaf.requires_grad_(torch.is_grad_enabled() and leaf.is_floating_point())
        return leaf.clone()  # what comes behind may write into it


def layer(network: nn.Module, name: str) -> nn.Module:
    """The module of this dotted name; raises `InputError`, with the names there are, where there is none."""
    try:
        found = network.get_submodule(name) if name else None
    except AttributeError:
        found = None
    if found is None:
        raise unknown(f"layer of {type(network).__name__}", name, layer_names(network))
    return found


def layer_names(network: nn.Module) -> list[str]:
    """The layers worth naming: those the network says it has, or of a foreign one all but the deep ones."""
    if isinstance(network, Network):
        declared = network.class_activation_layer
        return sorted({*network.named_layers(), *([declared] if declared else [])})
    return [name for name, _ in network.named_modules() if name and name.count(".") < LISTED_DEPTH]
