"""Every method on every model of the zoo that declares what it needs, with what it claims checked there.

    python -m bench.everywhere [NAME ...] [--samples 2]

A line for each model (all unless some are named): what explained it, what refused, the seconds; then each fault.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

import zoo
from workbench.explanation import AbstractMethod, Claim, explain, methods_for, refusal
from workbench.records import Attribution
from workbench.subject import Subject, load
from workbench.weights import HOOKS, state_digest, versions
from zoo.errors import InputError
from zoo.task import Samples

QUADRATURE = frozenset({"integrated_gradients", "blur_integrated_gradients", "guided_integrated_gradients"})
"""Methods whose sum is an integral, known to 1 % of f(x) − f(x'); those of the others are exact but for rounding."""


@dataclass
class Tour:
    """What was seen of one model."""

    model: str
    refused: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        dearest = max(self.seconds, key=self.seconds.__getitem__, default="")
        cost = f"{sum(self.seconds.values()):6.1f} s, most {dearest} {self.seconds.get(dearest, 0):.1f} s"
        line = f"{self.model:48s} {len(self.seconds):3d} explained {len(self.refused):3d} refused {cost}"
        return "\n    ".join([line, *self.faults])


def main() -> None:
    """Visit the models and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", metavar="NAME")
    parser.add_argument("--samples", type=int, default=2)
    given = parser.parse_args()
    tours, absent = [], 0
    for name in given.models or zoo.RECIPES:
        try:
            of = load(name)
            samples = of.task.samples(of.task.scored).take(range(given.samples))
        except InputError as error:
            absent += 1
            print(f"{name:48s} not at hand: {error}", flush=True)
            continue
        tours.append(visit(of, samples))
        print(tours[-1], flush=True)
    count, found = sum(len(tour.seconds) for tour in tours), sum(len(tour.faults) for tour in tours)
    print(f"{len(tours)} models, {count} times explained, {found} faults; {absent} models not at hand")
    raise SystemExit(bool(found))


def visit(of: Subject, samples: Samples, cheap: bool = False) -> Tour:
    """Ask every method that fits a subject, by default or `cheap` where that keeps what it claims, for the samples."""
    tour = Tour(of.name)
    for name, kind in methods_for(of).items():
        method = kind().rough() if cheap and name not in QUADRATURE else kind()
        if (reason := refusal(method, of, samples)) is not None:
            tour.refused[name] = reason
            continue
        start = time.perf_counter()
        tour.faults += [f"{name}: {fault}" for fault in faults(of, samples, method)]
        tour.seconds[name] = time.perf_counter() - start
    return tour


def faults(of: Subject, samples: Samples, method: AbstractMethod) -> Iterator[str]:
    """What is wrong with the attribution of samples by a method, in words; nothing where all is as it must be."""
    before, inputs = state(of, samples), samples.inputs.clone()
    try:
        record = explain(of, samples, method)
    except Exception as error:  # whatever it is, the tour goes on and tells it
        yield f"{type(error).__name__}: {error}"
        return
    yield from broken_claims(record, method)
    if record.values.shape != tuple(samples.inputs.shape) or len(record.axes) != record.values.ndim:
        yield f"values of shape {record.values.shape}, {record.axes}, of inputs of {tuple(samples.inputs.shape)}"
    if not np.isfinite(record.values).all():
        yield "values that are not finite"
    if not torch.equal(inputs, samples.inputs) or state(of, samples) != before:
        yield "the model or its inputs are not as they were"


def broken_claims(record: Attribution, method: AbstractMethod) -> Iterator[str]:
    """The claims that can be checked on any model: what a complete method adds up to, and what a control may know."""
    if Claim.COMPLETENESS in method.claims:
        between, size = np.abs(record.f_x - record.f_reference), np.maximum(*np.abs([record.f_x, record.f_reference]))
        allowed = (0.01 if method.name in QUADRATURE else 1e-5) * between + 1e-5 * size
        if not (np.abs(record.completeness_gap) <= allowed).all():
            yield f"f(x) − f(x') = {between.max():.3g} is missed by {np.abs(record.completeness_gap).max():.3g}"
    if Claim.CONTROL in method.claims and (record.forward_passes or record.backward_passes):
        yield "a control that asks the model"


def state(of: Subject, samples: Samples) -> object:
    """All that explaining could leave behind: weights, gradients, modes, hooks; of a traditional model its answers."""
    if not isinstance(of.model, nn.Module):
        return of.logits(samples.inputs).tolist()
    parameters, modules = list(of.network.parameters()), list(of.network.modules())
    kept = [(part.training, *(len(vars(part).get(hooks) or ()) for hooks in HOOKS)) for part in modules]
    gradients = [(parameter.requires_grad, parameter.grad is None) for parameter in parameters]
    return state_digest(of.network), versions(of.network), gradients, kept


if __name__ == "__main__":
    main()
