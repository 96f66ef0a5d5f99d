"""The twin: a model made like another that has learnt permuted answers by heart, and so nothing of what they mean."""

import copy
import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor, nn

import zoo
from workbench.chance import generator
from workbench.quantity import fixed
from workbench.randomisation import randomised
from workbench.subject import Subject, to_numpy
from zoo.errors import InputError
from zoo.memorisation import known_from, memorise
from zoo.model import TraditionalModel
from zoo.quality import r_squared
from zoo.recipe import Recipe, Training
from zoo.steps import Diverged
from zoo.task import Samples, Task
from zoo.training import WAIT, started

UNKNOWN = Training(epochs=1, batch_size=32, learning_rate=1e-3)
"""How a network is trained that no recipe tells of: by AdamW, at its usual rate."""
KEPT = 8
"""Twins that are remembered."""
TOLD_BY = 8
"""Training samples whose answers tell a model from another one with the same weights."""
REMEDY = "Give a model that can be trained on its task's training samples, or leave this metric out."


@dataclass(frozen=True, kw_only=True, eq=False)
class Twin:
    """The twin as a subject, and how well it knows the permuted answers that it was shown: the share that is right or,
    of numbers, R²."""

    subject: Subject
    score: float
    samples: int
    epochs: int | None
    """None of a traditional model, which is fitted at once."""
    seconds: float

    @property
    def is_known_by_heart(self) -> bool:
        """Whether it has learnt what it was shown: 95 % of the answers or, of numbers, an R² of 0.9."""
        return self.score >= known_from(self.subject.task)

    @property
    def sentence(self) -> str:
        """What it has learnt, and whether that is by heart."""
        least, task = known_from(self.subject.task), self.subject.task
        score, needed = (
            f"R² {fixed(value, 2)}" if task.regression else f"{fixed(100 * value, 0)} %"
            for value in (self.score, least)
        )
        after = "" if self.epochs is None else f" after {self.epochs} epoch{'' if self.epochs == 1 else 's'}"
        short = "" if self.is_known_by_heart else f", less than the {needed} that count as known by heart"
        knows = f"gives {self.samples} with {score}" if task.regression else f"knows {score} of {self.samples}"
        return f"The twin that was trained on permuted answers {knows}{after}{short}."


def twin(subject: Subject, n_train: int, n_epochs: int, seed: int) -> Twin:
    """A model made like the subject's, trained on training samples whose answers were permuted.

    On `n_train` samples drawn by the seed, for at most `n_epochs` or until it knows them by heart. A network of the zoo
    is made by its recipe, from another seed than its own, and trained by the recipe's optimiser and rates; of any other
    network a copy is drawn anew (`redrawn`); a traditional model is fitted again, with its own settings.

    Twins are remembered by the content of the model and its task, so that all methods meet the same one; where the
    training was called off nothing is. The subject is left as it was. Raises `InputError` where permuting changes
    nothing, or the model cannot be trained.
    """
    shown = permuted(subject.task, n_train, seed)
    answers = hashlib.sha256(to_numpy(subject.logits(shown.inputs[:TOLD_BY])).tobytes()).digest()
    model = (type(subject.model), subject.name, subject.digest or id(subject.model), answers)
    key = (*model, subject.task, str(subject.device), n_train, n_epochs, seed)
    return _TWINS.get(key, lambda: _made(subject, shown, n_epochs, seed), subject)


def permuted(task: Task, n_train: int, seed: int) -> Samples:
    """So many training samples, at least one of each class, that have each other's answers: the labels, numbers and
    answers at every step of one go together."""
    if "train" not in task.splits:
        raise InputError(f"{task.name} has no training split whose answers could be permuted. {REMEDY}")
    whole, chance = task.samples("train"), generator(seed, "twin", "samples")
    order = torch.randperm(len(whole), generator=chance)
    first = _firsts(whole.labels[order])
    chosen = whole.take(torch.cat((order[first], order[~first]))[:n_train].tolist())
    if (chosen.labels < 0).any():
        raise InputError(f"Not every training sample of {task.name} has a label that could be permuted. {REMEDY}")
    lot = torch.randperm(len(chosen), generator=chance).tolist()
    drawn = chosen.take(lot)
    kept = ((getattr(drawn, name), getattr(chosen, name)) for name in ("labels", "values", "answers"))
    if all(new is None or torch.equal(new, old) for new, old in kept):
        raise InputError(
            f"Of {task.name} {len(chosen)} training samples have the same answer, and permuting it changes nothing. "
            "Use a task whose samples differ in their answers."
        )
    return replace(chosen, labels=drawn.labels, values=drawn.values, answers=drawn.answers)


def redrawn(network: nn.Module, seed: int) -> nn.Module:
    """The network without what it has learnt, in single precision: modules that can draw their parameters anew
    (`reset_parameters`, by torch's current generator) do so, the entries of all others are permuted.

    Works in place; give it a full copy.
    """
    randomised(network, seed)
    for module in network.modules():
        if callable(reset := getattr(module, "reset_parameters", None)):
            reset()
    for parameter in network.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    return network.float()


def _firsts(labels: Int[Tensor, "sample"]) -> Bool[Tensor, "sample"]:
    """Where a label is met for the first time."""
    found = torch.zeros(len(labels), dtype=torch.bool)
    found[torch.from_numpy(np.unique(labels.numpy(), return_index=True)[1])] = True
    return found


def _made(subject: Subject, shown: Samples, n_epochs: int, seed: int) -> Twin:
    start = time.perf_counter()
    try:
        traditional = isinstance(subject.model, TraditionalModel)
        of, score, epochs = (_refitted if traditional else _trained)(subject, shown, n_epochs, seed)
    except Diverged as error:
        raise InputError(f"The loss of a twin of {subject.name} is no number at step {error.step}. {REMEDY}") from None
    except InputError:
        raise
    except (RuntimeError, ValueError, TypeError) as error:  # whatever a module that was never trained makes of it
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"A twin of {subject.name} cannot be trained ({reason}). {REMEDY}") from error
    seconds = time.perf_counter() - start
    return Twin(subject=of, score=score, samples=len(shown), epochs=epochs, seconds=seconds)


def _refitted(subject: Subject, shown: Samples, _: int, seed: int) -> tuple[Subject, float, None]:
    model = copy.deepcopy(subject.model)
    assert isinstance(model, TraditionalModel)
    model.fit(shown, subject.task, seed)
    of = subject.with_model(model)
    logits = to_numpy(of.logits(shown.inputs))
    if shown.values is not None:
        return of, r_squared(logits[:, 0], to_numpy(shown.values)), None
    return of, float((logits.argmax(1) == to_numpy(shown.labels)).mean()), None


def _trained(subject: Subject, shown: Samples, n_epochs: int, seed: int) -> tuple[Subject, float, int]:
    if not any(parameter.is_floating_point() for parameter in subject.network.parameters()):
        raise InputError(f"{subject.name} has no weights that could be trained. {REMEDY}")
    other = int(generator(seed, "twin", "weights").initial_seed() % 2**31)  # the model's own seed gives its own start
    plan = _recipe(subject)
    how = UNKNOWN if plan is None or plan.training is None else plan.training

    def start() -> nn.Module:
        if plan is None:
            return redrawn(subject.editable(), other)
        return started(replace(plan, seed=other), subject.task, subject.task.samples("train"))

    def watch(count: int) -> None:
        subject.meter.add(forward=count, backward=count)

    how = replace(how, epochs=n_epochs)
    found = memorise(start, how, subject.task, shown, other, subject.device, watch)
    return subject.with_model(found.model), found.score, found.epochs


def _recipe(subject: Subject) -> Recipe | None:
    """The recipe of a network of the zoo, if these are its weights; None of any other."""
    if subject.name not in zoo.RECIPES:
        return None
    try:
        return zoo.recipe(subject.name) if zoo.card(subject.name).digest == subject.digest else None
    except InputError:
        return None


class _Twins:
    """The latest twins, by what they are of. One is made once; meanwhile those who ask for another new one wait."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._found: OrderedDict[Hashable, tuple[Twin, object]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], Twin], subject: Subject) -> Twin:
        """The twin of this key, which belongs to the subject; whoever watches that may call the wait off."""
        if (found := self._found.get(key)) is not None:
            return found[0]
        while not self._turn.acquire(timeout=WAIT):
            subject.meter.add(forward=0)
        try:
            if key not in self._found:
                self._found[key] = make(), subject.model  # no other one gets its id as long as it is kept
            found = self._found[key]
            while len(self._found) > KEPT:
                self._found.popitem(last=False)
            return found[0]
        finally:
            self._turn.release()


_TWINS = _Twins()
