"""A query: one scalar per sample, bound to a subject, that a method may evaluate and differentiate."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from workbench.records import Output
from workbench.subject import Subject, chunked, read
from workbench.switches import plain_kernels
from workbench.tape import Tape, record
from zoo.model import Capability
from zoo.task import Samples


@dataclass(frozen=True, eq=False)
class Query:
    """f_s for each sample s: the scalar `output` of class `classes[s]`, as a function of the sample's input.

    Methods ask for values at any number of changed inputs, and for gradients at any number of points; `rows` always
    says which sample each of them belongs to. Chunking, devices, padding and counting happen here, once.
    """

    subject: Subject
    samples: Samples
    classes: Int[Tensor, "sample"]
    output: Output

    @property
    def inputs(self) -> Shaped[Tensor, "sample ..."]:
        return self.samples.inputs

    @cached_property
    def points(self) -> Float[Tensor, "sample ..."]:
        """The inputs where gradients live (embeddings for text), on the subject's device."""
        return self.subject.points(self.inputs)

    @cached_property
    def groups(self) -> Int[Tensor, "sample ..."]:
        """The task's coarse features of these inputs; -1 marks padding."""
        return self.subject.task.groups(self.inputs)

    @cached_property
    def mask(self) -> Bool[Tensor, "sample token"] | None:
        return self.subject.mask(self.inputs)

    def values(self, inputs: Shaped[Tensor, "row ..."], rows: Int[Tensor, "row"] | None = None) -> Float[Tensor, "row"]:
        """f at each of `inputs`, which are changed copies of the samples `rows` (default: one per sample)."""
        return read(self.subject.logits(inputs), self._classes(rows), self.output).cpu()

    def built_values(
        self, build: Callable[[slice], Shaped[Tensor, "row ..."]], rows: Int[Tensor, "row"]
    ) -> Float[Tensor, "row"]:
        """The same for inputs that are built chunk by chunk by `build(slice of rows)`, so they never all exist."""

        def compute(part: slice) -> Tensor:
            return self.values(build(part), rows[part])

        return chunked(compute, len(rows), self.inputs[0].numel(), self.subject.device) if len(rows) else torch.zeros(0)

    def gradients(
        self, points: Float[Tensor, "row ..."], rows: Int[Tensor, "row"] | None = None
    ) -> Float[Tensor, "row ..."]:
        """∂f/∂point at each of `points`, which belong to the samples `rows` (default: one per sample)."""
        return self.values_and_gradients(points, rows)[1]

    def values_and_gradients(
        self, points: Float[Tensor, "row ..."], rows: Int[Tensor, "row"] | None = None
    ) -> tuple[Float[Tensor, "row"], Float[Tensor, "row ..."]]:
        """f and ∂f/∂point. Rows are independent, so one backward pass through their sum gives every row's gradient."""
        values = []

        def compute(part: slice) -> Tensor:
            leaf = points[part].detach().clone().requires_grad_()
            with torch.enable_grad(), self._differentiable():
                value = self._read_at(leaf, part, rows)
                (gradient,) = torch.autograd.grad(value.sum(), leaf)
            values.append(value.detach())
            self.subject.meter.add(forward=len(leaf), backward=len(leaf))
            return gradient

        gradients = chunked(compute, len(points), points[0].numel(), self.subject.device)
        return torch.cat(values), gradients

    def values_at(
        self, points: Float[Tensor, "row ..."], rows: Int[Tensor, "row"] | None = None
    ) -> Float[Tensor, "row"]:
        """f at points, without a gradient."""

        def compute(part: slice) -> Tensor:
            with torch.no_grad():
                value = self._read_at(points[part], part, rows)
            self.subject.meter.add(forward=len(value))
            return value

        return chunked(compute, len(points), points[0].numel(), self.subject.device)

    def recorded(self, points: Float[Tensor, "row ..."], rows: Int[Tensor, "row"] | None = None) -> Tape:
        """The tape of f at points: every operation on the way with its values, so let them be few at a time."""
        part = slice(None)
        with plain_kernels(recurrent=self._recurrent, onednn=self._recurrent):
            tape = record(lambda at: self._read_at(at, part, rows), points)
        self.subject.meter.add(forward=len(points))
        return tape

    def recorded_logits(self, points: Float[Tensor, "row ..."], rows: Int[Tensor, "row"] | None = None) -> Tape:
        """The tape of all logits at points."""
        mask = self.mask if self.mask is None or rows is None else self.mask[rows]
        with plain_kernels(recurrent=self._recurrent, onednn=self._recurrent):
            tape = record(lambda at: self.subject.logits_at(at, mask), points)
        self.subject.meter.add(forward=len(points))
        return tape

    def doubled(self) -> Self:
        """The same question in float64, on a copy of the network."""
        subject = self.subject
        exact = replace(subject, model=subject.editable().double(), digest="", meter=subject.meter)
        return replace(self, subject=exact)

    @cached_property
    def _recurrent(self) -> bool:
        """Whether there are layers that torch fuses into one operation over all steps."""
        return any(isinstance(module, nn.RNNBase) for module in self.subject.network.modules())

    def _read_at(self, points: Tensor, part: slice, rows: Int[Tensor, "row"] | None) -> Float[Tensor, "part"]:
        where = part if rows is None else rows[part]
        mask = None if self.mask is None else self.mask[where]
        return read(self.subject.logits_at(points, mask), self.classes[where], self.output)

    def _classes(self, rows: Int[Tensor, "row"] | None) -> Int[Tensor, "row"]:
        return self.classes if rows is None else self.classes[rows]

    @contextlib.contextmanager
    def _differentiable(self) -> Iterator[None]:
        """cuDNN refuses a backward pass through a recurrent network in evaluation mode: do without it there."""
        recurrent = Capability.RECURRENT in self.subject.capabilities and self.subject.device.type == "cuda"
        with plain_kernels(recurrent=recurrent):
            yield
