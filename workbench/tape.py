"""Tape: the elementary operations that a network performed on its way from the inputs to an output, with every value.

Whoever walks back along it can give each operation a rule of its own (relevance, multipliers, guided gradients). The
network is run as it is: modules and functions, a module used twice and control flow look alike from here, no hook is
set, nothing of the network is touched, and what is recorded belongs to the thread that asked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from workbench.nesting import flattened, nested
from zoo.errors import InputError

CONSTANT = -1
FUSED_ATTENTION = frozenset(
    {
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_cudnn_attention",
    }
)
"""Kernels that hide the products and the softmax which attention consists of."""


@dataclass(frozen=True, eq=False)
class Step:
    """One operation: which, on what, and which of its tensors come from the input.

    `leaves` are all its arguments, flat; `live` says at which of them stands a value of the tape (place → number of the
    value); `outputs` are the numbers of the values it made, None for what has no derivative (indices, masks); `made` is
    all that it made.
    """

    operation: Any
    leaves: tuple[Any, ...]
    structure: Any
    live: Mapping[int, int]
    outputs: tuple[int | None, ...]
    made: tuple[Any, ...]

    @property
    def name(self) -> str:
        """As torch calls the operation: "convolution", "addmm"."""
        return str(self.operation.overloadpacket.__name__)

    @cached_property
    def arguments(self) -> tuple[Any, ...]:
        """In the order of the operation's signature, as they were given; keyword arguments left out."""
        return nested(self.structure[0], self.leaves)

    @cached_property
    def inputs(self) -> dict[int, Tensor]:
        """The live arguments, by their place."""
        return {place: self.leaves[place] for place in self.live}

    def run(self, changed: Mapping[int, Tensor]) -> tuple[Any, ...]:
        """What it makes with some arguments exchanged, by their place."""
        args, kwargs = nested(self.structure, [changed.get(i, leaf) for i, leaf in enumerate(self.leaves)])
        return _several(self.operation(*args, **kwargs))

    def pulled_back(
        self, messages: Sequence[Tensor | None], changed: Mapping[int, Tensor] | None = None
    ) -> dict[int, Tensor]:
        """Σ_out message · ∂out/∂in for each live argument, by its place: the vector-Jacobian product.

        `changed` exchanges arguments first: other weights, say.
        """
        with torch.enable_grad():
            given = {**self.inputs, **(changed or {})}
            wanted = {place: given[place].detach().requires_grad_() for place in self.live}
            made = self.run({**given, **wanted})
            known = zip(made, messages, strict=True)
            pairs = [(out, plain(message)) for out, message in known if message is not None and out.requires_grad]
            if not pairs:  # zeros in the shape of the input, say
                return {}
            found = torch.autograd.grad(
                [out for out, _ in pairs], list(wanted.values()), [m for _, m in pairs], allow_unused=True
            )
        return {
            place: torch.zeros_like(leaf) if gradient is None else gradient
            for (place, leaf), gradient in zip(wanted.items(), found, strict=True)
        }


@dataclass(frozen=True, eq=False)
class Tape:
    """The steps in their order. Value 0 is the input, and `output` the number of the last value."""

    steps: tuple[Step, ...]
    values: tuple[Tensor, ...]
    output: int

    def back(
        self, seed: Tensor, rule: Callable[[Step, Sequence[Tensor | None]], Mapping[int, Tensor]]
    ) -> dict[int, Tensor]:
        """The messages at all values that `seed`, the one at the output, reaches, by number; 0 is that at the input.

        `rule(step, messages at its outputs)` gives the messages at its live arguments, by place; where several steps
        used one value their messages add up. Every message is complete before it is passed on.
        """
        messages = {0: torch.zeros_like(self.values[0]), self.output: seed}
        for step in reversed(self.steps):
            incoming = [None if out is None else messages.get(out) for out in step.outputs]
            if all(message is None for message in incoming):
                continue
            for place, message in rule(step, incoming).items():
                value = step.live[place]
                messages[value] = messages[value] + message if value in messages else message
        return messages


def record(function: Callable[[Tensor], Tensor], points: Float[Tensor, "row ..."]) -> Tape:
    """The tape of `function(points)`.

    Raises `InputError` where a value was changed in place while other views of the same memory are still in use, since
    the tape can then not say which was meant, and where the output does not depend on the points.
    """
    recorder = _Recorder()
    with torch.enable_grad():  # torch's fused layers without derivatives would hide what they do
        start = points.detach().clone().requires_grad_()
        with recorder:
            recorder.enter(start)
            result = function(start)
    output = recorder.number(result)
    if output is None:
        raise InputError(
            "The network's output does not depend on its input. Give a network that uses what it is given."
        )
    return recorder.tape(output)


class _Recorder(TorchDispatchMode):
    """Sees every elementary operation below autograd."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[tuple[Any, list[Any], Any, dict[int, int], tuple[int | None, ...], tuple[Any, ...]]] = []
        self._values: list[Tensor] = []
        self._alive: list[Tensor] = []  # so that no identity is given twice
        self._numbers: dict[int, int | None] = {}
        """Of the value a tensor holds; CONSTANT where that does not depend on the input, None where out of date."""
        self._sharing: dict[int, list[Tensor]] = {}
        """The known tensors that look at a piece of memory."""
        self._written: set[int] = set()
        self._before: dict[int, Tensor] = {}

    def enter(self, tensor: Tensor) -> int:
        """Give a tensor the next number."""
        self._values.append(tensor)
        self._know(tensor, len(self._values) - 1)
        return len(self._values) - 1

    def number(self, leaf: Any) -> int | None:
        """The value that an argument holds now; None where it does not depend on the input."""
        if not isinstance(leaf, Tensor):
            return None
        number = self._numbers.get(id(leaf), None if self._written and _memory(leaf) in self._written else CONSTANT)
        if number is None:
            raise InputError(
                "The network changes a tensor in place while another view of it is in use. Write that step out of "
                "place (torch.where, torch.cat, no trailing underscore)."
            )
        return None if number == CONSTANT else number

    def tape(self, output: int) -> Tape:
        """What was recorded, with every value as it was when the step read it."""
        values = tuple(value.detach() for value in self._values)
        steps = []
        for operation, leaves, structure, live, outputs, others in self._steps:
            whole = tuple(values[live[i]] if i in live else leaf for i, leaf in enumerate(leaves))
            made = tuple(other if out is None else values[out] for out, other in zip(outputs, others, strict=True))
            steps.append(Step(operation, whole, structure, live, outputs, made))
        return Tape(tuple(steps), values, output)

    def __torch_dispatch__(self, operation: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        leaves: list[Any] = []
        structure = flattened((args, kwargs or {}), leaves)
        live = {place: number for place, leaf in enumerate(leaves) if (number := self.number(leaf)) is not None}
        if not live:
            result = operation(*args, **(kwargs or {}))
            self._know_views(leaves, result)
            return result
        if operation.overloadpacket.__name__ in FUSED_ATTENTION:
            with self:
                return _attention(operation, args, kwargs or {})
        kept = [None if place in live else leaf for place, leaf in enumerate(leaves)]
        pure = operation
        if operation._schema.is_mutable:
            pure = _out_of_place(operation)
            self._set_aside(leaves[0])
            kept[0] = None if 0 in live else leaves[0].clone()
        result = operation(*args, **(kwargs or {}))
        if operation._schema.is_mutable:
            self._outdate(leaves[0])
        made = _several(result)
        outputs = tuple(self.enter(out) if _differentiable(out) else None for out in made)
        others = tuple(out if number is None else None for out, number in zip(made, outputs, strict=True))
        self._steps.append((pure, kept, structure, live, outputs, others))
        return result

    def _know(self, tensor: Tensor, number: int) -> None:
        if id(tensor) not in self._numbers:
            self._alive.append(tensor)
            self._sharing.setdefault(_memory(tensor), []).append(tensor)
        self._numbers[id(tensor)] = number

    def _know_views(self, leaves: list[Any], result: Any) -> None:
        """Constants that share memory: what is written into one of them may change the others."""
        tensors = [each for each in (*leaves, *_several(result)) if isinstance(each, Tensor)]
        pieces = [_memory(tensor) for tensor in tensors]
        for tensor, piece in zip(tensors, pieces, strict=True):
            if pieces.count(piece) > 1 and id(tensor) not in self._numbers:
                self._know(tensor, CONSTANT)

    def _set_aside(self, target: Tensor) -> None:
        """Copies of all values that are about to be overwritten."""
        self._before = {}
        for tensor in self._sharing.get(_memory(target), []):
            if (number := self._numbers[id(tensor)]) is None:
                continue
            self._before[id(tensor)] = copy = tensor.detach().clone()
            if number != CONSTANT:
                self._values[number] = copy

    def _outdate(self, target: Tensor) -> None:
        """Whoever shares the memory and has changed holds no value of the tape any more."""
        memory = _memory(target)
        for tensor in self._sharing.get(memory, []):
            before = self._before.get(id(tensor))
            if tensor is not target and before is not None and not torch.equal(tensor, before):
                self._numbers[id(tensor)] = None
        self._written.add(memory)
        self._alive.append(target)


def _attention(operation: Any, args: tuple, kwargs: dict) -> tuple[Any, ...]:
    """softmax(q kᵀ / √d + mask) v, step by step, in place of a kernel that does all at once."""
    names = [argument.name for argument in operation._schema.arguments]
    given = dict(zip(names, args, strict=False)) | kwargs
    query, key, value = (given[name] for name in ("query", "key", "value"))
    scores = query @ key.transpose(-2, -1) * (given.get("scale") or query.shape[-1] ** -0.5)
    mask = given.get("attn_mask", given.get("attn_bias"))
    if given.get("is_causal"):
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=query.device).tril()
        scores = scores.masked_fill(~allowed, -torch.inf)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf) if mask.dtype == torch.bool else scores + mask
    return scores.softmax(-1) @ value, *[None] * (len(operation._schema.returns) - 1)


def _out_of_place(operation: Any) -> Any:
    """The operation of the same name that leaves its arguments alone."""
    name, overload = operation.overloadpacket.__name__, operation._overloadname
    if name == "transpose_":  # the one that is named differently
        return torch.ops.aten.transpose.int
    packet = getattr(torch.ops.aten, name.removesuffix("_"), None)
    if not name.endswith("_") or not hasattr(packet, overload):
        raise InputError(f"The network uses {name}, which writes into a tensor. Write that step out of place.")
    return getattr(packet, overload)


def _differentiable(made: Any) -> bool:
    return isinstance(made, Tensor) and (made.is_floating_point() or made.is_complex())


def _several(result: Any) -> tuple[Any, ...]:
    return tuple(result) if isinstance(result, tuple | list) else (result,)


def plain(message: Tensor) -> Tensor:
    """A message whose order in memory is in no doubt: with an axis of one it can be read in two ways, and torch 2.13
    then derives batch normalisation wrongly, without a word."""
    return message.contiguous() if 1 in message.shape else message


def _memory(tensor: Tensor) -> int:
    """Which piece of memory a tensor looks at."""
    return tensor.untyped_storage()._cdata
