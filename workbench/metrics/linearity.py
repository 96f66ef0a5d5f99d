"""Linearity."""

from dataclasses import dataclass, replace

import numpy as np

from workbench.axioms import AbstractAxiom, Maps, explained
from workbench.explanation import AbstractMethod
from workbench.randomisation import randomised
from workbench.records import Attribution, Output, Target
from workbench.rewritten import combined
from workbench.settings import setting
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class Linearity(AbstractAxiom):
    """By how much the map of a sum of two models misses the sum of their maps.

    ‖a(αf + βg) - (α a(f) + β a(g))‖ / (‖a(αf + βg)‖ + ‖α a(f) + β a(g)‖),  a of the class's logit

    g is the model with permuted weights, behind the same embedding where there is one. Lower is better; the control
    are pairs of unrelated maps. Traditional models have no weights to permute and are left out.

    When it misleads: magnitudes (norms of gradients) are not meant to add up, and a method that looks for the best few
    features is not either.
    Reference: [sundararajan2017axiomatic]
    """

    name = "linearity"
    title = "Linearity"

    alpha: float = setting(2.0, low=-100, high=100, help="How much of the model is in the sum")
    beta: float = setting(-3.0, low=-100, high=100, help="How much of the model with permuted weights")

    def pair(
        self, subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod
    ) -> tuple[Maps, Maps]:
        if isinstance(subject.model, TraditionalModel):
            raise InputError("a traditional model has no weights to permute, from which a second one could be made")
        other = randomised(subject.editable(), self.seed)
        target = Target(of=attribution.target.of, output=Output.LOGIT)
        asked = replace(attribution, target=target)

        def of(alpha: float, beta: float) -> Maps:
            both = combined(subject, other, alpha, beta)
            return explained(both, samples, asked, config).values.astype(np.float64)

        same = attribution.target.output is Output.LOGIT  # then what is at hand is a(f)
        own = self.before(subject, samples, attribution, config).values.astype(np.float64) if same else of(1, 0)
        return of(self.alpha, self.beta), self.alpha * own + self.beta * of(0, 1)
