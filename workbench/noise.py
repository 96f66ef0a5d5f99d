"""Noise: what methods share that ask for gradients at noisy copies of an input."""

from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Self

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.chance import generator
from workbench.explanation import AbstractMethod
from workbench.query import Query
from workbench.settings import setting
from workbench.subject import Subject
from workbench.vocabulary import token_counts
from zoo.model import Capability
from zoo.task import Task, TextTask

ELEMENTS_AT_ONCE = 2**24
"""Of the noisy copies that exist at the same time: 64 MB."""


@dataclass(frozen=True, kw_only=True)
class AbstractNoise(AbstractMethod):
    """What gradients at x + ε, ε ~ N(0, σ²), have in common: σ, the draws, and how they are asked for.

    σ is `noise` times `scale` (below). Padding is left as it is, and a sample is given the same noise in any batch.
    """

    needs = frozenset({Capability.GRADIENT})

    n_samples: int = setting(32, low=2, high=10_000, help="Noisy copies of each sample")
    noise: float = setting(0.15, low=0.0, high=10.0, help="σ, as a share of the inputs' range (text: embeddings' std)")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the noise")

    @abstractmethod
    def gathered(self, gradients: Float[Tensor, "sample copy ..."]) -> Float[Tensor, "sample ..."]:
        """One value per input from the gradients at the noisy copies, in float64."""

    def is_random(self) -> bool:
        return self.noise > 0

    def rough(self) -> Self:
        return replace(self, n_samples=min(16, self.n_samples))

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        points, sigma = query.points, self.noise * scale(query.subject)
        block = max(1, ELEMENTS_AT_ONCE // (self.n_samples * points[0].numel()))
        found = []
        for rows in torch.arange(len(points)).split(block):
            noisy = points[rows, None] + sigma * noise(query, rows, self.n_samples, self.seed)
            copies = rows.repeat_interleave(self.n_samples)
            gradients = query.gradients(noisy.flatten(0, 1), copies).view_as(noisy)
            found.append(self.gathered(gradients.double()).to(points.dtype))
        return torch.cat(found)

    def cost(self, query: Query) -> tuple[int, int]:
        return self.n_samples, self.n_samples


def scale(subject: Subject) -> Float[Tensor, "..."]:
    """What σ is a share of, on the subject's device.

    Images: the range of all training inputs. Tables and series: that of each column or measured feature, whose units
    differ. Text: the standard deviation of the embeddings of the tokens that occur in training.
    """
    task = subject.task
    if isinstance(task, TextTask):
        used = token_counts(task).nonzero()[:, 0]
        return subject.points(used[None])[0].double().std(correction=0).to(torch.get_default_dtype())
    return _range(task).to(subject.device)


@lru_cache(maxsize=64)
def _range(task: Task) -> Float[Tensor, "..."]:
    training = task.samples("train").inputs
    if task.axes[-1] == "feature":
        columns = training.flatten(0, -2)
        return columns.amax(0) - columns.amin(0)
    return training.amax() - training.amin()


def noise(query: Query, rows: Int[Tensor, "sample"], count: int, seed: int) -> Float[Tensor, "sample copy ..."]:
    """N(0, 1) in the shape of the points of the samples `rows`, `count` times; 0 on padding.

    Only what is no padding has its numbers drawn, so that they do not depend on how far a batch is padded.
    """
    points = query.points
    drawn = points.new_zeros(len(rows), count, *points.shape[1:])
    for own, row in zip(drawn, rows.tolist(), strict=True):
        present = slice(None) if query.mask is None else query.mask[row].nonzero()[:, 0]
        chance = generator(seed, "input noise", query.samples.ids[row])
        own[:, present] = torch.randn(own[:, present].shape, generator=chance, dtype=torch.float32).to(own)
    return drawn
