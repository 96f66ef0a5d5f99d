"""Rectified gradients: what flows back is cut at zero at every rectifier."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench import operations
from workbench.explanation import AbstractMethod
from workbench.query import Query
from workbench.subject import chunked
from workbench.tape import Step
from zoo.model import Capability


@dataclass(frozen=True, kw_only=True)
class AbstractRectified(AbstractMethod):
    """The gradient with another rule at rectifiers (ReLU, GELU, …), modules and functions alike."""

    needs = frozenset({Capability.GRADIENT})
    hidden = "norm"

    @abstractmethod
    def rectified(self, step: Step, message: Tensor) -> Tensor:
        """What a rectifier passes back of a message."""

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        rows = torch.arange(len(query.points))

        def rule(step: Step, messages: Sequence[Tensor | None]) -> Mapping[int, Tensor]:
            if operations.rectifies(step) and messages[0] is not None:
                return dict.fromkeys(step.live, self.rectified(step, messages[0]))
            return step.pulled_back(messages)

        def compute(part: slice) -> Tensor:
            tape = query.recorded(query.points[part], rows[part])
            query.subject.meter.add(forward=0, backward=len(tape.values[0]))
            return tape.back(torch.ones_like(tape.values[tape.output]), rule)[0]

        return chunked(compute, len(rows), 2 * query.points[0].numel(), query.subject.device)

    def cost(self, query: Query) -> tuple[int, int]:
        return 1, 1
