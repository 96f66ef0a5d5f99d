"""How rare a token is: a control for text."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query
from workbench.vocabulary import token_counts
from zoo.errors import InputError
from zoo.task import Kind, TextTask


@dataclass(frozen=True, kw_only=True)
class Frequency(AbstractMethod):
    """How rare a token is in the training split, in nats: the control that prefers content words.

    a_i = -log (max(c_i, 1) / Σ c),  c_i the times that token i occurs in the training split; 0 on padding

    A token that training never showed counts as shown once.

    When it misleads: words that decide are rarer than "the", so it beats random numbers on many texts. It knows nothing
    of the model.
    Reference: [sparckjones1972statistical]
    """

    name = "frequency"
    title = "Rarity (control)"
    claims = frozenset({Claim.CONTROL})
    kinds = frozenset({Kind.TEXT})

    def attribute(self, query: Query) -> Float[Tensor, "sample token"]:
        task = query.subject.task
        if not isinstance(task, TextTask):
            raise InputError(f"{task.name} is no TextTask, whose tokens can be counted. Derive it from TextTask.")
        counts, ids = token_counts(task), query.inputs
        known = ids < len(counts)
        times = counts[ids.where(known, 0)].where(known, 0).clamp(min=1)
        share = times.double() / counts.sum()
        return (-share.log() * (query.groups >= 0)).float()

    def cost(self, query: Query) -> tuple[int, int]:
        return 0, 0
