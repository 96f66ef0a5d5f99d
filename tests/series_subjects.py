"""A series small enough to look at: six steps of three things, and a network that multiplies some of them."""

from dataclasses import dataclass

import torch
from subjects import Described, Scalar, _points
from torch import Tensor

from workbench.subject import Subject
from zoo.task import Kind, Samples, Task


@dataclass(frozen=True)
class Waves(Described, Task):
    """Series of 6 × 3; the groups are pairs of steps of each measured thing."""

    name = "waves"
    title = "Waves"
    kind = Kind.SERIES
    axes = ("time", "feature")

    def load(self, split: str) -> Samples:
        ids = tuple(f"{split}:{i}" for i in range(12))
        return Samples(inputs=_points(12, 6, 3, seed=len(split)), labels=torch.ones(12).long(), ids=ids)

    def groups(self, inputs: Tensor) -> Tensor:
        index = torch.arange(6)[:, None] // 2 * 3 + torch.arange(3)
        return index.expand(inputs.shape).clone()


class Beats(Scalar):
    """f = Σ over steps of x₀ x₁ + (t + 1) x₂."""

    def score(self, inputs: Tensor) -> Tensor:
        return (inputs[..., 0] * inputs[..., 1] + torch.arange(1, 7).to(inputs) * inputs[..., 2]).sum(1)


def waves() -> Subject:
    return Subject(Beats(), Waves(), name="beats")
