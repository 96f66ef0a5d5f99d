"""Training: one loop for every network of the zoo, seeded, on whichever device there is."""

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch

from zoo import distributed
from zoo.augmentation import augmentation
from zoo.checkpoint import Run, here
from zoo.cooccurrence import cooccurrence
from zoo.course import Course, Progress
from zoo.denormals import flushed
from zoo.discovery import find
from zoo.errors import InputError, unknown
from zoo.initialisation import start_weights
from zoo.loading import data_digest, untrained
from zoo.material import Material, from_teachers
from zoo.model import Network
from zoo.objective import Objective, objective
from zoo.recipe import Recipe, Training
from zoo.recipes import recipe
from zoo.steps import Diverged, Steps
from zoo.stopping import hold_out
from zoo.task import Samples, Task, TextTask


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A trained network on the CPU, in evaluation mode, and how it came about.

    `history` has one number per epoch: "loss", and "accuracy" (of a regression "r_squared"), of the training batches as
    the network saw them; where a part was held out, the same of that part as "held_out_loss" and so on.
    """

    model: Network
    history: dict[str, tuple[float, ...]]
    seconds: float
    resumed: bool = False
    """Whether it went on from a checkpoint, so that what was measured meanwhile is of a part only."""


class Cancelled(Exception):
    """Whoever called for a training has called it off."""


_TURN = threading.Lock()
WAIT = 0.1
"""Seconds between two looks whether a training that waits for its turn was called off."""
Watch = Callable[[Progress], None]
"""Is told how a training stands, after each epoch."""


def train(
    plan: Recipe,
    task: Task,
    samples: Samples,
    device: torch.device = torch.device("cpu"),
    watch: Watch | None = None,
    called: str | None = None,
    *,
    run: Run | None = None,
    resume: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> Trained:
    """The network of a recipe, trained on these samples; `called` is its name to the watcher.

    On the CPU the same recipe, samples and number of threads give the same weights, bit for bit, where no other thread
    of the process uses torch's global generator meanwhile (trainings wait for each other; making a network uses it).
    On CUDA the loop runs under bfloat16 autocast with a fused optimiser and the last bits may differ. The generator is
    left as it was.

    With a `run` the training can go on after whatever ended it: with `resume` from the run's last checkpoint, where it
    has one, and on the CPU to the same bits as if nothing had happened. Teachers are trained again, since they keep no
    checkpoints. `cancelled` is asked before every batch, from the thread that trains, and ends it with `Cancelled`
    (`threading.Event().is_set`, for example); `watch` may raise what it likes. After either, and after Ctrl-C, the run
    has the state at the end of the last whole epoch.

    Raises `InputError` where the loss stops being a number, or the checkpoint is of another training.
    """
    how, start = _training(plan), time.perf_counter()
    shown, held = (samples, None) if how.patience is None else hold_out(samples, how.held_out, plan.seed)
    goal = objective(task, shown, find("zoo.models", Network, plan.family, "network"), how.label_smoothing)
    material = _material(plan, task, shown, goal, device, watch, cancelled).on(device)
    held_out = None if held is None else _answered(task, held, goal).on(device)
    total = math.ceil(len(material) / how.batch_size) * how.epochs
    with alone(cancelled), seeded(plan.seed, device), flushed():
        steps = Steps(started(plan, task, shown).to(device).train(), how, goal, total, device)
        score = "r_squared" if task.regression else "accuracy"
        course = Course(plan.seed, how, steps, score, held_out, start)
        change = augmentation(how.augmentation, task)
        with _diverging(plan, run), _kept(run, course, plan, samples, resume) as keep:
            while not course.is_over:
                totals = torch.zeros(2, device=device)
                for inputs, targets in material.batches(how.batch_size, course.order, device):
                    if cancelled():
                        raise Cancelled(f"The training of {plan.name} was called off in epoch {course.epoch + 1}.")
                    totals += steps.take(inputs if change is None else change(inputs, course.noise), targets)
                course.end_epoch(totals / len(material))
                keep()
                if watch is not None:
                    watch(course.progress(called or plan.name, run.trouble if run else None))
    model = course.finished().cpu().eval()
    return Trained(model=model, history=course.past, seconds=course.seconds, resumed=course.resumed)


@contextlib.contextmanager
def _kept(
    run: Run | None, course: Course, plan: Recipe, samples: Samples, resume: bool
) -> Iterator[Callable[[], None]]:
    """Start a course from its run's checkpoint, or anew; within the block, the function given keeps the state after an
    epoch. However the block ends, the last state that was kept is on the disk after it."""
    if run is None:
        yield lambda: None
        return
    origin = here(plan, data_digest(samples), course.steps.device, distributed.processes())
    if resume and (last := run.last(origin)) is not None:
        course.restore(last)
    if distributed.rank() > 0:
        yield lambda: None
        return

    def keep() -> None:
        if course.is_on_path:
            run.keep_point(course.point())
        if course.epoch > 0:
            run.offer(course.checkpoint(origin))

    if course.epoch == 0:
        run.start()
        keep()
    try:
        yield keep
    finally:
        run.flush()


@contextlib.contextmanager
def _diverging(plan: Recipe, run: Run | None) -> Iterator[None]:
    """Say in a sentence where a loss stopped being a number, and what is left of the training."""
    try:
        yield
    except Diverged as error:
        left = ""
        if run is not None and run.saved is not None:
            left = f" The state after epoch {run.saved} is kept in {run.folder}."
        raise InputError(
            f"The loss of {plan.name} is not a number at step {error.step:,}, at a learning rate of {error.rate:.3g}. "
            f"Lower its learning rate, or clip its gradients (clip_norm).{left}"
        ) from None


def _material(
    plan: Recipe,
    task: Task,
    samples: Samples,
    goal: Objective,
    device: torch.device,
    watch: Watch | None,
    cancelled: Callable[[], bool],
) -> Material:
    """What is to be learnt; teachers are trained first where the recipe has any."""
    how = _training(plan)
    if how.distillation is None:
        return _answered(task, samples, goal)
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
        train(each, task, samples, device, watch, f"teacher {i} of {len(plans)}", cancelled=cancelled).model.to(device)
        for i, each in enumerate(plans, start=1)
    )
    return from_teachers(task, samples, teachers, how.distillation.share)


def _answered(task: Task, samples: Samples, goal: Objective) -> Material:
    """Samples with what they ask for."""
    return Material(task=task, inputs=samples.inputs, targets=goal.targets(samples))


def started(plan: Recipe, task: Task, samples: Samples) -> Network:
    """The untrained network, its weights and its embedding table started as the recipe says."""
    model, how = untrained(plan), _training(plan)
    if how.initialisation is not None:
        start_weights(model, how.initialisation, plan.seed, str(plan.options.get("activation", "relu")))
    model.look(samples.inputs)
    if how.embedding_start is None:
        return model
    if how.embedding_start != "cooccurrence" or not isinstance(task, TextTask):
        raise unknown("start of the embedding", how.embedding_start, ("cooccurrence",))
    table = model.get_parameter("embedding.weight")
    with torch.no_grad():
        table.copy_(cooccurrence(samples.inputs, table.shape[0], table.shape[1], task.padding, task.missing))
    return model


def _training(plan: Recipe) -> Training:
    if plan.training is None:
        raise TypeError(f"{plan.name} is a traditional model: fit it with zoo.loading.fitted.")
    return plan.training


@contextlib.contextmanager
def alone(cancelled: Callable[[], bool]) -> Iterator[None]:
    """One training at a time in a process: dropout draws from torch's global generator, of which there is one."""
    while not _TURN.acquire(timeout=WAIT):
        if cancelled():
            raise Cancelled("The training was called off before its turn came.")
    try:
        yield
    finally:
        _TURN.release()


@contextlib.contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Torch's global generators set to the seed within the block, and as they were after it."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
