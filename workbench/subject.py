"""The subject of an explanation: a model bound to a task. The only door to a network."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

import zoo
from workbench.records import Output, Target
from zoo.errors import InputError
from zoo.model import Capability, TraditionalModel, capabilities
from zoo.task import Kind, Samples, Task

CHUNK = {"cpu": (128, 2**18), "cuda": (8192, 2**25)}
"""Rows and input elements sent through a network at once. On a CPU the activations of a small network then stay in the
caches (measured: 32 × 32 images are fastest at 64 to 128 rows, sentences at 64 to 256; 1,024 take twice as long)."""


@dataclass(eq=False)
class Meter:
    """Counts the passes of one call, one per sample and pass, and tells whoever watches after each chunk."""

    forward: int = 0
    backward: int = 0
    watch: Callable[["Meter"], None] | None = None

    def add(self, forward: int, backward: int = 0) -> None:
        self.forward += forward
        self.backward += backward
        if self.watch is not None:
            self.watch(self)


@dataclass(frozen=True, eq=False)
class Subject:
    """A model that answers questions about a task: `Subject(model, task)`, or `workbench.load(NAME)` from the zoo.

    A network is held as a copy that shares its weights, in evaluation mode, so that the module that was passed in is
    neither changed nor hooked, and two sessions that explain one model cannot disturb each other.
    `digest` identifies the weights (sha256 of the file they came from) in records and cache keys.
    """

    model: nn.Module | TraditionalModel
    task: Task
    name: str = "custom"
    digest: str = ""
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    meter: Meter = field(default_factory=Meter)

    def __post_init__(self) -> None:
        if isinstance(self.model, nn.Module):
            copied = full_copy(self.model) if _is_elsewhere(self.model, self.device) else shared_copy(self.model)
            object.__setattr__(self, "model", copied.to(self.device).eval())

    @property
    def capabilities(self) -> frozenset[Capability]:
        return capabilities(self.model)

    @property
    def embeds(self) -> bool:
        """Whether inputs are token ids that enter through an embedding, where gradients live."""
        return Capability.EMBEDDING in self.capabilities

    @property
    def network(self) -> nn.Module:
        """The module itself; raises `InputError` for a traditional model."""
        if not isinstance(self.model, nn.Module):
            raise InputError(
                f"{self.name} is a traditional model and has no weights to differentiate. Choose a network."
            )
        return self.model

    def editable(self) -> nn.Module:
        """A full copy of the network whose weights may be changed."""
        return full_copy(self.network)

    def with_model(self, model: nn.Module) -> Self:
        """The same subject around another module (other weights, say)."""
        return replace(self, model=model, meter=Meter())

    def metered(self, watch: Callable[[Meter], None] | None = None) -> Self:
        """The same subject with a meter of its own: a call's passes are counted for it alone."""
        view = copy.copy(self)
        object.__setattr__(view, "meter", Meter(watch=watch or self.meter.watch))
        return view

    def logits(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        """Logits of any number of inputs, in chunks that fit memory, without a gradient."""

        def forward(rows: slice) -> Tensor:
            if isinstance(self.model, TraditionalModel):
                logits = self.model.logits(inputs[rows])
            else:
                with torch.no_grad():
                    logits = self.model(arranged(inputs[rows].to(self.device)))
            self.meter.add(forward=len(logits))
            return logits

        return chunked(forward, len(inputs), inputs[0].numel(), self.device)

    def points(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample ..."]:
        """Where gradients live: the inputs themselves, or the embeddings of token ids."""
        if self.embeds:
            with torch.no_grad():
                return self.network.embed(inputs.to(self.device))  # type: ignore[operator]
        return inputs.to(self.device)

    def logits_at(
        self, points: Float[Tensor, "sample ..."], mask: Bool[Tensor, "sample token"] | None
    ) -> Float[Tensor, "sample class"]:
        """Logits from points, with a graph for differentiation; `mask` tells tokens from padding."""
        if mask is None:
            return self.network(arranged(points))
        return self.network.from_embedding(points, mask)  # type: ignore[operator]

    def mask(self, inputs: Shaped[Tensor, "sample ..."]) -> Bool[Tensor, "sample token"] | None:
        """True where there is a token; None where inputs are not tokens that are embedded."""
        return inputs.to(self.device) != getattr(self.model, "padding", 0) if self.embeds else None

    def check(self, samples: Samples) -> None:
        """Raise `InputError` where the samples are not what the task is made of: shape, type, finite values."""
        inputs, task = samples.inputs, self.task
        if not len(samples):
            raise InputError(f"No samples were given. Give at least one of {task.name}, for example {task.scored}:0.")
        if task.kind is Kind.TEXT:
            if inputs.ndim != 2 or inputs.is_floating_point() or (inputs < 0).any():
                raise InputError(
                    f"{task.name} takes token ids (whole numbers, sample × token), not {inputs.dtype} of shape "
                    f"{tuple(inputs.shape)}. Make them with the task's encode([text])."
                )
            return
        wanted = tuple(task.samples(task.scored).inputs.shape[1:])
        axes = " × ".join(task.axes)
        if tuple(inputs.shape[1:]) != wanted:
            raise InputError(
                f"{task.name} takes inputs of {axes} = {' × '.join(map(str, wanted))}, not "
                f"{' × '.join(map(str, inputs.shape[1:]))}. Resize them to that."
            )
        if not inputs.is_floating_point():
            raise InputError(f"{task.name} takes numbers like 0.5 (float32), not {inputs.dtype}. Use inputs.float().")
        if not inputs.isfinite().all():
            raise InputError("Some inputs are not finite (NaN or infinity). Leave those samples out or fill the gaps.")

    def explained_classes(self, samples: Samples, target: Target) -> Int[Tensor, "sample"]:
        """The class index that a target means for each sample."""
        if target.of == "predicted":
            return self.logits(samples.inputs).argmax(-1).cpu()
        if target.of == "label":
            if (samples.labels < 0).any():
                raise InputError("These samples have no label to explain. Use the target 'predicted' or a class index.")
            return samples.labels
        count = len(self.task.classes)
        if not isinstance(target.of, int) or not 0 <= target.of < count:
            raise InputError(
                f"Target {target.of!r} is not a class of {self.task.name}. Use 'predicted', 'label' or an index from "
                f"0 ({self.task.classes[0]}) to {count - 1} ({self.task.classes[-1]})."
            )
        return torch.full((len(samples),), target.of)


def load(name: str, device: str = "auto") -> Subject:
    """A model of the zoo as a subject, its weights checked against its card."""
    loaded = zoo.load(name)
    where = zoo.device(device) if isinstance(loaded.model, nn.Module) else torch.device("cpu")
    return Subject(loaded.model, loaded.task, name=name, digest=loaded.digest, device=where)


def read(
    logits: Float[Tensor, "sample class"], classes: Int[Tensor, "sample"], output: Output
) -> Float[Tensor, "sample"]:
    """The explained scalar f of each row: the class's logit, (log-)probability, or margin to the best other class."""
    index = classes.to(logits.device)[:, None]
    if output is Output.LOG_PROBABILITY:
        logits = logits.log_softmax(-1)
    elif output is Output.PROBABILITY:
        logits = logits.softmax(-1)
    chosen = logits.gather(1, index)[:, 0]
    if output is Output.MARGIN:
        return chosen - logits.scatter(1, index, -torch.inf).amax(-1)
    return chosen


def shared_copy(module: nn.Module) -> nn.Module:
    """A copy with its own modules and hooks that shares parameters and buffers with the original."""
    shared = {id(tensor): tensor for tensor in [*module.parameters(), *module.buffers()]}
    return copy.deepcopy(module, shared)


def full_copy(module: nn.Module) -> nn.Module:
    """A copy that shares nothing."""
    return copy.deepcopy(module)


def arranged(inputs: Shaped[Tensor, "sample ..."]) -> Shaped[Tensor, "sample ..."]:
    """Images with their channels last in memory, as convolutions like them best: 1.6 times faster on a CPU."""
    return inputs.contiguous(memory_format=torch.channels_last) if inputs.ndim == 4 else inputs


def chunked(
    compute: Callable[[slice], Tensor], count: int, elements: int, device: torch.device = torch.device("cpu")
) -> Tensor:
    """`compute` over rows 0…count in chunks, concatenated; a chunk that does not fit in memory is halved."""
    most_rows, most_elements = CHUNK.get(device.type, CHUNK["cpu"])
    size = max(1, min(most_rows, most_elements // max(1, elements)))
    parts, start = [], 0
    while start < count:
        try:
            parts.append(compute(slice(start, min(start + size, count))))
            start += size
        except torch.OutOfMemoryError:
            if size == 1:
                raise
            torch.cuda.empty_cache()
            size //= 2
    return torch.cat(parts)


def to_numpy(values: Tensor) -> np.ndarray:
    """A tensor as an array of its own, off the device and out of the graph."""
    return values.detach().cpu().numpy().copy()


def _is_elsewhere(module: nn.Module, device: torch.device) -> bool:
    return any(tensor.device.type != device.type for tensor in [*module.parameters(), *module.buffers()])
