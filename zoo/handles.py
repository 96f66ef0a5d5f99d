"""Handles: a few numbers of a model's answers and gradients on fixed samples, by which a change is noticed.

Accuracy hardly shows whether a model that is loaded answers as the one that was trained did; logits and gradients do.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from zoo.card import Handle
from zoo.model import Capability, TraditionalModel, capabilities
from zoo.task import Samples, Task

SAMPLES = 4
"""The first of the scored split."""
PLACES = 3
LOGIT_ALLOWED = 2e-3
"""Of the largest logit of the sample: another processor adds in another order."""
GRADIENT_ALLOWED = 2e-2
"""Of the gradient's norm, or of Σ |gradient × input|: where a rectifier is at its kink, rounding decides its slope."""


def handles(model: nn.Module | TraditionalModel, task: Task) -> tuple[Handle, ...]:
    """The handles of a model on the first four samples of the scored split."""
    samples = task.samples(task.scored)
    samples = samples.take(range(min(SAMPLES, len(samples))))
    with torch.no_grad():
        logits = model.logits(samples.inputs) if isinstance(model, TraditionalModel) else model(samples.inputs)
    found = gradients(model, samples, logits.argmax(1))
    plain = [
        Handle(sample=name, logits=tuple(map(_rounded, row)), explained=row.index(max(row)))
        for name, row in zip(samples.ids, logits.tolist(), strict=True)
    ]
    if found is None:
        return tuple(plain)
    return tuple(_with_gradient(handle, *rows) for handle, *rows in zip(plain, *found, strict=True))


def _with_gradient(handle: Handle, point: Tensor, gradient: Tensor) -> Handle:
    point, gradient = point.flatten().double(), gradient.flatten().double()
    return replace(
        handle,
        gradient_norm=_rounded(float(gradient.norm())),
        gradient_x_input=_rounded(float((gradient * point).sum())),
        places=tuple(gradient.abs().argsort(descending=True, stable=True)[:PLACES].tolist()),
    )


def gradients(model: nn.Module | TraditionalModel, samples: Samples, classes: Tensor) -> tuple[Tensor, Tensor] | None:
    """The points where gradients live (inputs, or embeddings of tokens) and the gradients there; None without any."""
    if isinstance(model, TraditionalModel) or Capability.GRADIENT not in capabilities(model):
        return None
    embeds = Capability.EMBEDDING in capabilities(model)
    if not embeds and not samples.inputs.is_floating_point():
        return None
    with torch.enable_grad():
        points = (model.embed(samples.inputs) if embeds else samples.inputs).detach().clone().requires_grad_()  # type: ignore[operator]
        mask = samples.inputs != getattr(model, "padding", 0)
        logits = model.from_embedding(points, mask) if embeds else model(points)  # type: ignore[operator]
        (gradient,) = torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), points)
    return points.detach(), gradient


def differences(said: tuple[Handle, ...], model: nn.Module | TraditionalModel, task: Task) -> list[str]:
    """In what a card's handles are not those that are found now, in words; empty where they are."""
    found = handles(model, task)
    if [each.sample for each in said] != [each.sample for each in found]:
        return ["the samples of its handles are not the first four of the scored split"]
    samples = task.samples(task.scored).take(range(len(found)))
    there = gradients(model, samples, torch.tensor([each.explained for each in found]))
    problems = []
    for row, (old, new) in enumerate(zip(said, found, strict=True)):
        known = None if there is None else tuple(values[row].flatten().double() for values in there)
        problems += [f"{what} of {old.sample}" for what in _different(old, new, known)]
    return problems


def _different(old: Handle, new: Handle, known: tuple[Tensor, ...] | None) -> list[str]:
    largest = max(1e-3, *(abs(value) for value in new.logits))
    wrong = []
    if len(old.logits) != len(new.logits) or any(
        abs(a - b) > LOGIT_ALLOWED * largest for a, b in zip(old.logits, new.logits, strict=True)
    ):
        wrong.append("the logits")
    # Two logits that are equal but for rounding may change places.
    elif not 0 <= old.explained < len(new.logits) or max(new.logits) - new.logits[old.explained] > (
        LOGIT_ALLOWED * largest
    ):
        wrong.append("the explained class")
    if known is None:
        given = (old.gradient_norm, old.gradient_x_input, old.places)
        return wrong if given == (None, None, None) else [*wrong, "the gradient (there is none)"]
    if old.explained != new.explained:
        return wrong
    points, gradient = known
    # Below it a gradient is a rounding error of a sum that should be zero.
    floor = 1e-6
    if not _close(old.gradient_norm, float(gradient.norm()), GRADIENT_ALLOWED * float(gradient.norm()) + floor):
        wrong.append("the gradient's norm")
    product = gradient * points
    allowed = GRADIENT_ALLOWED * float(product.abs().sum()) + floor
    if not _close(old.gradient_x_input, float(product.sum()), allowed):
        wrong.append("gradient × input")
    if not _largest(old.places, gradient.abs()):
        wrong.append("the places of the largest gradients")
    return wrong


def _close(said: float | None, found: float, allowed: float) -> bool:
    return said is not None and abs(said - found) <= allowed


def _largest(places: tuple[int, ...] | None, sizes: Tensor) -> bool:
    """Whether these are the places of the largest, in order, but for what rounding may exchange."""
    count = min(PLACES, len(sizes))
    if places is None or len(set(places)) != count or len(places) != count:
        return False
    if not all(0 <= place < len(sizes) for place in places):
        return False
    wanted = sizes.sort(descending=True).values[:count]
    return bool((sizes[list(places)] >= (1 - GRADIENT_ALLOWED) * wanted).all())


def _rounded(value: float) -> float:
    """Five significant digits."""
    return float(f"{value:.5g}")
