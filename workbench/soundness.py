"""Soundness: whether samples are what a task is made of, and answers what a model owes."""

from typing import Any

import torch
from torch import Tensor, nn

from zoo.errors import InputError
from zoo.task import Kind, Samples, Task, TextTask


def check_samples(samples: Samples, task: Task) -> None:
    """Raise `InputError` where samples are not what the task is made of: counts, labels, shape, type, finite values."""
    if not len(samples):
        raise InputError(f"No samples were given. Give at least one of {task.name}, for example {task.scored}:0.")
    for name in ("inputs", "labels"):
        if not isinstance(given := getattr(samples, name), Tensor):
            raise InputError(
                f"The {name} are of the type {type(given).__name__}; a torch tensor is needed. Use torch.from_numpy."
            )
    _check_labels(samples, task)
    if task.kind is Kind.TEXT:
        _check_tokens(samples.inputs, task)
    else:
        _check_numbers(samples.inputs, task)


def check_logits(logits: Any, count: int, task: Task) -> None:
    """Raise `InputError` where a module's answer to `count` samples is not one logit per sample and class."""
    classes = len(task.classes)
    if isinstance(logits, Tensor) and logits.shape == (count, classes) and logits.is_floating_point():
        return
    shown = f"{logits.dtype} of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else type(logits).__name__
    raise InputError(
        f"For {count} samples of {task.name} the module returned {shown}; a (sample, {classes}-class) tensor of logits "
        "is needed. Wrap it in a module that returns that."
    )


def probe(network: nn.Module, inputs: Tensor, task: Task) -> None:
    """Raise `InputError` where a network cannot read one sample, or answers with something else than logits."""
    try:
        with torch.no_grad():
            logits = network(inputs)
    except (RuntimeError, IndexError) as error:
        if is_out_of_memory(error):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"The module cannot read inputs of shape {tuple(inputs.shape)}, as {task.name} has them ({reason}). "
            "Give a module made for that shape."
        ) from error
    check_logits(logits, len(inputs), task)


def check_classes(classes: Tensor, logits: Tensor) -> None:
    """Raise `InputError` where the classes to explain are not one for each sample, or none of the model's."""
    count = logits.shape[1]
    whole = classes.shape == (len(logits),) and not classes.is_floating_point()
    if not whole or (classes < 0).any() or (classes >= count).any():
        raise InputError(
            f"The classes {classes.tolist()} are not one for each of {len(logits)} samples. Give whole numbers from 0 "
            f"to {count - 1}, in the order of the samples."
        )


def is_out_of_memory(error: Exception) -> bool:
    """Whether there was too little memory; of a CPU torch says so in the text of a RuntimeError alone."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "DefaultCPUAllocator" in str(error)


def _check_labels(samples: Samples, task: Task) -> None:
    inputs, labels, classes = samples.inputs, samples.labels, len(task.classes)
    if labels.ndim != 1 or not len(inputs) == len(labels) == len(samples.ids):
        raise InputError(
            f"There are {len(inputs)} inputs, {labels.numel()} labels and {len(samples.ids)} ids. Give one label and "
            "one id for each input."
        )
    wrong = labels[(labels < -1) | (labels >= classes)]
    if len(wrong):
        raise InputError(
            f"{task.name} has no label {wrong[0].item()}, only classes 0 to {classes - 1}. Use -1 where it is unknown."
        )


def _check_tokens(inputs: Tensor, task: Task) -> None:
    if inputs.ndim != 2 or inputs.is_floating_point() or (inputs < 0).any():
        raise InputError(
            f"{task.name} takes token ids (whole numbers, sample × token), not {inputs.dtype} of shape "
            f"{tuple(inputs.shape)}. Make them with the task's encode([text])."
        )
    longest, vocabulary = (task.longest, task.vocabulary) if isinstance(task, TextTask) else (None, None)
    if longest is not None and inputs.shape[1] > longest:
        raise InputError(
            f"These samples have {inputs.shape[1]} tokens, but {task.name} is read up to {longest}. Shorten them."
        )
    if vocabulary is not None and inputs.numel() and inputs.max() >= vocabulary:
        raise InputError(
            f"{task.name} has no token id {int(inputs.max())}, only ids from 0 to {vocabulary - 1}. Make them with the "
            "task's encode([text])."
        )


def _check_numbers(inputs: Tensor, task: Task) -> None:
    wanted = tuple(task.samples(task.scored).inputs.shape[1:])
    if tuple(inputs.shape[1:]) != wanted:
        raise InputError(
            f"{task.name} takes inputs of {' × '.join(task.axes)} = {' × '.join(map(str, wanted))}, not "
            f"{' × '.join(map(str, inputs.shape[1:]))}. Resize them to that."
        )
    if not inputs.is_floating_point():
        raise InputError(f"{task.name} takes numbers like 0.5 (float32), not {inputs.dtype}. Use inputs.float().")
    if not inputs.isfinite().all():
        raise InputError("Some inputs are not finite (NaN or infinity). Leave those samples out or fill the gaps.")
