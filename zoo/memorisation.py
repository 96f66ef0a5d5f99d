"""Memorisation: a network that learns the answers to a few samples by heart, be they right or drawn by lot."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import torch
from torch import nn

from zoo.denormals import flushed
from zoo.material import Material
from zoo.objective import Objective, objective
from zoo.recipe import Training
from zoo.steps import Steps
from zoo.task import Samples, Task
from zoo.training import alone, seeded

N = TypeVar("N", bound=nn.Module)

KNOWN_ACCURACY = 0.95
KNOWN_R_SQUARED = 0.9
"""From which on answers count as known by heart."""
WARM_UP = 0.01
"""Share of all steps in which the learning rate rises: most of them are never made."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Memorised(Generic[N]):
    """A network in evaluation mode, and how well it knows the answers that it was shown."""

    model: N
    score: float
    """The share of answers that are right or, of numbers, R²; in evaluation mode."""
    epochs: int
    """That it took; where the answers are not known by heart, as many as were allowed."""


def known_from(task: Task) -> float:
    """The least score of answers that are known by heart."""
    return KNOWN_R_SQUARED if task.regression else KNOWN_ACCURACY


def memorise(
    start: Callable[[], N],
    how: Training,
    task: Task,
    samples: Samples,
    seed: int,
    device: torch.device = torch.device("cpu"),
    watch: Callable[[int], None] = lambda _: None,
) -> Memorised[N]:
    """The network that `start` makes, trained until it knows the answers to these samples by heart.

    By the optimiser and the learning rates of `how`, for at most `how.epochs`; what stands in the way is left out:
    dropout, weight decay, label smoothing, augmentation, averaged weights, what is held out, teachers. On the CPU the
    same samples, seed and number of threads give the same weights, and torch's generator is left as it was, as `train`
    says it; `start` is called when nobody else is training. `watch` is told the samples of every batch, and 0 now and
    then while others have their turn; what it raises ends the training.

    Raises `Diverged` where the loss stops being a number.
    """

    def waiting() -> bool:
        watch(0)
        return False

    plain = _plain(how, len(samples))
    with alone(waiting), seeded(seed, device), flushed(), torch.enable_grad():
        model = start().to(device)
        goal = objective(task, samples, type(model))
        material = Material(task=task, inputs=samples.inputs, targets=goal.targets(samples)).on(device)
        total = plain.epochs * math.ceil(len(samples) / plain.batch_size)
        steps, order = Steps(model, plain, goal, total, device), torch.Generator().manual_seed(seed)
        score, epoch, least = -math.inf, 0, known_from(task)
        while score < least and epoch < plain.epochs:
            epoch += 1
            seen = _epoch(model, steps, material, order, watch)
            if seen >= least or epoch == plain.epochs:
                score = _known(model, goal, material, plain.batch_size, device)
    return Memorised(model=model.eval(), score=score, epochs=epoch)


def _plain(how: Training, count: int) -> Training:
    """The same without what stands in the way, in batches of about one size: one of a single sample has no variance,
    by which batch normalisation would divide."""
    size = math.ceil(count / math.ceil(count / how.batch_size))
    return replace(how, batch_size=size, warm_up=WARM_UP, weight_decay=0.0, average=None)


def _epoch(
    model: nn.Module, steps: Steps, material: Material, order: torch.Generator, watch: Callable[[int], None]
) -> float:
    """One pass over all samples; the score as it was seen."""
    _attend(model)
    scores = torch.zeros((), device=steps.device)
    for inputs, targets in material.batches(steps.how.batch_size, order, steps.device):
        watch(len(inputs))
        scores += steps.take(inputs, targets)[1]
    steps.check()
    return float(scores) / len(material)


def _attend(model: nn.Module) -> None:
    """Training mode, but nothing is dropped."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd):
            module.eval()
        elif isinstance(module, nn.RNNBase | nn.MultiheadAttention):
            module.dropout = 0.0


@torch.no_grad()
def _known(model: nn.Module, goal: Objective, material: Material, size: int, device: torch.device) -> float:
    """The score in evaluation mode."""
    model.eval()
    batches = material.batches(size, torch.Generator().manual_seed(0), device)
    return sum(float(goal(model, inputs, targets)[1]) for inputs, targets in batches) / len(material)
