"""DeepLIFT."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workbench.contributions import contributions
from workbench.explanation import AbstractMethod, Claim
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.settings import setting
from zoo.model import Capability


@dataclass(frozen=True, kw_only=True)
class DeepLift(AbstractMethod):
    """The difference from a reference input x', followed back through the network by quotients of differences.

    a_i = m_i (x_i - x'_i),  m_in = m_out Δout/Δin at each nonlinearity (the rescale rule), Δ = at x minus at x'

    Linear operations pass multipliers on as gradients. Products take the middle of both factors, softmax passes on by
    the logarithmic mean of p and p', and a maximum splits its change between the place that wins at x and the one that
    wins at x'; so Σ a = f(x) - f(x') exactly, through attention and gates as well. Reveal-cancel sends what raised a
    layer's sum and what lowered it through the nonlinearity apart, so that two causes that cancel are both seen. On
    text the differences are those of the embeddings of the sentence and of [MASK] tokens.

    When it misleads: two networks that compute the same may get different attributions, since the quotients depend on
    how it is computed; and the reference decides what counts as a difference at all.
    Reference: [shrikumar2017learning]
    """

    name = "deep_lift"
    title = "DeepLIFT"
    claims = frozenset({Claim.COMPLETENESS, Claim.DUMMY, Claim.SYMMETRY})
    needs = frozenset({Capability.GRADIENT})

    rule: str = setting("rescale", choices=("rescale", "reveal_cancel"), help="How nonlinearities pass differences on")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What x is compared with (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the reference inputs 'noise' and 'data'")

    def reference(self, query: Query) -> Tensor:
        return reference_inputs(query, self.reference_input, self.seed)

    def is_random(self) -> bool:
        return self.reference_input in ("noise", "data")

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        start = query.subject.points(self.reference(query))[:, None]
        return contributions(query, start, torch.arange(len(start)), self.rule == "reveal_cancel")[:, 0]

    def cost(self, query: Query) -> tuple[int, int]:
        return 2, 1
