"""Repetition: the explanation that a record holds, asked for again, of the same model or of a changed one."""

import torch
from torch import nn

from workbench.explanation import AbstractMethod, explain, method
from workbench.records import Attribution
from workbench.subject import Subject
from zoo.task import Samples


def configured(attribution: Attribution) -> AbstractMethod:
    """The method of a record, as it was set."""
    return method(attribution.method, **attribution.parameters)


def again(subject: Subject, samples: Samples, attribution: Attribution, config: AbstractMethod) -> Attribution:
    """The same classes explained again, and brought to the same form."""
    classes = torch.tensor(attribution.classes)
    record = explain(subject, samples, config, attribution.target, classes)
    for step in attribution.steps[len(record.steps) :]:
        what, _, axis = step.rpartition(" over ")
        record = record.abs() if not what else record.sum(axis) if what == "sum" else record.norm(axis)
    return record


def randomised(network: nn.Module, seed: int) -> nn.Module:
    """The network with the entries of each parameter permuted: every tensor keeps its values, and nothing else.

    Works in place; give it a full copy.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            order = torch.randperm(parameter.numel(), generator=generator).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].view_as(parameter))
    return network
