"""Rewritten models: the same function written otherwise, or a function made of a model's own, as subjects."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from workbench.chance import generator
from workbench.subject import Meter, Subject
from zoo.model import Capability, TraditionalModel, capabilities
from zoo.task import Samples, Task

KEPT = frozenset({Capability.GRADIENT, Capability.EMBEDDING, Capability.RECURRENT})
"""What a function around a network still offers; what lies inside of it (attention, feature maps) it does not."""
MIXED = (nn.Linear, nn.Conv1d, nn.Conv2d)


class AbstractAround(nn.Module, ABC):
    """A function of networks that read the same points: inputs or, of token ids, the first one's embeddings."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.capabilities = capabilities(network) & KEPT
        self.padding = getattr(network, "padding", 0)

    @abstractmethod
    def around(self, answer: Callable[[nn.Module, Tensor], Tensor], points: Tensor) -> Tensor:
        """Logits at points, where `answer(network, points)` are those of a network."""

    def forward(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        """Logits of inputs."""
        if Capability.EMBEDDING in self.capabilities:
            return self.from_embedding(self.embed(inputs), inputs != self.padding)
        return self.around(lambda network, points: network(points), inputs)

    def embed(self, inputs: Int[Tensor, "sample token"]) -> Float[Tensor, "sample token hidden"]:
        """The points of token ids."""
        return self.network.embed(inputs)  # type: ignore[operator]

    def from_embedding(
        self, embedded: Float[Tensor, "sample token hidden"], mask: Bool[Tensor, "sample token"]
    ) -> Float[Tensor, "sample class"]:
        """Logits from embeddings."""
        return self.around(lambda network, points: network.from_embedding(points, mask), embedded)  # type: ignore[operator]


class Shifted(AbstractAround):
    """f(x - s): at x + s what f says at x, as if the first biases had absorbed the shift."""

    shift: Tensor

    def __init__(self, network: nn.Module, shift: Tensor) -> None:
        super().__init__(network)
        self.register_buffer("shift", shift)

    def embed(self, inputs: Int[Tensor, "sample token"]) -> Float[Tensor, "sample token hidden"]:
        """The embeddings, shifted."""
        return super().embed(inputs) + self.shift

    def around(self, answer: Callable[[nn.Module, Tensor], Tensor], points: Tensor) -> Tensor:
        return answer(self.network, points - self.shift)


class Mirrored(AbstractAround):
    """(f(x) + f(mirrored x)) / 2, in which each feature is interchangeable with its mirror image."""

    def __init__(self, network: nn.Module, axis: int) -> None:
        super().__init__(network)
        self.axis = axis

    def around(self, answer: Callable[[nn.Module, Tensor], Tensor], points: Tensor) -> Tensor:
        return (answer(self.network, points) + answer(self.network, points.flip(self.axis))) / 2


class Combined(AbstractAround):
    """α f + β g of two networks of the same points; one that has no part in it is not asked."""

    def __init__(self, network: nn.Module, other: nn.Module, alpha: float, beta: float) -> None:
        super().__init__(network)
        self.other, self.alpha, self.beta = other, alpha, beta

    def around(self, answer: Callable[[nn.Module, Tensor], Tensor], points: Tensor) -> Tensor:
        parts = ((self.alpha, self.network), (self.beta, self.other))
        terms = [scale * answer(network, points) for scale, network in parts if scale]
        return terms[0] + terms[1] if len(terms) > 1 else terms[0]


class Function(TraditionalModel):
    """A function of a traditional model's logits, which needs no fitting."""

    name = "function"

    def __init__(self, model: TraditionalModel, answer: Callable[[Tensor], Tensor]) -> None:
        self.model, self.answer = model, answer

    def fit(self, samples: Samples, task: Task, seed: int) -> None:
        """Fit what it is a function of."""
        self.model.fit(samples, task, seed)

    def logits(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        return self.answer(inputs)

    def parameters(self) -> int:
        return self.model.parameters()


def shifted(subject: Subject, shift: Float[Tensor, "..."]) -> Subject:
    """f(x - shift)."""
    model = subject.model
    if isinstance(model, TraditionalModel):
        return _around(subject, Function(model, lambda inputs: model.logits(inputs - shift)))
    return _around(subject, Shifted(model, shift.to(subject.device)))


def mirrored(subject: Subject, axis: int) -> Subject:
    """The mean of f and of f of the input mirrored along an axis."""
    model = subject.model
    if isinstance(model, TraditionalModel):
        return _around(subject, Function(model, lambda x: (model.logits(x) + model.logits(x.flip(axis))) / 2))
    return _around(subject, Mirrored(model, axis))


def combined(subject: Subject, other: nn.Module, alpha: float, beta: float) -> Subject:
    """α f + β g, where g is another network of the same points."""
    return _around(subject, Combined(subject.network, other, alpha, beta))


def layered(subject: Subject, seed: int) -> Subject | None:
    """The same function with each linear or convolutional layer written as two: W x + b = Qᵀ (Q W x + Q b), Q a random
    rotation of the layer's outputs. None where no layer can be written so."""
    network, chance, found = subject.editable(), generator(seed, "rotations"), 0
    for parent in list(network.modules()):
        ours = not type(parent).__module__.startswith("torch.nn.") or isinstance(parent, nn.Sequential | nn.ModuleList)
        for name, child in list(parent.named_children()) if ours else ():
            if type(child) in MIXED and getattr(child, "groups", 1) == 1 and "weight" in dict(child.named_parameters()):
                setattr(parent, name, _as_two(child, chance))
                found += 1
    return _around(subject, network) if found else None


def _as_two(layer: nn.Module, chance: torch.Generator) -> nn.Sequential:
    """A layer as one that rotates its outputs and one that rotates them back."""
    weights = dict(layer.named_parameters(recurse=False))
    weight, kind = weights["weight"].detach(), type(layer)
    size = len(weight)
    rotation = torch.linalg.qr(torch.randn(size, size, generator=chance, dtype=torch.float64)).Q.to(weight.device)
    first = copy.deepcopy(layer)
    shape = (size, size) if kind is nn.Linear else (size, size, 1)
    second = nn.utils.skip_init(kind, *shape, bias=False, dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        for name, parameter in first.named_parameters(recurse=False):  # the bias is turned like the weight
            turned = rotation @ weights[name].detach().double().flatten(1 if name == "weight" else 0)
            parameter.copy_(turned.view(parameter.shape))
        second.weight.copy_(rotation.T.reshape(second.weight.shape))
    return nn.Sequential(first, second)


def _around(subject: Subject, model: nn.Module | TraditionalModel) -> Subject:
    return replace(subject, model=model, digest="", meter=Meter(watch=subject.meter.watch))
