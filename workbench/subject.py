"""The subject of an explanation: a model bound to a task. The only door to a network."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

import zoo
from workbench.records import Output, Target
from workbench.soundness import check_logits, check_samples, is_out_of_memory, probe
from workbench.weights import full_copy, shared_copy, state_digest, versions
from zoo.errors import InputError
from zoo.model import Capability, Network, TraditionalModel, capabilities
from zoo.task import Samples, Task

CHUNK = {"cpu": (512, 2**18), "cuda": (8192, 2**25)}
"""Rows and input elements sent through a network at once. On a CPU the activations of a small network then stay in the
caches (measured: 32 × 32 images are fastest at 64 to 128 rows, sentences at 64 to 256; 1,024 take twice as long)."""
COLUMNS, NARROW = 32, 2**16
"""So many columns are few: what a call costs beside its arithmetic is most of it, so a CPU takes rows up to this many
elements (measured: 20 columns are a quarter faster at 1,600 rows than at 512, and a sixth at 3,200 than at 1,600)."""
TOKEN = 64
"""What a token id counts for in that, since its embedding is what goes through the network."""


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


class _Digest:
    """What identifies a subject's weights: what was given, as long as nobody changed them since, else the sha256 of
    the network's state, computed when it is first asked for."""

    def __get__(self, subject: "Subject | None", kind: type | None = None) -> str:
        if subject is None:
            return ""
        known = vars(subject)["_known"]
        if not isinstance(subject.model, nn.Module):
            return known[0]
        now = versions(subject.model)
        if not known[0] or known[1] not in (None, now):
            known = state_digest(subject.model), now
        vars(subject)["_known"] = known[0], now
        return known[0]

    def __set__(self, subject: "Subject", given: str) -> None:
        vars(subject)["_known"] = given, None


@dataclass(frozen=True, eq=False)
class Subject:
    """A model that answers questions about a task: `Subject(model, task)`, or `workbench.load(NAME)` from the zoo.

    A network is held as a copy that shares its parameters, in evaluation mode, without the hooks of the module that was
    passed in, which is neither changed nor hooked: two sessions that explain one model cannot disturb each other.
    `digest` identifies the weights in records and cache keys: the sha256 of the file they came from or, where none was
    given or they were changed since, of names, shapes and bytes of the network's state.
    Inputs enter with the precision of the weights; logits are float32, or float64 where the weights are.
    """

    model: nn.Module | TraditionalModel
    task: Task
    name: str = "custom"
    digest: str = _Digest()  # type: ignore[assignment]
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    meter: Meter = field(default_factory=Meter)

    def __post_init__(self) -> None:
        if isinstance(self.model, nn.Module):
            copied = full_copy(self.model) if _is_elsewhere(self.model, self.device) else shared_copy(self.model)
            object.__setattr__(self, "model", copied.to(self.device).eval())
            vars(self)["_known"] = vars(self)["_known"][0], versions(copied)

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

    def with_model(self, model: nn.Module | TraditionalModel) -> Self:
        """The same subject around another model (other weights, say)."""
        return replace(self, model=model, digest="", meter=Meter())

    def private(self) -> Self:
        """The same subject around a copy of its network that is nobody else's; parameters and meter are shared."""
        return replace(self, model=self.network, digest="")

    def behind(self, rest: Network) -> Self:
        """The same subject as seen from behind the first layers of its network; the meter is shared."""
        view = copy.copy(self)
        object.__setattr__(view, "model", rest)
        return view

    def metered(self, watch: Callable[[Meter], None] | None = None) -> Self:
        """The same subject with a meter of its own: a call's passes are counted for it alone."""
        view = copy.copy(self)
        object.__setattr__(view, "meter", Meter(watch=watch or self.meter.watch))
        return view

    def logits(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample class"]:
        """Logits of any number of inputs, in chunks that fit memory, without a gradient."""
        if not len(inputs):
            raise InputError(f"No samples were given. Give at least one of {self.task.name}.")
        self._probe(inputs)

        def forward(rows: slice) -> Tensor:
            if isinstance(self.model, TraditionalModel):
                logits = self.model.logits(inputs[rows])
            else:
                with torch.no_grad():
                    logits = self.model(self.entering(inputs[rows]))
            check_logits(logits, len(inputs[rows]), self.task)
            self.meter.add(forward=len(logits))
            return _exact(logits)

        width = TOKEN if self.embeds else 1
        return chunked(forward, len(inputs), width * inputs[0].numel(), self.device)

    def entering(self, inputs: Shaped[Tensor, "sample ..."]) -> Shaped[Tensor, "sample ..."]:
        """Inputs as the network takes them. Foreign modules may count on the order of the axes in memory, and write
        into what they are given: they get a copy."""
        precision = self._precision if inputs.is_floating_point() else None
        placed = inputs.to(self.device, precision or inputs.dtype)
        if isinstance(self.model, Network):
            return arranged(placed)
        return placed.clone() if placed is inputs else placed

    def points(self, inputs: Shaped[Tensor, "sample ..."]) -> Float[Tensor, "sample ..."]:
        """Where gradients live: the inputs themselves, or the embeddings of token ids."""
        if self.embeds:
            with torch.no_grad():
                return _exact(self.network.embed(inputs.to(self.device)))  # type: ignore[operator]
        exact = torch.float64 if self._precision == torch.float64 else torch.float32
        return (
            inputs.to(self.device, exact) if self._precision and inputs.is_floating_point() else inputs.to(self.device)
        )

    def logits_at(
        self, points: Float[Tensor, "sample ..."], mask: Bool[Tensor, "sample token"] | None
    ) -> Float[Tensor, "sample class"]:
        """Logits from points, with a graph for differentiation; `mask` tells tokens from padding."""
        points = self.entering(points)
        return _exact(self.network(points) if mask is None else self.network.from_embedding(points, mask))  # type: ignore[operator]

    def mask(self, inputs: Shaped[Tensor, "sample ..."]) -> Bool[Tensor, "sample token"] | None:
        """True where there is a token; None where inputs are not tokens that are embedded."""
        return inputs.to(self.device) != getattr(self.model, "padding", 0) if self.embeds else None

    def check(self, samples: Samples) -> None:
        """Raise `InputError` where the samples are not what the task is made of, or the network cannot read them."""
        check_samples(samples, self.task)
        self._probe(samples.inputs)

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

    @cached_property
    def _precision(self) -> torch.dtype | None:
        """That of the network's first parameter with a fraction; None where there is none, and inputs stay as is."""
        if not isinstance(self.model, nn.Module):
            return None
        return next((p.dtype for p in self.model.parameters() if p.is_floating_point()), None)

    def _probe(self, inputs: Shaped[Tensor, "sample ..."]) -> None:
        """Ask a network once whether it reads such inputs and returns logits; later calls cost nothing."""
        if isinstance(self.model, nn.Module) and "_probed" not in vars(self):
            probe(self.model, self.entering(inputs[:1]), self.task)
            vars(self)["_probed"] = True


def load(name: str, device: str = "auto") -> Subject:
    """A model of the zoo as a subject of its own, its weights checked against its card."""
    loaded = zoo.load(name)
    where = zoo.device(device) if isinstance(loaded.model, nn.Module) else torch.device("cpu")
    model = full_copy(loaded.model) if isinstance(loaded.model, nn.Module) else loaded.model
    return Subject(model, loaded.task, name=name, digest=loaded.digest, device=where)


def read(
    logits: Float[Tensor, "sample class"], classes: Int[Tensor, "sample"], output: Output
) -> Float[Tensor, "sample"]:
    """The explained scalar f of each row: the class's logit, (log-)probability, or margin to the best other class.

    Where the model answers with a number there is one output, and whichever is asked for, f is that number.
    """
    if logits.shape[1] == 1:
        return logits[:, 0]
    index = classes.to(logits.device)[:, None]
    if output is Output.LOG_PROBABILITY:
        logits = logits.log_softmax(-1)
    elif output is Output.PROBABILITY:
        logits = logits.softmax(-1)
    chosen = logits.gather(1, index)[:, 0]
    if output is Output.MARGIN:
        return chosen - logits.scatter(1, index, -torch.inf).amax(-1)
    return chosen


def arranged(inputs: Shaped[Tensor, "sample ..."]) -> Shaped[Tensor, "sample ..."]:
    """Images with their channels last in memory, as convolutions like them best: 1.6 times faster on a CPU.

    But a backward pass in that order gains nothing from a second CPU thread (measured: 1.0 against 1.6 times), so
    where gradients will be taken by several threads the order stays as it is.
    """
    several = inputs.device.type == "cpu" and torch.get_num_threads() > 1
    if inputs.ndim != 4 or (several and torch.is_grad_enabled()):
        return inputs
    return inputs.contiguous(memory_format=torch.channels_last)


def chunked(
    compute: Callable[[slice], Tensor], count: int, elements: int, device: torch.device = torch.device("cpu")
) -> Tensor:
    """`compute` over rows 0…count in chunks, concatenated; a chunk that does not fit in memory is halved."""
    size, parts, start = rows_at_once(elements, device), [], 0
    while start < count:
        try:
            parts.append(compute(slice(start, min(start + size, count))))
            start += size
        except (RuntimeError, MemoryError) as error:
            if size == 1 or not is_out_of_memory(error):
                raise
            torch.cuda.empty_cache()
            size //= 2
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def rows_at_once(elements: int, device: torch.device) -> int:
    """Rows of so many elements that are best sent through a network together."""
    most_rows, most_elements = CHUNK.get(device.type, CHUNK["cpu"])
    if device.type == "cpu" and elements <= COLUMNS:
        most_rows = max(most_rows, NARROW // max(1, elements))
    return max(1, min(most_rows, most_elements // max(1, elements)))


def to_numpy(values: Tensor) -> np.ndarray:
    """A tensor as an array of its own, off the device and out of the graph."""
    values = values.detach().cpu()
    return (values.float() if values.dtype == torch.bfloat16 else values).numpy().copy()


def _exact(values: Tensor) -> Tensor:
    """The same in float32, unless in float64: what is computed from them needs more than half precision."""
    return values if values.dtype == torch.float64 else values.float()


def _is_elsewhere(module: nn.Module, device: torch.device) -> bool:
    return any(tensor.device.type != device.type for tensor in [*module.parameters(), *module.buffers()])
