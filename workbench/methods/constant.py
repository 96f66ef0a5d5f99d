"""The constant map: a control."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query


@dataclass(frozen=True, kw_only=True)
class Constant(AbstractMethod):
    """The same value everywhere: the control that says nothing at all.

    a_i = 1, and 0 on padding

    What it scores is what a metric gives away for nothing: its relevance mass is the evidence's share of the area, and
    its orders of removal are random ones, since every tie is broken by chance.

    When it misleads: a metric that rewards smooth or even maps ranks it above real ones.
    Reference: [hooker2019benchmark]
    """

    name = "constant"
    title = "Constant (control)"
    claims = frozenset({Claim.CONTROL})

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        return (query.groups >= 0).float()

    def cost(self, query: Query) -> tuple[int, int]:
        return 0, 0
