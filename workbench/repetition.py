"""Repetition: the method of an attribution asked again, of other weights, other seeds or inputs nearby."""

import torch

from workbench.explanation import AbstractMethod, explain, method
from workbench.records import Attribution
from workbench.subject import Subject
from zoo.task import Samples


def configured(attribution: Attribution) -> AbstractMethod:
    """The method that made an attribution, with its settings."""
    return method(attribution.method, **attribution.parameters)


def again(subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod) -> Attribution:
    """The same classes explained again, and brought to the same form."""
    classes = torch.tensor(attribution.classes)
    record = explain(subject, samples, config, attribution.target, classes)
    for step in attribution.steps[len(record.steps) :]:
        what, _, axis = step.rpartition(" over ")
        record = record.abs() if not what else record.sum(axis) if what == "sum" else record.norm(axis)
    return record
