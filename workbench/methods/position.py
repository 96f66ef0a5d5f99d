"""The place in the sentence: a control for text."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query
from zoo.task import Kind


@dataclass(frozen=True, kw_only=True)
class Position(AbstractMethod):
    """How early a token comes, the first most: the control for texts whose beginning decides.

    a_i = (n - i) / n  for token i = 0, 1, … of n, and 0 on padding

    When it misleads: where what matters stands at the beginning (a verdict before its reasons) it scores like an
    explanation. It knows nothing of the model.
    Reference: [hooker2019benchmark]
    """

    name = "position"
    title = "Position (control)"
    claims = frozenset({Claim.CONTROL})
    kinds = frozenset({Kind.TEXT})

    def attribute(self, query: Query) -> Float[Tensor, "sample token"]:
        present = (query.groups >= 0).float()
        count = present.sum(1, keepdim=True)
        return (count + 1 - present.cumsum(1)) / count.clamp(min=1) * present

    def cost(self, query: Query) -> tuple[int, int]:
        return 0, 0
