"""Random numbers: the control."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.chance import generator
from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query
from workbench.settings import setting


@dataclass(frozen=True, kw_only=True)
class Random(AbstractMethod):
    """Gaussian noise that knows nothing of the model: the control that any real method must beat.

    a_i ~ N(0, 1), independent, the same for a sample and a seed whatever the model

    When it misleads: it looks like a map. A method whose scores are no better than these says nothing about the model.
    Reference: [adebayo2018sanity]
    """

    name = "random"
    title = "Random (control)"
    claims = frozenset({Claim.CONTROL})

    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the random numbers")

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        present = query.groups >= 0
        values = torch.zeros(present.shape)
        for row, where, name in zip(values, present, query.samples.ids, strict=True):
            chance = generator(self.seed, "random attribution", name)
            row[where] = torch.randn(int(where.sum()), generator=chance)  # as many as without padding: the same numbers
        return values

    def cost(self, query: Query) -> tuple[int, int]:
        return 0, 0
