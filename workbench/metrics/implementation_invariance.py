"""Implementation invariance."""

from dataclasses import dataclass

from workbench.axioms import AbstractAxiom, Maps, explained
from workbench.explanation import AbstractMethod
from workbench.records import Attribution
from workbench.rewritten import layered
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.task import Samples

ALLOWED = 1e-3
"""Largest difference of the logits, against the largest of them (at least 1): rounding, and not another function."""


@dataclass(frozen=True, kw_only=True)
class ImplementationInvariance(AbstractAxiom):
    """By how much the map changes when the same function is written with other layers.

    ‖a(g, x) - a(f, x)‖ / (‖a(g, x)‖ + ‖a(f, x)‖),  g = f with each linear or convolutional layer as two:
    W x + b = Qᵀ (Q W x + Q b), Q a random rotation of the layer's outputs

    Lower is better; the control are pairs of unrelated maps. Models without such layers, and traditional ones, which
    have no layers, are left out.

    When it misleads: a method may rightly speak of the layers (which units did it) and not of the function; and one
    network written in two ways says little of the many other ways.
    Reference: [sundararajan2017axiomatic]
    """

    name = "implementation_invariance"
    title = "Implementation invariance"

    def pair(
        self, subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod
    ) -> tuple[Maps, Maps]:
        if isinstance(subject.model, TraditionalModel):
            raise InputError("a traditional model has no layers that could be written otherwise")
        other = layered(subject, self.seed)
        if other is None:
            raise InputError("the network has no linear or convolutional layer that could be written as two")
        logits = subject.logits(samples.inputs)
        try:
            apart = (other.logits(samples.inputs) - logits).abs().max()
        except (AttributeError, TypeError):
            apart = logits.new_tensor(float("inf"))
        if not apart <= ALLOWED * logits.abs().max().clamp(min=1):
            raise InputError("the network reads its layers' weights itself, so they cannot be written otherwise")
        before = self.before(subject, samples, attribution, config)
        return before.values, explained(other, samples, attribution, config).values
