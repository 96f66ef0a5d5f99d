"""Evaluation: what a model achieves on samples, measured the same way for cards, `verify` and whoever asks."""

import time

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from zoo.card import Metrics
from zoo.model import TraditionalModel
from zoo.quality import expected_calibration_error, macro_f1, negative_log_likelihood, wilson
from zoo.task import Ablatable, Samples, Task

BATCH = 256


def predict(model: nn.Module | TraditionalModel, samples: Samples) -> Float[Tensor, "sample class"]:
    """Logits of samples, in batches, on the CPU."""
    if isinstance(model, TraditionalModel):
        return torch.cat([model.logits(inputs) for inputs in samples.inputs.split(BATCH)])
    device = next(model.parameters()).device
    with torch.no_grad():
        return torch.cat([model(inputs.to(device)).float().cpu() for inputs in samples.inputs.split(BATCH)])


def probabilities(model: nn.Module | TraditionalModel, samples: Samples) -> Float[np.ndarray, "sample class"]:
    """softmax of the logits, in double precision."""
    return predict(model, samples).double().softmax(1).numpy()


def measure(model: nn.Module | TraditionalModel, samples: Samples) -> Metrics:
    """Accuracy and all that a card says beside it."""
    given, labels = probabilities(model, samples), samples.labels.numpy()
    predicted = given.argmax(1)
    correct = int((predicted == labels).sum())
    low, high = wilson(correct, len(labels))
    return Metrics(
        accuracy=correct / len(labels),
        low=low,
        high=high,
        macro_f1=macro_f1(predicted, labels, given.shape[1]),
        negative_log_likelihood=negative_log_likelihood(given, labels),
        calibration_error=expected_calibration_error(given, labels),
        samples=len(labels),
    )


def predict_milliseconds(model: nn.Module | TraditionalModel, samples: Samples, repeats: int = 5) -> float:
    """Per sample, in a batch of up to 256: the least of some repeats, since whatever disturbs a timing only adds."""
    batch = samples.take(range(min(BATCH, len(samples))))
    predict(model, batch)
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        predict(model, batch)
        times.append(time.perf_counter() - start)
    return 1000 * min(times) / len(batch)


def evidence_used(model: nn.Module | TraditionalModel, task: Task, split: str) -> dict[str, float] | None:
    """Whether a model uses the planted evidence: its accuracy without it, and with all else exchanged.

    A model that uses the evidence and nothing else is at chance in the first and keeps its accuracy in the second. None
    where the task cannot be rendered without its evidence. Without this check a poor score would blame an explanation
    for what the model does.
    """
    if not isinstance(task, Ablatable):
        return None
    return {
        "accuracy_without_evidence": measure(model, task.without_evidence(split)).accuracy,
        "accuracy_with_other_rest": measure(model, task.with_other_rest(split)).accuracy,
        "chance": 1 / len(task.classes),
    }
