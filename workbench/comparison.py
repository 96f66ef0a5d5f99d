"""Comparison: networks and traditional models on the same samples, by the same measures, with intervals."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Self

import numpy as np
from jaxtyping import Bool, Float, Int

import zoo
from workbench import contest
from workbench.contest import Entry, Figure, Lead
from workbench.prediction import Predictions
from workbench.provenance import provenance
from workbench.records import Column, Curve, Table
from workbench.scoring import interval
from workbench.subject import load, to_numpy
from zoo.errors import InputError
from zoo.evaluation import measure, predict_milliseconds
from zoo.loading import fitted
from zoo.quality import CONFIDENCE, LEAST_PROBABILITY, expected_calibration_error, wilson
from zoo.task import Samples, Task


@dataclass(frozen=True, eq=False)
class Answers(Entry):
    """What one model says about labelled samples: accuracy with Wilson's interval, calibration, likelihood."""

    probabilities: Float[np.ndarray, "sample class"]

    measured = (
        Column(title="Accuracy", unit="%", higher_is_better=True, digits=1),
        Column(title="Calibration error", unit="expected, 15 bins", higher_is_better=False),
        Column(title="Negative log-likelihood", unit="nats", higher_is_better=False),
    )
    unit, scale, digits = "points", 100, 1

    @property
    def predicted(self) -> Int[np.ndarray, "sample"]:
        return self.probabilities.argmax(1)

    @property
    def labels(self) -> Int[np.ndarray, "sample"]:
        return to_numpy(self.samples.labels)

    @property
    def right(self) -> Bool[np.ndarray, "sample"]:
        return self.predicted == self.labels

    @property
    def score(self) -> float:
        """Accuracy."""
        return float(self.right.mean())

    @property
    def remark(self) -> str:
        return "" if self.samples.answers is None else "Only the last of each sample's answers is compared."

    def figures(self) -> tuple[Figure, ...]:
        bounds = (100 * bound for bound in wilson(int(self.right.sum()), len(self.right)))
        given = self.probabilities[np.arange(len(self.samples)), self.labels]
        losses = -np.log(np.maximum(given, LEAST_PROBABILITY))
        return (
            Figure(100 * self.score, *bounds),
            Figure(expected_calibration_error(self.probabilities, self.labels)),
            Figure(float(losses.mean()), *interval(losses)),
        )

    def lead(self, other: Self) -> Lead:
        return paired(self.right, other.right)


@dataclass(frozen=True, kw_only=True)
class Paired(Lead):
    """The difference of two accuracies on the same samples; `only_first` counts the samples that only the first model
    gets right."""

    only_first: int
    only_second: int


def compare(task_name: str, split: str | None = None, limit: int | None = None) -> Table:
    """One row for every model of a task, best accuracy first, and a verdict on networks and traditional models.

    Accuracy with Wilson's 95 % interval, the expected calibration error, the mean of −log p(label) with a bootstrap
    interval, the seconds and device of training (from the card), milliseconds to predict (the least of five repeats of
    a batch of up to 256, now, on this machine), and the number of parameters. `split` is the task's scored one unless
    given; `limit` takes its first samples. The verdict is the note's first sentence, and stands in the provenance.
    Models whose card or weights are missing or damaged are left out, and named in the note's last sentence.

    Where a number is asked for: R² and errors, see `workbench.prediction`. Where a class is asked for at several steps,
    all models are compared by the last of them, since some answer only once.

    When it misleads: fit seconds of other machines are not comparable; samples that are not independent (one writer,
    one film) make every interval too short; and on the training split the model that remembers best wins.
    """
    task, samples = _chosen(task_name, split, limit)
    names = [recipe.name for recipe in zoo.RECIPES.values() if recipe.task == task_name]
    if not names:
        raise InputError(
            f"There is no model of {task_name} to compare. Add a recipe in zoo/recipes/, or choose another."
        )
    broken = [name for name in names if not _can_be_loaded(name)]
    whole = [name for name in names if name not in broken] or names  # where none is, the first says why
    judged: Callable[[str, Samples], Entry] = _predictions if task.regression else _answers
    record = contest.table(task, split or task.scored, [judged(name, samples) for name in whole])
    return replace(record, note=f"{record.note} {_left_out(broken)}") if broken else record


def _can_be_loaded(name: str) -> bool:
    try:
        zoo.load(name)
    except InputError:
        return False
    return True


def _left_out(names: list[str]) -> str:
    return f"Not trained yet or damaged, and left out: {', '.join(names)}. `python -m zoo verify` says which."


def paired(first: Bool[np.ndarray, "sample"], second: Bool[np.ndarray, "sample"]) -> Paired:
    """Accuracy of the first minus the second, where both answered the same samples, with its 95 % interval.

    With b and c samples that only the first and only the second gets right, p = (b+1)/(n+2), q = (c+1)/(n+2):
    p − q ± z √((p + q − (p − q)²) / (n + 2)). Reference: [bonett2012adjusted]
    """
    n, b, c = len(first), int((first & ~second).sum()), int((second & ~first).sum())
    p, q = (b + 1) / (n + 2), (c + 1) / (n + 2)
    half = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * float(np.sqrt((p + q - (p - q) ** 2) / (n + 2)))
    return Paired(difference=(b - c) / n, low=p - q - half, high=p - q + half, only_first=b, only_second=c)


def errors_of_one(first: str, second: str, split: str | None = None, limit: int | None = None) -> Table:
    """The samples that exactly one of two models of a task gets right."""
    tasks = [zoo.recipe(name).task for name in (first, second)]
    if tasks[0] != tasks[1]:
        raise InputError(f"{first} is a model of {tasks[0]} and {second} of {tasks[1]}. Choose two models of one task.")
    task, samples = _chosen(tasks[0], split, limit)
    if task.regression:
        raise InputError(f"{task.name} asks for a number, which is hardly ever right or wrong. Use compare instead.")
    both = [_answers(name, samples) for name in (first, second)]
    rows = [
        (
            samples.ids[place],
            task.classes[int(samples.labels[place])],
            *(task.classes[answers.predicted[place]] for answers in both),
            first if both[0].right[place] else second,
        )
        for place in np.flatnonzero(both[0].right != both[1].right)
    ]
    pair = paired(both[0].right, both[1].right)
    return Table(
        title=f"{first} alone is right on {pair.only_first:,} samples, {second} alone on {pair.only_second:,}",
        provenance={"task": task.name, "subjects": [provenance(answers.subject) for answers in both]},
        columns=tuple(Column(title=title) for title in ("Sample", "Label", first, second, "Right")),
        rows=tuple(rows),
        note=f"Out of {len(samples):,} samples.",
    )


def learning_curve(name: str, points: int = 6, seed: int = 0) -> Curve:
    """Accuracy (or R²) of a traditional model on the scored split against the size of its training set.

    Sizes grow geometrically from ten samples per class to all; smaller sets are part of the larger ones, with the
    classes in the same proportions, and the seed draws which samples come first. The band is the 95 % interval over
    samples: Wilson's of an accuracy, a bootstrap's of R².
    """
    plan = zoo.recipe(name)
    if plan.training is not None:
        raise InputError(f"{name} is a network; refitting it takes minutes. Choose a traditional model.")
    task, scored = _chosen(plan.task, None, None)
    training = task.samples("train")
    order = _interleaved(to_numpy(training.labels), seed)
    sizes = np.unique(np.geomspace(min(10 * len(task.classes), len(order)), len(order), points).round().astype(int))
    reached = [measure(fitted(plan, training.take(np.sort(order[:size]).tolist()), task), scored) for size in sizes]
    scale, what = (1, "R²") if task.regression else (100, "Accuracy")
    return Curve(
        title=f"{what} of {name} against the size of its training set",
        provenance={"subject": name, "task": task.name, "seed": seed, "samples": len(scored)},
        x=sizes.astype(float),
        y=scale * np.array([[one.score for one in reached]]),
        labels=(name,),
        x_title="training samples",
        y_title="R²" if task.regression else "accuracy, %",
        band=scale * np.array([[one.low for one in reached], [one.high for one in reached]]),
        band_label="95 % interval",
    )


def _chosen(task_name: str, split: str | None, limit: int | None) -> tuple[Task, Samples]:
    task = zoo.task(task_name)
    if (reason := task.unavailable()) is not None:
        raise InputError(reason)
    samples = task.samples(split or task.scored)
    if limit is None:
        return task, samples
    if limit < 2:
        raise InputError(f"limit is {limit}, but an interval needs at least 2 samples. Give a larger one, or none.")
    return task, samples.take(range(min(limit, len(samples))))


def _answers(name: str, samples: Samples) -> Answers:
    subject = load(name)
    probabilities = to_numpy(subject.logits(samples.inputs).double().softmax(-1))
    return Answers(subject, zoo.card(name), samples, predict_milliseconds(subject.model, samples), probabilities)


def _predictions(name: str, samples: Samples) -> Predictions:
    subject = load(name)
    predicted = to_numpy(subject.logits(samples.inputs)[:, 0]).astype(np.float64)
    return Predictions(subject, zoo.card(name), samples, predict_milliseconds(subject.model, samples), predicted)


def _interleaved(labels: Int[np.ndarray, "sample"], seed: int) -> Int[np.ndarray, "sample"]:
    """A random order in which every beginning holds the classes in about the proportions of the whole."""
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    share = np.empty(len(labels))
    for label in np.unique(labels):
        places = shuffled[labels[shuffled] == label]
        share[places] = (np.arange(len(places)) + 0.5) / len(places)
    return shuffled[np.argsort(share[shuffled], kind="stable")]
