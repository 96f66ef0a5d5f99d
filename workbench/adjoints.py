"""Adjoints: what a linear operation passes back.

A vector-Jacobian product of a linear operation depends on its weights alone, so those that networks spend their time in
need not be run again first: a layer's costs half, and one that only moves values about nothing.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from workbench import operations
from workbench.layer_rules import EPSILON, NORMALISING_WEIGHT, VARIANCE
from workbench.tape import Step, plain

ONLY_INPUT = (True, False, False)
"""Of a convolution's derivatives: neither by its weights nor by its bias."""


def passed_back(step: Step, messages: Sequence[Tensor | None]) -> Mapping[int, Tensor]:
    """Σ_out message · ∂out/∂in for each live argument of a linear step, by its place."""
    adjoint = ADJOINTS.get("normalise" if step.name in operations.NORMALISING else step.name)
    whole = not any(message is not None for message in messages[1:]) and len(step.live) == 1
    if adjoint is None or not whole or messages[0] is None:
        return step.pulled_back(messages)
    (place,) = step.live
    found = adjoint(step, place, messages[0])
    return step.pulled_back(messages) if found is None else {place: found}


def _convolution(step: Step, place: int, message: Tensor) -> Tensor:
    _, weight, _, *how = step.arguments
    return torch.ops.aten.convolution_backward(plain(message), step.inputs[place], weight, None, *how, ONLY_INPUT)[0]


def _normalisation(step: Step, _: int, message: Tensor) -> Tensor:
    weight, variance = step.leaves[NORMALISING_WEIGHT], step.leaves[VARIANCE]
    scale = (variance + step.arguments[EPSILON]).rsqrt() * (1 if weight is None else weight)
    return message * scale.view(-1, *[1] * (message.ndim - 2))


def _matrix(step: Step, place: int, message: Tensor) -> Tensor | None:
    """Of x in x · w (mm) or bias + x · w (addmm); None where it is scaled, or another one is live."""
    first = 1 if step.name == "addmm" else 0
    if place != first or len(step.leaves) != len(step.arguments):
        return None
    return message @ step.leaves[first + 1].t()


def _moved(step: Step, place: int, message: Tensor) -> Tensor | None:
    """Nothing but another shape."""
    return message.reshape(step.inputs[place].shape) if place == 0 else None


def _turned(step: Step, _: int, message: Tensor) -> Tensor:
    return message.t() if step.name == "t" else message.transpose(*step.arguments[1:3])


def _shifted(step: Step, place: int, message: Tensor) -> Tensor | None:
    """x + c, x - c, where x is not repeated."""
    return message if place == 0 and message.shape == step.inputs[place].shape else None


def _scaled(step: Step, place: int, message: Tensor) -> Tensor | None:
    """x · c or x / c, where x is not repeated."""
    if message.shape != step.inputs[place].shape or len(step.leaves) != 2:
        return None
    factor = step.leaves[1 - place]
    return message * factor if step.name == "mul" else message / factor


ADJOINTS: Mapping[str, Callable[[Step, int, Tensor], Tensor | None]] = {
    "convolution": _convolution,
    "normalise": _normalisation,
    **dict.fromkeys(["addmm", "mm"], _matrix),
    **dict.fromkeys(["_unsafe_view", "alias", "clone", "reshape", "squeeze", "unsqueeze", "view"], _moved),
    **dict.fromkeys(["t", "transpose"], _turned),
    **dict.fromkeys(["add", "sub"], _shifted),
    **dict.fromkeys(["div", "mul"], _scaled),
}
"""Of operations by name; None from one that does not fit the step."""
