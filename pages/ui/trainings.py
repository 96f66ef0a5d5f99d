"""Trainings: networks trained from the app, beside the pages, one at a time, each with a checkpoint to go on from.

A training is found by its recipe, which follows from the link: it outlives a rerun, a reload and a second window. What
we ship is not touched; its runs lie in a folder of their own.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np

import zoo
from workbench.records import Curve
from zoo import checkpoint
from zoo.card import Metrics
from zoo.checkpoint import Run
from zoo.errors import InputError
from zoo.evaluation import measure
from zoo.recipe import Recipe
from zoo.training import Cancelled, Progress, train


@dataclass(eq=False)
class Training:
    """A training under way or over: how it went so far, and what came of it."""

    plan: Recipe
    resumed: bool
    progress: list[Progress] = field(default_factory=list)
    past: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """The whole history, what was before an interruption included, once it is over."""
    metrics: Metrics | None = None
    problem: str = ""
    called_off: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Train, then measure on the split that is scored; what goes wrong is kept as a sentence."""
        try:
            task = zoo.task(self.plan.task)
            made = train(
                self.plan,
                task,
                task.samples("train"),
                watch=self.progress.append,
                run=run_of(self.plan),
                resume=self.resumed,
                cancelled=self.called_off.is_set,
            )
            self.past = made.history
            self.metrics = measure(made.model, task.samples(task.scored))
            run_of(self.plan).finish()
        except Cancelled:
            self.problem = "Called off. What was learnt until the last whole epoch is kept: go on whenever you like."
        except InputError as error:
            self.problem = str(error)
        except MemoryError:
            self.problem = "There is not enough memory for this training. Choose a smaller batch."
        finally:
            self.over.set()

    @property
    def epoch(self) -> int:
        """How many epochs are done."""
        return self.progress[-1].epoch if self.progress else 0


class Board:
    """The one training of this server, and those that are over."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._trainings: dict[str, Training] = {}

    def find(self, plan: Recipe) -> Training | None:
        """The training of this very recipe, if it was ever begun here."""
        with self._lock:
            return self._trainings.get(_key(plan))

    def busy(self) -> Training | None:
        """The training that is under way."""
        with self._lock:
            return next((each for each in self._trainings.values() if not each.over.is_set()), None)

    def begin(self, plan: Recipe, resume: bool) -> Training:
        """Start a training, or find it under way; `InputError` while another one has the machine."""
        with self._lock:
            current = next((each for each in self._trainings.values() if not each.over.is_set()), None)
            if current is not None:
                if _key(current.plan) == _key(plan):
                    return current
                raise InputError(f"{current.plan.name} is being trained. Wait until it is over, or call it off.")
            made = self._trainings[_key(plan)] = Training(plan, resume)
        threading.Thread(target=made.run, name=f"train {plan.name}", daemon=True).start()
        return made


@cache
def board() -> Board:
    """The one board of this process."""
    return Board()


def networks(task: str) -> list[str]:
    """The networks of a task that have a recipe."""
    return [name for name, plan in zoo.RECIPES.items() if plan.task == task and plan.training is not None]


def plan_of(name: str, seed: int, **changes: object) -> Recipe:
    """A recipe of the zoo with other settings, for one seed; without teachers, which would take several trainings."""
    plan = zoo.recipe(name)
    if plan.training is None:
        raise InputError(f"{name} is a traditional model, which is fitted and not trained. Choose a network.")
    return replace(plan, seed=seed, seeds=1, training=replace(plan.training, distillation=None, **changes))  # type: ignore[arg-type]


def run_of(plan: Recipe) -> Run:
    """The folder of a training from the app: apart from those of the command line, and one for each setting."""
    return Run(checkpoint.run(plan).folder.parent / "app" / f"{plan.name}-{_key(plan)}")


def kept(plan: Recipe) -> bool:
    """Whether there is a checkpoint to go on from."""
    return run_of(plan).file.exists()


def curve(training: Training) -> Curve:
    """Loss and score per epoch, as far as it went; after a resumption the part before it appears when all is over."""
    names = list(training.past) or ["loss", "score"]
    if training.past:
        lines: Sequence[Sequence[float]] = list(training.past.values())
        first = 1
    else:
        lines = [[each.loss for each in training.progress], [each.score for each in training.progress]]
        first = training.progress[0].epoch
    return Curve(
        title=f"Training of {training.plan.name}, seed {training.plan.seed}",
        x=np.arange(first, first + len(lines[0]), dtype=float),
        y=np.array(lines),
        labels=tuple(names),
        x_title="epoch",
        y_title="loss; score, share",
    )


def _key(plan: Recipe) -> str:
    return plan.digest()[:12]
