"""Drawn references: what methods share that average over reference inputs drawn from the training data."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from workbench.chance import per_sample
from workbench.explanation import AbstractMethod
from workbench.query import Query
from workbench.settings import setting
from zoo.model import Capability
from zoo.task import TextTask

ELEMENTS_AT_ONCE = 2**24
"""Of the points that exist at the same time: 64 MB."""


@dataclass(frozen=True, kw_only=True)
class AbstractDrawn(AbstractMethod):
    """What methods have in common that average over several reference inputs x' from the training data.

    f(x') of such a method is the mean of f over the references, and the completeness gap is counted from it.
    """

    needs = frozenset({Capability.GRADIENT})

    n_references: int = setting(64, low=1, high=100_000, help="Training inputs drawn for each sample, with replacement")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of what is drawn")

    def points(self) -> int:
        """How many there are for each sample."""
        return self.n_references

    def references(self, query: Query, rows: Int[Tensor, "sample"]) -> Shaped[Tensor, "sample reference ..."]:
        """Training inputs; a sample has the same in any batch.

        A drawn sentence is cut to the length of the explained one, and goes on with [MASK] where it is shorter.
        """
        task, inputs = query.subject.task, query.inputs[rows]
        training = task.samples("train").inputs
        ids = [query.samples.ids[row] for row in rows.tolist()]
        picked = per_sample(
            lambda chance: torch.randint(len(training), (self.n_references,), generator=chance), ids, self.seed, "drawn"
        )
        drawn = training[picked]
        if not isinstance(task, TextTask):
            return drawn
        width = inputs.shape[1]
        drawn = torch.nn.functional.pad(drawn, (0, max(0, width - drawn.shape[2])), value=task.padding)[..., :width]
        drawn = drawn.where(drawn != task.padding, task.missing)
        return drawn.where((inputs != task.padding)[:, None], task.padding)

    def f_reference(self, query: Query) -> Float[Tensor, "sample"]:
        means = []
        for rows in self.blocks(query):
            drawn = self.references(query, rows).flatten(0, 1)
            f = query.values(drawn, rows.repeat_interleave(self.n_references))
            means.append(f.view(len(rows), -1).double().mean(1))
        return torch.cat(means)

    def blocks(self, query: Query) -> Iterator[Int[Tensor, "sample"]]:
        block = max(1, ELEMENTS_AT_ONCE // (self.points() * query.points[0].numel()))
        return iter(torch.arange(len(query.inputs)).split(block))


@dataclass(frozen=True, kw_only=True)
class AbstractDrawnPaths(AbstractDrawn):
    """The average of gradient times displacement between each reference and the input.

    a_i = mean over x'_k of (x_i - x'_ki) mean over its points of ∂f / ∂x_i
    """

    @abstractmethod
    def along(
        self, query: Query, rows: Int[Tensor, "sample"], start: Float[Tensor, "sample reference ..."]
    ) -> Float[Tensor, "sample reference step ..."]:
        """The points at which the gradient is taken, between each reference and its sample."""

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        found = []
        for rows in self.blocks(query):
            drawn = self.references(query, rows)
            start = query.subject.points(drawn.flatten(0, 1)).unflatten(0, drawn.shape[:2])
            points = self.along(query, rows, start)
            owner = rows.repeat_interleave(points.shape[1] * points.shape[2])
            gradients = query.gradients(points.flatten(0, 2), owner).view_as(points)
            products = (query.points[rows, None] - start).double() * gradients.double().mean(2)
            found.append(products.mean(1).to(query.points.dtype))
        return torch.cat(found)

    def cost(self, query: Query) -> tuple[int, int]:
        return self.points() + self.n_references, self.points()


def between(
    start: Float[Tensor, "sample reference ..."],
    end: Float[Tensor, "sample ..."],
    times: Float[Tensor, "sample reference step"],
) -> Float[Tensor, "sample reference step ..."]:
    """start + t (end - start) at each time t of each pair."""
    time = times.to(start.device, start.dtype).view(*times.shape, *[1] * (end.ndim - 1))
    return start[:, :, None] + time * (end[:, None] - start)[:, :, None]
