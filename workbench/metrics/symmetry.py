"""Symmetry."""

from dataclasses import dataclass, replace

import numpy as np

from workbench.axioms import AbstractAxiom, Maps, explained
from workbench.explanation import AbstractMethod
from workbench.records import Attribution
from workbench.rewritten import mirrored
from workbench.subject import Subject
from zoo.errors import InputError
from zoo.task import Kind, Samples


@dataclass(frozen=True, kw_only=True)
class Symmetry(AbstractAxiom):
    """By how much features that are interchangeable get different attributions.

    ‖a - σa‖ / 2‖a‖,  a = a(g, x̄),  g(x) = (f(x) + f(σx)) / 2,  x̄ = (x + σx) / 2

    σ mirrors the input along its longest axis (the width of an image, time, the columns of a table). In g each feature
    can be exchanged for its mirror image, and in x̄ both have one value, so nothing but their place tells them apart.
    Lower is better; the control are pairs of unrelated maps. Text has no mean of two sentences and is left out.

    When it misleads: a reference input that is not symmetric (the training mean, noise) tells them apart, too, and
    coalitions that are drawn are symmetric only on average.
    Reference: [shapley1953value], [sundararajan2017axiomatic]
    """

    name = "symmetry"
    title = "Symmetry"

    def pair(
        self, subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod
    ) -> tuple[Maps, Maps]:
        if subject.task.kind is Kind.TEXT:
            raise InputError("a sentence has no mean with its mirror image, in which words could be exchanged")
        names = subject.task.axes
        sizes = {axis: size for axis, size in zip(names, samples.inputs.shape[1:], strict=True) if axis != "channel"}
        axis = max(reversed(sizes), key=lambda name: sizes[name])
        place = names.index(axis) + 1
        even = replace(samples, inputs=(samples.inputs + samples.inputs.flip(place)) / 2)
        found = explained(mirrored(subject, place), even, attribution, config)
        values = found.values
        return values, np.flip(values, found.axes.index(axis)) if axis in found.axes else values
