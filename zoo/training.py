"""Training: one loop for every network of the zoo, seeded, on whichever device there is."""

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor, nn
from torch.nn import functional

from zoo.augmentation import augmentation
from zoo.errors import InputError, unknown
from zoo.loading import untrained
from zoo.model import Network
from zoo.recipe import Recipe, Training
from zoo.task import Samples, Task, TextTask

POOL = 20
"""Batches of text are cut from pools of so many batches, sorted by length, so that little of a batch is padding."""


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network on the CPU, in evaluation mode, and how it came about. `history` has one number per epoch:
    "loss" and "accuracy" of the training batches as the network saw them."""

    model: Network
    history: dict[str, tuple[float, ...]]
    seconds: float


Watch = Callable[[int, float, float], None]
"""Is told, after each epoch, its number from 1, its loss and its accuracy."""


def train(
    plan: Recipe,
    task: Task,
    samples: Samples,
    device: torch.device = torch.device("cpu"),
    watch: Watch | None = None,
) -> Trained:
    """The network of a recipe, trained on these samples.

    On the CPU the same recipe, samples and number of threads give the same weights, bit for bit; on CUDA the loop runs
    under bfloat16 autocast with a fused optimiser and the last bits may differ. Torch's global generators are left
    as they were. Raises `InputError` where the loss stops being a number.
    """
    how = _training(plan)
    start = time.perf_counter()
    history: dict[str, list[float]] = {"loss": [], "accuracy": []}
    with _seeded(plan.seed, device):  # dropout draws from torch's global generator and takes no other
        model = untrained(plan).to(device).train()
        average = copy.deepcopy(model)
        steps = _Steps(model, average, how, math.ceil(len(samples) / how.batch_size) * how.epochs, device)
        order = torch.Generator().manual_seed(plan.seed)
        noise = torch.Generator(device).manual_seed(plan.seed)
        change = augmentation(how.augmentation, task)
        for epoch in range(1, how.epochs + 1):
            total = torch.zeros(2, device=device)
            for inputs, labels in _batches(task, samples, how.batch_size, order, device):
                total += steps.take(inputs if change is None else change(inputs, noise), labels)
            loss, accuracy = (total / len(samples)).tolist()
            if not math.isfinite(loss):
                raise InputError(f"The loss of {plan.name} is not a number in epoch {epoch}. Lower its learning rate.")
            history["loss"].append(loss)
            history["accuracy"].append(accuracy)
            if watch is not None:
                watch(epoch, loss, accuracy)
    kept = model if how.average is None else average
    return Trained(
        model=kept.cpu().eval(),
        history={name: tuple(series) for name, series in history.items()},
        seconds=time.perf_counter() - start,
    )


class _Steps:
    """The optimiser's side of the loop: one step per batch, learning rate and averaged weights included."""

    def __init__(self, model: Network, average: Network, how: Training, total: int, device: torch.device) -> None:
        self.model, self.average, self.how, self.total, self.device = model, average, how, total, device
        self.optimiser = _optimiser(model, how, device)
        self.done = 0

    def take(self, inputs: Tensor, labels: Tensor) -> Tensor:
        """The batch's summed loss and its number of hits, as a tensor: reading them would wait for the device."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.how.learning_rate * schedule(self.done, self.total, self.how.warm_up)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self.model(inputs)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=self.how.label_smoothing)
        self.optimiser.zero_grad()
        loss.backward()
        if self.how.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.how.clip_norm)
        self.optimiser.step()
        self.done += 1
        self._update_average()
        hits = (logits.detach().argmax(1) == labels).sum()
        return torch.stack((loss.detach() * len(labels), hits.to(loss.dtype)))

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of weights and running statistics; short at first, so the start is forgotten."""
        if self.how.average is None:
            return
        decay = min(self.how.average, self.done / (self.done + 10))
        current = self.model.state_dict()
        for name, tensor in self.average.state_dict().items():
            if tensor.is_floating_point():
                tensor.lerp_(current[name], 1 - decay)
            else:
                tensor.copy_(current[name])


def schedule(step: int, total: int, warm_up: float) -> float:
    """Share of the full learning rate at a step: up along a line in the first `warm_up` of all, down along a cosine."""
    rise = warm_up * total
    if step < rise:
        return (step + 1) / max(rise, step + 1)
    return 0.5 * (1 + math.cos(math.pi * (step - rise) / (total - rise)))


def _optimiser(model: Network, how: Training, device: torch.device) -> torch.optim.Optimizer:
    """AdamW or SGD; biases, and the shifts and scales of normalisation, are not decayed."""
    weights = [p for p in model.parameters() if p.ndim > 1]
    others = [p for p in model.parameters() if p.ndim <= 1]
    groups = [{"params": weights, "weight_decay": how.weight_decay}, {"params": others, "weight_decay": 0.0}]
    fused = device.type == "cuda"
    if how.optimiser == "adamw":
        return torch.optim.AdamW(groups, lr=how.learning_rate, fused=fused)
    if how.optimiser == "sgd":
        return torch.optim.SGD(groups, lr=how.learning_rate, momentum=0.9, nesterov=True, fused=fused)
    raise unknown("optimiser", how.optimiser, ("adamw", "sgd"))


def _batches(
    task: Task, samples: Samples, size: int, generator: torch.Generator, device: torch.device
) -> Iterator[tuple[Tensor, Tensor]]:
    """One epoch in random order, on the device; batches of text are no wider than their longest sentence."""
    order = torch.randperm(len(samples), generator=generator)
    if not isinstance(task, TextTask):
        for rows in order.split(size):
            yield samples.inputs[rows].to(device), samples.labels[rows].to(device)
        return
    lengths = (samples.inputs != task.padding).sum(1)
    pools = [pool[lengths[pool].argsort(stable=True)] for pool in order.split(POOL * size)]
    batches = [rows for pool in pools for rows in pool.split(size)]
    for index in torch.randperm(len(batches), generator=generator).tolist():
        rows = batches[index]
        yield samples.inputs[rows, : _longest(lengths[rows])].to(device), samples.labels[rows].to(device)


def _longest(lengths: Int[Tensor, "sample"]) -> int:
    return max(1, int(lengths.max()))


def _training(plan: Recipe) -> Training:
    if plan.training is None:
        raise TypeError(f"{plan.name} is a traditional model: fit it with zoo.loading.fitted.")
    return plan.training


@contextlib.contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global generators set to the seed within the block, and as they were after it."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
