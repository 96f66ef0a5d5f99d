"""A query: one scalar per sample, bound to a subject, that a method may evaluate and differentiate."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor, nn

from workbench.activations import Tap
from workbench.forwards import Forwards
from workbench.records import Output
from workbench.subject import Subject, chunked, read
from workbench.switches import plain_kernels
from workbench.tape import Tape, record
from zoo.model import Capability, TokenNetwork
from zoo.task import Samples

ALIKE = 8
"""Columns by which sentences that go through a network together may differ: what is padding in all is left out."""


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
    forwards: Forwards | None = None
    """Forward passes shared with the queries of other classes; their graphs are kept, so they need memory."""

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
        kept, ask = self._kept, self.subject.logits
        logits = ask(inputs) if kept is None else kept.logits(inputs, ask)
        return read(logits, self._classes(rows), self.output).cpu()

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
        if (widths := self.widths(points, rows)) is None:
            return self._values_and_gradients(points, rows)
        values, gradients = points.new_zeros(len(points)), torch.zeros_like(points)
        for chosen, width in widths:
            part, at = chosen.to(points.device), points[chosen.to(points.device), :width]
            values[part], gradients[part, :width] = self._values_and_gradients(
                at, chosen if rows is None else rows[chosen]
            )
        return values, gradients

    def _values_and_gradients(
        self, points: Float[Tensor, "row ..."], rows: Int[Tensor, "row"] | None
    ) -> tuple[Float[Tensor, "row"], Float[Tensor, "row ..."]]:
        values = []

        def compute(part: slice) -> Tensor:
            where = part if rows is None else rows[part]
            with torch.enable_grad(), self._differentiable():
                leaf, logits = self._forward(points[part], where)
                value = read(logits, self.classes[where], self.output)
                (gradient,) = torch.autograd.grad(value.sum(), leaf, retain_graph=self._kept is not None)
            values.append(value.detach())
            self.subject.meter.add(forward=0, backward=len(leaf))
            return gradient

        gradients = chunked(compute, len(points), self.size(points), self.subject.device)
        return torch.cat(values), gradients

    def values_at(
        self, points: Float[Tensor, "row ..."], rows: Int[Tensor, "row"] | None = None
    ) -> Float[Tensor, "row"]:
        """f at points, without a gradient."""
        if (widths := self.widths(points, rows)) is None:
            return self._values_at(points, rows)
        values = points.new_zeros(len(points))
        for chosen, width in widths:
            part, at = chosen.to(points.device), points[chosen.to(points.device), :width]
            values[part] = self._values_at(at, chosen if rows is None else rows[chosen])
        return values

    def _values_at(self, points: Float[Tensor, "row ..."], rows: Int[Tensor, "row"] | None) -> Float[Tensor, "row"]:
        def compute(part: slice) -> Tensor:
            with torch.no_grad():
                value = self._read_at(points[part], part, rows)
            self.subject.meter.add(forward=len(value))
            return value

        return chunked(compute, len(points), self.size(points), self.subject.device)

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

    def activations(self, layer: str) -> Float[Tensor, "sample ..."]:
        """What a layer gives for each sample, on the subject's device; of a layer called several times, the last."""

        def compute(part: slice) -> Tensor:
            with torch.no_grad():
                return view._tapped_at(tap, part)[0]

        with self._tapped(layer) as (view, tap):
            return chunked(compute, len(self.points), self.points[0].numel(), self.subject.device)

    def activations_and_gradients(self, layer: str) -> tuple[Float[Tensor, "sample ..."], Float[Tensor, "sample ..."]]:
        """The same and ∂f/∂activation, which is zero where f does not depend on it."""
        kept: list[Tensor] = []

        def compute(part: slice) -> Tensor:
            with torch.enable_grad(), self._differentiable():
                activation, value = view._tapped_at(tap, part)
                gradient = torch.zeros_like(activation)
                if value.requires_grad:
                    (gradient,) = torch.autograd.grad(value.sum(), activation, materialize_grads=True)
            kept.append(activation.detach())
            self.subject.meter.add(forward=0, backward=len(value))
            return gradient

        with self._tapped(layer) as (view, tap):
            gradients = chunked(compute, len(self.points), self.points[0].numel(), self.subject.device)
        return torch.cat(kept), gradients

    def values_with(
        self, layer: str, build: Callable[[slice], Float[Tensor, "row ..."]], rows: Int[Tensor, "row"]
    ) -> Float[Tensor, "row"]:
        """f of the samples `rows` where a layer gives `build(slice of rows)` on in place of its own output."""

        def compute(part: slice) -> Tensor:
            tap.start(given=build(part), call=calls)
            with torch.no_grad():
                value = view._read_at(self.points[rows[part]], part, rows)
            tap.check_given()
            self.subject.meter.add(forward=len(value))
            return value.cpu()

        if not len(rows):
            return torch.zeros(0)
        with self._tapped(layer) as (view, tap):
            with torch.no_grad():
                view._tapped_at(tap, slice(0, 1))
            calls = tap.calls
            return chunked(compute, len(rows), self.points[0].numel(), self.subject.device)

    def layers(self, kinds: tuple[type[nn.Module], ...]) -> list[tuple[str, tuple[int, ...]]]:
        """Name and shape of the output of each module of these kinds, in the order in which the network calls them
        (where it calls one several times, the last time), seen on the first sample."""
        view = replace(self, subject=self.subject.private())
        network, called = view.subject.network, list[str]()
        named = [name for name, module in network.named_modules() if name and isinstance(module, kinds)]
        taps = {name: Tap(network, name, called) for name in named}
        with torch.no_grad():
            view._read_at(self.points[:1], slice(0, 1), None)
        self.subject.meter.add(forward=1)
        return [(name, taps[name].shape) for name in reversed(dict.fromkeys(reversed(called)))]

    def _tapped_at(self, tap: Tap, part: slice) -> tuple[Float[Tensor, "part ..."], Float[Tensor, "part"]]:
        """What the layer gives for a part of the samples, and f."""
        tap.start()
        value = self._read_at(self.points[part], part, None)
        self.subject.meter.add(forward=len(value))
        return tap.kept(len(value)), value

    @contextlib.contextmanager
    def _tapped(self, layer: str) -> Iterator[tuple[Self, Tap]]:
        """The same query of a private copy of the network, and a tap on one of its layers."""
        view = replace(self, subject=self.subject.private())
        tap = Tap(view.subject.network, layer)
        try:
            yield view, tap
        finally:
            tap.release()

    @property
    def _kept(self) -> Forwards | None:
        """The forward passes that are shared, unless they are of another model: a copy of it, say."""
        shared = self.forwards
        return shared if shared is not None and shared.model is self.subject.model else None

    def _forward(self, points: Tensor, where: slice | Tensor) -> tuple[Tensor, Float[Tensor, "part class"]]:
        """A leaf with the values of `points`, and the logits there, with a graph between them."""

        mask = None if self.mask is None else self.mask[where][:, : points.shape[1]]

        def ask(leaf: Tensor) -> Tensor:
            self.subject.meter.add(forward=len(leaf))
            return self.subject.logits_at(leaf, mask)

        if self._kept is not None:
            return self._kept.graph(points, mask, ask)
        leaf = points.detach().requires_grad_()  # not written to: foreign modules get a copy
        return leaf, ask(leaf)

    def _read_at(self, points: Tensor, part: slice, rows: Int[Tensor, "row"] | None) -> Float[Tensor, "part"]:
        where = part if rows is None else rows[part]
        mask = None if self.mask is None else self.mask[where][:, : points.shape[1]]
        return read(self.subject.logits_at(points, mask), self.classes[where], self.output)

    @cached_property
    def _lengths(self) -> Int[Tensor, "sample"] | None:
        """Columns of each sample up to its last token, rounded up, so that few lengths are told apart; None where it is
        not known that padding changes nothing. They are the sample's own: a batch that it is in changes none."""
        if self.mask is None or not isinstance(self.subject.network, TokenNetwork):
            return None
        places = torch.arange(1, self.mask.shape[1] + 1, device=self.mask.device)
        last = (self.mask * places).amax(1).clamp(min=1).cpu()
        return (last + -last % ALIKE).clamp(max=self.mask.shape[1])

    def widths(self, points: Tensor, rows: Int[Tensor, "row"] | None) -> list[tuple[Int[Tensor, "_"], int]] | None:
        """Rows of about one length, and it: what comes behind is padding. None where there is nothing to leave out."""
        if self._lengths is None or not len(points):
            return None
        lengths = self._lengths if rows is None else self._lengths[rows]
        if int(lengths.min()) == points.shape[1]:
            return None
        return [((lengths == width).nonzero()[:, 0], int(width)) for width in lengths.unique()]

    def size(self, points: Float[Tensor, "row ..."]) -> int:
        """What a row counts for when chunks are cut: points behind the first layers count as the inputs they are of."""
        return points[0].numel() if self.subject.embeds else self.inputs[0].numel()

    def _classes(self, rows: Int[Tensor, "row"] | None) -> Int[Tensor, "row"]:
        return self.classes if rows is None else self.classes[rows]

    @contextlib.contextmanager
    def _differentiable(self) -> Iterator[None]:
        """cuDNN refuses a backward pass through a recurrent network in evaluation mode: do without it there."""
        recurrent = self.subject.device.type == "cuda" and Capability.RECURRENT in self.subject.capabilities
        with plain_kernels(recurrent=recurrent):
            yield
