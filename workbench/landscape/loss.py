"""The loss of a network on fixed samples, as a function of its weights."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from workbench.analysis import labelled
from workbench.subject import Meter, Subject
from zoo.model import Network, TokenNetwork
from zoo.task import Samples

Weights = dict[str, Tensor]
"""One tensor per parameter, by its name in the network; weights that two modules share are there once."""

ROWS = 128
"""Samples per batch: the activations of a small network then stay near the caches, and sentences of a batch are of
about one length."""
ELEMENTS = 2**19
"""Input elements per batch at most, and up to which the graph of a gradient is kept."""

PRECISIONS = ("float32", "float64")


@dataclass(frozen=True, eq=False)
class Batch:
    """Samples that are evaluated together."""

    inputs: Shaped[Tensor, "sample ..."]
    labels: Int[Tensor, "sample"]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Loss:
    """L(θ) = 1/N Σ_s −log softmax(z_θ(x_s))[y_s], in nats, with the network in evaluation mode.

    `network` is a copy of its own that nobody else holds, so nothing done here can move the model that was passed in;
    its parameters are never written either: weights are passed to each call. Sums run over batches, divided by N at
    the end, so a last, smaller batch counts by its samples.

    Weights are evaluated one after another: on the CPU `vmap` over the weights of a small convolutional network took
    1.1 to 2.5 times as long, of a transformer 1.2 to 7 times, and recurrent networks refuse it.
    """

    network: nn.Module
    batches: tuple[Batch, ...]
    meter: Meter

    @classmethod
    def of(cls, subject: Subject, samples: Samples, precision: str = "float32", rows: int = ROWS) -> Self:
        """The loss of a subject's network on labelled samples; `InputError` for a traditional model or no label."""
        network = subject.editable().to(getattr(torch, precision)).requires_grad_(True)
        inputs = labelled(samples).inputs.to(subject.device)
        if inputs.is_floating_point():
            inputs = inputs.to(getattr(torch, precision))
        if inputs.ndim == 4 and isinstance(network, Network):  # twice as fast with the channels last
            inputs = inputs.to(memory_format=torch.channels_last)
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        size = max(1, min(rows, ELEMENTS // max(1, inputs[0].numel())))
        whole = Batch(inputs, samples.labels.to(subject.device))
        padding = network.padding if isinstance(network, TokenNetwork) else None
        return cls(network, tuple(_split(whole, size, padding)), subject.meter)

    @cached_property
    def weights(self) -> Weights:
        """The trained weights."""
        return {name: parameter.detach() for name, parameter in self.network.named_parameters()}

    @cached_property
    def count(self) -> int:
        """N, the number of samples."""
        return sum(len(batch) for batch in self.batches)

    def at(self, weights: Mapping[str, Tensor]) -> float:
        """L at these weights; not finite where the network overflows there."""
        total = 0.0
        with torch.no_grad():
            for batch in self.batches:
                total += float(self.summed(weights, batch))
                self.meter.add(forward=len(batch))
        return total / self.count

    def summed(self, weights: Mapping[str, Tensor], batch: Batch) -> Float[Tensor, ""]:
        """The loss of one batch summed over its samples, with a graph where gradients are enabled."""
        logits = functional_call(self.network, dict(weights), (batch.inputs,))
        return cross_entropy(logits, batch.labels, reduction="sum")


def _split(whole: Batch, size: int, padding: int | None) -> Iterator[Batch]:
    """Batches of `size`; of sentences, those of one length together, without the padding that a whole batch ends in."""
    if padding is None:
        yield from (Batch(*pair) for pair in zip(whole.inputs.split(size), whole.labels.split(size), strict=True))
        return
    places = torch.arange(1, whole.inputs.shape[1] + 1, device=whole.inputs.device)
    lengths = ((whole.inputs != padding) * places).amax(1)
    for rows in lengths.argsort(stable=True).split(size):
        longest = max(1, int(lengths[rows].max()))
        yield Batch(whole.inputs[rows, :longest], whole.labels[rows])
