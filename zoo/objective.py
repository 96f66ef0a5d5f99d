"""The objective: what training makes small, and the score of the same answers beside it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional

from zoo.model import SequenceNetwork
from zoo.task import Samples, Task


class Objective(ABC):
    """The loss of a batch, to be made small, and the sum over its samples of a score that should be large."""

    @abstractmethod
    def targets(self, samples: Samples) -> Shaped[Tensor, "sample ..."]:
        """What is to be answered, one row for each sample."""

    @abstractmethod
    def __call__(
        self, model: nn.Module, inputs: Shaped[Tensor, "sample ..."], targets: Shaped[Tensor, "sample ..."]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        """The mean loss of a batch, with its graph, and the sum of its samples' scores."""


@dataclass(frozen=True)
class CrossEntropy(Objective):
    """−Σ_c q_c log p_c with q = 1 − ε + ε/K for the label and ε/K for every other of K classes; scored by hits.

    Its targets are the probabilities q, so that teachers can give others.
    """

    classes: int
    smoothing: float = 0.0

    def targets(self, samples: Samples) -> Float[Tensor, "sample class"]:
        labels = functional.one_hot(samples.labels, self.classes).float()
        return (1 - self.smoothing) * labels + self.smoothing / self.classes

    def __call__(
        self, model: nn.Module, inputs: Shaped[Tensor, "sample ..."], targets: Float[Tensor, "sample class"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        logits = model(inputs).float()
        hits = (logits.detach().argmax(1) == targets.argmax(1)).sum()
        return functional.cross_entropy(logits, targets), hits.float()


@dataclass(frozen=True)
class StepwiseCrossEntropy(Objective):
    """The mean cross-entropy over all steps at which something is asked (−1: nothing); scored by the share of hits."""

    smoothing: float = 0.0

    def targets(self, samples: Samples) -> Int[Tensor, "sample step"]:
        if samples.answers is None:
            raise TypeError("These samples ask for nothing at each step: they have no answers.")
        return samples.answers

    def __call__(
        self, model: nn.Module, inputs: Shaped[Tensor, "sample ..."], targets: Int[Tensor, "sample step"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        if not isinstance(model, SequenceNetwork):
            raise TypeError(f"{type(model).__name__} answers once, not at every step.")
        logits = model.steps(inputs).float()
        asked = targets >= 0
        hits = ((logits.detach().argmax(2) == targets) & asked).sum()
        loss = functional.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=-1, label_smoothing=self.smoothing
        )
        return loss, hits * len(targets) / asked.sum()


@dataclass(frozen=True)
class SquaredError(Objective):
    """The mean of (ŷ − y)²; scored by 1 − (ŷ − y)² / variance, whose mean over the training split is R²."""

    variance: float
    """Of the training values about their mean."""

    def targets(self, samples: Samples) -> Float[Tensor, "sample output"]:
        if samples.values is None:
            raise TypeError("These samples have no values to predict.")
        return samples.values[:, None]

    def __call__(
        self, model: nn.Module, inputs: Shaped[Tensor, "sample ..."], targets: Float[Tensor, "sample output"]
    ) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
        squares = (model(inputs).float() - targets) ** 2
        return squares.mean(), (1 - squares.detach() / self.variance).sum()


def objective(task: Task, samples: Samples, architecture: type[nn.Module], smoothing: float = 0.0) -> Objective:
    """What a network of this architecture is trained for on these samples of a task."""
    if task.regression:
        if samples.values is None:
            raise TypeError(f"{task.name} is a regression, but its samples have no values.")
        return SquaredError(max(float(samples.values.double().var(unbiased=False)), torch.finfo(torch.float32).tiny))
    if samples.answers is not None and issubclass(architecture, SequenceNetwork):
        return StepwiseCrossEntropy(smoothing)
    return CrossEntropy(len(task.classes), smoothing)
