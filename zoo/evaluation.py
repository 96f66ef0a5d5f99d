"""Evaluation: what a model achieves on samples, measured the same way for cards, `verify` and whoever asks."""

import time

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from zoo.metrics import ClassMetrics, Metrics, NumberMetrics
from zoo.model import Network, SequenceNetwork, TraditionalModel
from zoo.quality import (
    bootstrap_r_squared,
    expected_calibration_error,
    macro_f1,
    macro_precision,
    macro_recall,
    mae,
    negative_log_likelihood,
    r_squared,
    rmse,
    wilson,
)
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
    """The score of a model, and all that a card says beside it.

    Of regression R², with a bootstrap interval. Of classes the accuracy with Wilson's interval: over samples or, where
    samples ask for a class at several steps and the model answers at each, over all steps at which something is asked.
    The interval then still counts samples and not steps, since the steps of one sample go right or wrong together.
    """
    if samples.values is not None:
        return _number_metrics(predict(model, samples)[:, 0].numpy(), samples.values.numpy())
    if samples.answers is not None and isinstance(model, SequenceNetwork):
        return _class_metrics(*_at_steps(model, samples.inputs, samples.answers), len(samples))
    return _class_metrics(probabilities(model, samples), samples.labels.numpy(), len(samples))


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
    """Whether a model uses the planted evidence: its score without it, and with all else exchanged.

    A model that uses the evidence and nothing else is at chance in the first and keeps its score in the second. None
    where the task cannot be rendered without its evidence. Without this check a poor score would blame an explanation
    for what the model does. `chance` is the accuracy of guessing, or the R² of predicting the mean.
    """
    if not isinstance(task, Ablatable):
        return None
    return {
        "without_evidence": measure(model, task.without_evidence(split)).score,
        "with_other_rest": measure(model, task.with_other_rest(split)).score,
        "chance": 0.0 if task.regression else 1 / len(task.classes),
    }


def _at_steps(
    model: Network, inputs: Shaped[Tensor, "sample ..."], answers: Int[Tensor, "sample step"]
) -> tuple[Float[np.ndarray, "answer class"], Int[np.ndarray, "answer"]]:
    """Probabilities and answers at every step at which something is asked."""
    device = next(model.parameters()).device
    given = []
    with torch.no_grad():
        for batch, wanted in zip(inputs.split(BATCH), answers.split(BATCH), strict=True):
            logits = model.steps(batch.to(device)).cpu()  # type: ignore[operator]
            given.append(logits[wanted >= 0].double().softmax(1))
    return torch.cat(given).numpy(), answers[answers >= 0].numpy()


def _class_metrics(
    given: Float[np.ndarray, "answer class"], labels: Int[np.ndarray, "answer"], samples: int
) -> ClassMetrics:
    predicted, classes = given.argmax(1), given.shape[1]
    accuracy = float((predicted == labels).mean())
    low, high = wilson(accuracy * samples, samples)
    return ClassMetrics(
        accuracy=accuracy,
        low=min(low, accuracy),
        high=max(high, accuracy),
        macro_f1=macro_f1(predicted, labels, classes),
        macro_precision=macro_precision(predicted, labels, classes),
        macro_recall=macro_recall(predicted, labels, classes),
        negative_log_likelihood=negative_log_likelihood(given, labels),
        calibration_error=expected_calibration_error(given, labels),
        samples=samples,
        answers=len(labels),
    )


def _number_metrics(predicted: Float[np.ndarray, "sample"], values: Float[np.ndarray, "sample"]) -> NumberMetrics:
    low, high = bootstrap_r_squared(predicted, values)
    return NumberMetrics(
        r_squared=r_squared(predicted, values),
        low=low,
        high=high,
        rmse=rmse(predicted, values),
        mae=mae(predicted, values),
        samples=len(values),
    )
