"""What a model is made of."""

from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_flop_count

from workbench.analysis import AbstractAnalysis
from workbench.records import Column, Table
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class Architecture(AbstractAnalysis):
    """The layers of a network with the shape of what they return, their parameters and their multiplications; of a
    traditional model, the steps of its pipeline.

    Multiply-accumulates are counted on one sample while it runs, in matrix products, convolutions and attention, and
    belong to the innermost layer that performs them. Parameters that layers share are counted at the first.

    When it misleads: multiply-accumulates are not seconds: memory traffic, elementwise work and small sizes are left
    out. For text they are those of the first sample's length.
    Reference: [sze2017efficient]
    """

    name = "architecture"
    title = "Architecture"

    def run(self, subject: Subject, samples: Samples) -> Table:
        if isinstance(subject.model, TraditionalModel):
            return self._pipeline(subject, subject.model, samples)
        if not len(samples):
            raise InputError("One sample is needed to run the network on. Choose one, for example test:0.")
        self._require(subject, samples)
        rows = _layers(subject, samples.inputs[:1])
        parameters, products = (sum(int(row[place] or 0) for row in rows) for place in (3, 4))
        return Table(
            title=f"{subject.name}: {parameters:,} parameters, {products:,} multiply-accumulates per sample",
            provenance=self.origin(subject, samples.take([0])),
            columns=(
                Column(title="Layer"),
                Column(title="Kind"),
                Column(title="Output", unit="per sample"),
                Column(title="Parameters", digits=0),
                Column(title="Multiply-accumulates", unit="per sample", digits=0),
            ),
            rows=tuple(rows),
            note="Multiply-accumulates in matrix products, convolutions and attention; elementwise work is left out.",
        )

    def _pipeline(self, subject: Subject, model: TraditionalModel, samples: Samples) -> Table:
        return Table(
            title=f"{subject.name}: {model.parameters():,} fitted numbers",
            provenance=self.origin(subject, samples.take([])),
            columns=(Column(title="Step"), Column(title="Kind"), Column(title="Settings that are not the default")),
            rows=tuple(_steps(model)),
            note="A traditional model: a scikit-learn pipeline, refitted from its recipe.",
        )


@dataclass(eq=False)
class _Trace:
    """What ran: a stack of the layers that are running, the output shape of each, and the products in each."""

    running: list[str] = field(default_factory=lambda: [""])
    shapes: dict[str, str] = field(default_factory=dict)
    products: dict[str, int] = field(default_factory=dict)

    def watch(self, name: str, module: nn.Module) -> None:
        module.register_forward_pre_hook(lambda *_: self.running.append(name))
        module.register_forward_hook(lambda _module, _given, output: self._leave(output))

    def _leave(self, output: Any) -> None:
        tensor = output
        while isinstance(tensor, tuple):
            tensor = tensor[0]
        name = self.running.pop()
        if isinstance(tensor, Tensor):
            self.shapes[name] = " × ".join(str(size) for size in tensor.shape[1:])


class _Products(TorchDispatchMode):
    """Counts multiply-accumulates of the operations that torch's registry knows, and two of the CPU."""

    def __init__(self, trace: _Trace) -> None:
        super().__init__()
        self.trace = trace

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        name = self.trace.running[-1]
        count = _count(func, args, kwargs or {}, output)
        self.trace.products[name] = self.trace.products.get(name, 0) + count
        return output


def _count(func: Any, args: Any, kwargs: Any, output: Any) -> int:
    packet = func._overloadpacket
    if packet in flop_registry:
        return flop_registry[packet](*args, **kwargs, out_val=output) // 2
    aten = torch.ops.aten
    if packet is aten._scaled_dot_product_flash_attention_for_cpu:
        return sdpa_flop_count(*(tensor.shape for tensor in args[:3])) // 2
    if packet is aten.mkldnn_rnn_layer:  # every row of the input meets both weight matrices
        rows = args[0].numel() // args[0].shape[-1]
        return rows * (args[1].numel() + args[2].numel())
    return 0


def _layers(subject: Subject, inputs: Shaped[Tensor, "sample ..."]) -> list[tuple[str | float | int | None, ...]]:
    copied = (
        subject.editable().cpu().requires_grad_(True)
    )  # on the CPU, with a gradient, torch fuses no layers into one
    trace = _Trace()
    for name, module in copied.named_modules():
        if name:
            trace.watch(name, module)
    with torch.enable_grad(), _Products(trace):
        logits = copied(inputs)
    subject.meter.add(forward=1)
    trace.shapes[""] = " × ".join(str(size) for size in logits.shape[1:])
    rows: list[tuple[str | float | int | None, ...]] = []
    counted: set[int] = set()
    for name, module in copied.named_modules():
        own = {id(p): p.numel() for p in module.parameters(recurse=False) if id(p) not in counted}
        counted |= own.keys()
        products = trace.products.get(name, 0)
        if own or products or not any(module.children()):
            shape = trace.shapes.get(name, "not called")
            rows.append((name or "(the network itself)", type(module).__name__, shape, sum(own.values()), products))
    return rows


def _steps(model: TraditionalModel) -> list[tuple[str, str, str]]:
    """The estimators that a traditional model holds, pipelines taken apart."""
    from sklearn.base import BaseEstimator
    from sklearn.pipeline import Pipeline

    found: list[tuple[str, str, str]] = []
    for attribute, value in vars(model).items():
        if not isinstance(value, BaseEstimator):
            continue
        steps = value.steps if isinstance(value, Pipeline) else [(attribute, value)]
        found += [(name, type(step).__name__, " ".join(repr(step).split())) for name, step in steps]
    return found
