"""Samples of a task as a record, to be looked at: what is in them, what is asked, and where the reason was planted."""

import numpy as np
import torch

from workbench.quantity import significant
from workbench.records import Gallery
from zoo.task import Samples, Task


def gallery(task: Task, samples: Samples) -> Gallery:
    """These samples, each with what is asked of it and, on planted tasks, its evidence."""
    return Gallery(
        title=f"{task.title}: samples of the split {samples.ids[0].partition(':')[0]}" if samples.ids else task.title,
        inputs=samples.inputs.numpy(),
        axes=("sample", *task.axes),
        sample_ids=samples.ids,
        captions=tuple(asked(task, samples, index) for index in range(len(samples))),
        evidence=None if samples.evidence is None else samples.evidence.numpy(),
        tokens=samples.tokens,
        feature_names=task.features,
        provenance={"task": task.name, "source": task.source},
    )


def asked(task: Task, samples: Samples, index: int) -> str:
    """What is asked of a sample: its class, its value, or the class at each step of the output."""
    if samples.values is not None:
        return significant(float(samples.values[index]), 3)
    if samples.answers is not None:
        steps = [task.classes[int(step)] for step in samples.answers[index] if step >= 0]
        return " ".join(steps[-MOST_STEPS:])
    label = int(samples.labels[index])
    return task.classes[label] if label >= 0 else "not labelled"


MOST_STEPS = 12
"""Of a sequence's answers that are written out: the last ones."""


def of_each_class(task: Task, split: str, count: int) -> Samples:
    """The first samples of a split, as many of each class as there is room for; of regression from low to high."""
    samples = task.samples(split)
    if samples.values is not None:
        rising = samples.values[: 50 * count].argsort()
        return samples.take(rising[torch.linspace(0, len(rising) - 1, min(count, len(rising))).long()].tolist())
    labels = samples.labels.numpy()
    turn = np.zeros(len(labels), dtype=int)
    for label in np.unique(labels):
        rows = labels == label
        turn[rows] = np.arange(rows.sum())
    order = np.lexsort((labels, turn))[:count]
    return samples.take(sorted(order.tolist(), key=lambda row: (labels[row], row)))
