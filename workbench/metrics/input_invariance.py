"""Input invariance."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workbench.axioms import AbstractAxiom, Maps, explained
from workbench.explanation import AbstractMethod
from workbench.records import Attribution
from workbench.rewritten import shifted
from workbench.settings import setting
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.model import TraditionalModel
from zoo.task import Kind, Samples

POINTS = 64
"""Training sentences whose embeddings say how large a shift is."""


@dataclass(frozen=True, kw_only=True)
class InputInvariance(AbstractAxiom):
    """By how much the map changes when every input is shifted and the model takes the shift back before it looks.

    ‖a(g, x + s) - a(f, x)‖ / (‖a(g, x + s)‖ + ‖a(f, x)‖),  g(y) = f(y - s)

    g is f with biases that have absorbed the shift, so nothing has happened that the answer could tell. s is `size`
    standard deviations of the training inputs (of tables, of each column; of text, of the embeddings), as the nearest
    power of two, which floating point adds exactly. Lower is better; the control are pairs of unrelated maps.

    When it misleads: a method whose reference input is fixed (zero, the training mean) asks g about another absence
    than f; that it changes is a choice of the reference and not a fault of the method.
    Reference: [kindermans2019reliability]
    """

    name = "input_invariance"
    title = "Input invariance"

    size: float = setting(1.0, low=0.01, high=100, help="Of the shift, in standard deviations of the training inputs")

    def pair(
        self, subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod
    ) -> tuple[Maps, Maps]:
        text = subject.task.kind is Kind.TEXT
        if text and (isinstance(subject.model, TraditionalModel) or not subject.embeds):
            raise InputError("words can only be shifted where they enter through an embedding")
        shift = self._shift(subject)
        moved = samples if text else replace(samples, inputs=samples.inputs + shift)
        before = self.before(subject, samples, attribution, config)
        return before.values, explained(shifted(subject, shift), moved, attribution, config).values

    def _shift(self, subject: Subject) -> Tensor:
        training = subject.task.samples("train").inputs
        if subject.task.kind is Kind.TEXT:
            size = subject.points(training[:POINTS]).std().cpu()
        else:
            size = training.std(0) if subject.task.kind is Kind.TABLE else training.std()
        return 2.0 ** torch.where(size > 0, self.size * size, 1).log2().round()
