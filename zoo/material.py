"""Material: what a network is shown in an epoch, and what it should answer."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Self

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor
from torch.nn import functional

from zoo.model import Network
from zoo.task import Samples, Task, TextTask

POOL = 20
"""Batches of text are cut from pools of so many batches, sorted by length, so that little of a batch is padding."""
SHORTEST = 3
"""Tokens of a stretch."""
BATCH = 256
"""Of the teachers' predictions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """Inputs, and for each what is to be learnt: probabilities, a number, or a class per step.

    With teachers, every epoch also has one random stretch of each sentence, which they have labelled."""

    task: Task
    inputs: Shaped[Tensor, "sample ..."]
    targets: Shaped[Tensor, "sample ..."]
    teachers: tuple[Network, ...] = ()

    def __len__(self) -> int:
        return len(self.inputs) * (2 if self.teachers else 1)

    def on(self, device: torch.device) -> Self:
        """The same, its inputs and targets on a GPU once and for all where they fit; teachers read from the CPU."""
        size = sum(tensor.numel() * tensor.element_size() for tensor in (self.inputs, self.targets))
        if device.type != "cuda" or self.teachers or size > torch.cuda.mem_get_info(device)[0] / 2:
            return self
        return replace(self, inputs=self.inputs.to(device), targets=self.targets.to(device))

    def batches(self, size: int, generator: torch.Generator, device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
        """One epoch in random order, on the device; batches of text are no wider than their longest sentence."""
        inputs, targets = self.inputs, self.targets
        if self.teachers:
            parts = stretches(inputs, self._padding, generator)
            inputs = torch.cat((inputs, parts))
            targets = torch.cat((targets, opinion(self.teachers, parts, self._padding)))
        order = torch.randperm(len(inputs), generator=generator)
        if not isinstance(self.task, TextTask):
            for rows in order.to(inputs.device).split(size):
                yield inputs[rows].to(device), targets[rows].to(device)
            return
        lengths = (inputs != self._padding).sum(1).cpu()
        pools = [pool[lengths[pool].argsort(stable=True)] for pool in order.split(POOL * size)]
        batches = [rows for pool in pools for rows in pool.split(size)]
        for index in torch.randperm(len(batches), generator=generator).tolist():
            longest, rows = int(lengths[batches[index]].max()), batches[index].to(inputs.device)
            yield inputs[rows, :longest].to(device), targets[rows].to(device)

    @property
    def _padding(self) -> int:
        if not isinstance(self.task, TextTask):
            raise TypeError(f"Teachers label stretches of text; {self.task.name} is {self.task.kind}.")
        return self.task.padding


def from_teachers(task: TextTask, samples: Samples, teachers: tuple[Network, ...], share: float) -> Material:
    """`share` of what the teachers think, the rest of what the labels say."""
    labels = functional.one_hot(samples.labels, len(task.classes)).float()
    thought = opinion(teachers, samples.inputs, task.padding)
    targets = share * thought + (1 - share) * labels
    return Material(task=task, inputs=samples.inputs, targets=targets, teachers=teachers)


@torch.no_grad()
def opinion(
    teachers: tuple[Network, ...], inputs: Int[Tensor, "sample token"], padding: int
) -> Float[Tensor, "sample class"]:
    """The teachers' mean probabilities, on the CPU; sentences go in by length, so little of a batch is padding."""
    device = next(teachers[0].parameters()).device
    lengths = (inputs != padding).sum(1)
    order = lengths.argsort(stable=True)
    parts = []
    for rows in order.split(BATCH):
        batch = inputs[rows, : int(lengths[rows].max())].to(device)
        parts.append(torch.stack([teacher(batch).float().softmax(1) for teacher in teachers]).mean(0).cpu())
    return torch.cat(parts)[order.argsort()]


def stretches(
    inputs: Int[Tensor, "sample token"], padding: int, generator: torch.Generator
) -> Int[Tensor, "sample token"]:
    """One run of tokens of each sentence, from 3 to all of them, at a random place."""
    lengths = (inputs != padding).sum(1)
    size, start = torch.rand((2, len(inputs)), generator=generator)
    sizes = torch.maximum((size * lengths).round().long(), lengths.clamp(max=SHORTEST))
    starts = (start * (lengths - sizes + 1)).long()
    place = torch.arange(inputs.shape[1])
    picked = inputs.gather(1, (starts[:, None] + place).clamp(max=inputs.shape[1] - 1))
    return picked.masked_fill(place >= sizes[:, None], padding)
