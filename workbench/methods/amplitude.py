"""The size of the signal: a control for series."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query
from zoo.task import Kind


@dataclass(frozen=True, kw_only=True)
class Amplitude(AbstractMethod):
    """How large each value of the series is: the control that marks where something happens.

    a_i = |x_i|, in the units of the input

    When it misleads: where the evidence is loud (a box above noise, a spoken word between silences) it lies on it. It
    knows nothing of the model.
    Reference: [ismail2020benchmarking]
    """

    name = "amplitude"
    title = "Amplitude (control)"
    claims = frozenset({Claim.CONTROL})
    kinds = frozenset({Kind.SERIES})

    def attribute(self, query: Query) -> Float[Tensor, "sample time feature"]:
        return query.inputs.abs()

    def cost(self, query: Query) -> tuple[int, int]:
        return 0, 0
