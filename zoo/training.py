"""Training: one loop for every network of the zoo, seeded, on whichever device there is."""

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from zoo.augmentation import augmentation
from zoo.cooccurrence import cooccurrence
from zoo.denormals import flushed
from zoo.discovery import find
from zoo.errors import InputError, unknown
from zoo.loading import untrained
from zoo.material import Material, from_teachers
from zoo.model import Network
from zoo.objective import Objective, objective
from zoo.recipe import Recipe, Training
from zoo.recipes import recipe
from zoo.task import Samples, Task, TextTask


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network on the CPU, in evaluation mode, and how it came about. `history` has one number per epoch:
    "loss" and "accuracy" of the training batches as the network saw them."""

    model: Network
    history: dict[str, tuple[float, ...]]
    seconds: float


Watch = Callable[[str, int, int, float, float], None]
"""Is told, after each epoch: what is being trained, the epoch from 1 and how many there are, loss and accuracy."""


def train(
    plan: Recipe,
    task: Task,
    samples: Samples,
    device: torch.device = torch.device("cpu"),
    watch: Watch | None = None,
    called: str | None = None,
) -> Trained:
    """The network of a recipe, trained on these samples; `called` is its name to the watcher.

    On the CPU the same recipe, samples and number of threads give the same weights, bit for bit; on CUDA the loop runs
    under bfloat16 autocast with a fused optimiser and the last bits may differ. Torch's global generators are left
    as they were. Raises `InputError` where the loss stops being a number.
    """
    how = _training(plan)
    start = time.perf_counter()
    goal = objective(task, samples, find("zoo.models", Network, plan.family, "network"), how.label_smoothing)
    material = _material(plan, task, samples, goal, device, watch)
    history: dict[str, list[float]] = {"loss": [], "accuracy": []}
    with _seeded(plan.seed, device), flushed():  # dropout draws from torch's global generator and takes no other
        model = _started(plan, task, samples).to(device).train()
        steps = _Steps(model, how, goal, math.ceil(len(material) / how.batch_size) * how.epochs, device)
        order = torch.Generator().manual_seed(plan.seed)
        noise = torch.Generator(device).manual_seed(plan.seed)
        change = augmentation(how.augmentation, task)
        for epoch in range(1, how.epochs + 1):
            total = torch.zeros(2, device=device)
            for inputs, targets in material.batches(how.batch_size, order, device):
                total += steps.take(inputs if change is None else change(inputs, noise), targets)
            loss, accuracy = (total / len(material)).tolist()
            if not math.isfinite(loss):
                raise InputError(f"The loss of {plan.name} is not a number in epoch {epoch}. Lower its learning rate.")
            history["loss"].append(loss)
            history["accuracy"].append(accuracy)
            if watch is not None:
                watch(called or plan.name, epoch, how.epochs, loss, accuracy)
    kept = {name: tuple(series) for name, series in history.items()}
    return Trained(model=steps.kept.cpu().eval(), history=kept, seconds=time.perf_counter() - start)


def _material(
    plan: Recipe, task: Task, samples: Samples, goal: Objective, device: torch.device, watch: Watch | None
) -> Material:
    """What is to be learnt; teachers are trained first where the recipe has any."""
    how = _training(plan)
    if how.distillation is None:
        return Material(task=task, inputs=samples.inputs, targets=goal.targets(samples))
    if not isinstance(task, TextTask):
        raise TypeError(f"Distillation shows stretches of text; {task.name} is {task.kind}.")
    plans = [
        replace(
            recipe(name),
            seed=100 * (plan.seed + 1) + number,
            training=replace(_training(recipe(name)), distillation=None),
        )
        for name in how.distillation.teachers
        for number in range(how.distillation.copies)
    ]
    teachers = tuple(
        train(each, task, samples, device, watch, f"teacher {i} of {len(plans)}").model.to(device)
        for i, each in enumerate(plans, start=1)
    )
    return from_teachers(task, samples, teachers, how.distillation.share)


def _started(plan: Recipe, task: Task, samples: Samples) -> Network:
    """The untrained network, its embedding table started as the recipe says."""
    model, start = untrained(plan), _training(plan).embedding_start
    if start is None:
        return model
    if start != "cooccurrence" or not isinstance(task, TextTask):
        raise unknown("start of the embedding", start, ("cooccurrence",))
    table = model.get_parameter("embedding.weight")
    with torch.no_grad():
        table.copy_(cooccurrence(samples.inputs, table.shape[0], table.shape[1], task.padding, task.missing))
    return model


class _Steps:
    """The optimiser's side of the loop: one step per batch, learning rate and averaged weights included."""

    def __init__(self, model: Network, how: Training, goal: Objective, total: int, device: torch.device) -> None:
        self.model, self.how, self.goal, self.total, self.device = model, how, goal, total, device
        self.kept = model if how.average is None else copy.deepcopy(model)
        self.optimiser = _optimiser(model, how, device)
        self.done = 0

    def take(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """The batch's summed loss and score, as a tensor: reading them would wait for the device."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["full"] * schedule(self.done, self.total, self.how.warm_up)
        short = self.device.type == "cuda" or self.how.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=short):
            loss, score = self.goal(self.model, inputs, targets)
        self.optimiser.zero_grad()
        loss.backward()
        if self.how.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.how.clip_norm)
        self.optimiser.step()
        self.done += 1
        self._update_average()
        return torch.stack((loss.detach() * len(targets), score))

    @torch.no_grad()
    def _update_average(self) -> None:
        """Exponential moving average of weights and running statistics; short at first, so the start is forgotten."""
        if self.how.average is None:
            return
        decay = min(self.how.average, self.done / (self.done + 10))
        current = self.model.state_dict()
        for name, tensor in self.kept.state_dict().items():
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
    """AdamW or SGD. Biases, and shifts and scales of normalisation, are not decayed; an embedding table may have a
    learning rate of its own, since most of its rows are rarely used."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        own = how.embedding_rate if name == "embedding.weight" else None
        rate = how.learning_rate if own is None else own
        groups.setdefault((rate, how.weight_decay if parameter.ndim > 1 else 0.0), []).append(parameter)
    settings = [{"params": p, "lr": r, "full": r, "weight_decay": d} for (r, d), p in groups.items()]
    fused = device.type == "cuda"
    if how.optimiser == "adamw":
        return torch.optim.AdamW(settings, betas=how.betas, fused=fused)
    if how.optimiser == "sgd":
        return torch.optim.SGD(settings, momentum=how.betas[0], nesterov=True, fused=fused)
    raise unknown("optimiser", how.optimiser, ("adamw", "sgd"))


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
