"""Layer-wise relevance propagation."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.explanation import AbstractMethod
from workbench.query import Query
from workbench.relevance import COMPOSITES, composite, relevances
from workbench.settings import setting
from workbench.subject import chunked, read
from workbench.tape import Tape
from zoo.model import Capability


@dataclass(frozen=True, kw_only=True)
class Lrp(AbstractMethod):
    """The output divided among the inputs, layer by layer, in proportion to what each contributed.

    R_i = Σ_j R_j c_ij / (Σ_i c_ij + ε sign),  c_ij = x_i w_ij; other rules count some contributions more

    It starts from z_c ∂f/∂z_c of the logits z: the class's logit where that is explained, z_c - z_other for the margin.
    Composites give the first layer, convolutions and dense layers a rule each: "epsilon_plus" takes only the positive
    contributions of convolutions, "epsilon_gamma_box" favours them and knows the range of the inputs. Batch
    normalisation becomes part of the layer before it, activations pass relevance on, a maximum is its winner's,
    residual sums divide in proportion, and of gate · signal (LSTM, GRU) all goes to the signal. In attention, "attnlrp"
    halves each product and expands the softmax; "cp" takes the attention weights as constants. Relevance is conserved
    but for what constants (biases, positions) contributed, and but for the softmax's expansion.

    When it misleads: z⁺ and αβ rules make maps that hardly depend on the upper layers' weights; ε alone is gradient ×
    input wherever activations are piecewise linear, with all its noise; and what biases contributed is not shown.
    Reference: [bach2015pixelwise], [montavon2019layerwise], [arras2019explaining], [achtibat2024attnlrp]
    """

    name = "lrp"
    title = "LRP"
    needs = frozenset({Capability.GRADIENT})

    rule: str = setting("epsilon", choices=COMPOSITES, help="Which rule each kind of layer gets")
    epsilon: float = setting(1e-6, low=0.0, high=1.0, help="Keeps small sums from being divided by")
    gamma: float = setting(0.25, low=0.0, high=100.0, help="How much more contributions of the sum's sign count")
    attention: str = setting("attnlrp", choices=("attnlrp", "cp"), help="How attention weights are treated")

    def attribute(self, query: Query) -> Float[Tensor, "sample ..."]:
        rows = torch.arange(len(query.points))
        chosen = composite(self.rule, self.epsilon, self.gamma, self.attention == "cp")

        def compute(part: slice) -> Tensor:
            tape = query.recorded_logits(query.points[part], rows[part])
            box = _box(query, rows[part]) if self.rule == "epsilon_gamma_box" else None
            found = relevances(tape, _seed(query, tape, rows[part]), chosen, box)
            query.subject.meter.add(forward=0, backward=len(found))
            return found

        return chunked(compute, len(rows), 2 * query.points[0].numel(), query.subject.device)

    def cost(self, query: Query) -> tuple[int, int]:
        return 1, 1


def _box(query: Query, rows: Int[Tensor, "row"]) -> tuple[Tape, Tape]:
    """All inputs at the least, and all at the greatest, value of the training inputs; of text, of the embeddings that
    are explained."""
    known = query.points if query.subject.embeds else query.subject.task.samples("train").inputs
    low, high = (torch.full_like(query.points[rows], float(end)) for end in (known.min(), known.max()))
    return query.recorded_logits(low, rows), query.recorded_logits(high, rows)


def _seed(query: Query, tape: Tape, rows: Int[Tensor, "row"]) -> Float[Tensor, "row class"]:
    """z ∂f/∂z at the logits z."""
    logits = tape.values[tape.output].detach().requires_grad_()
    with torch.enable_grad():
        (slope,) = torch.autograd.grad(read(logits, query.classes[rows], query.output).sum(), logits)
    return logits.detach() * slope
