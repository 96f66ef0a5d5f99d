"""Work: what pages have computed, each piece with the key under which its result is found again."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

import workbench
import zoo
from pages.ui.jobs import Work
from workbench import comparison
from workbench.analysis import AbstractAnalysis
from workbench.evaluation import evaluate
from workbench.evidence import evidence
from workbench.explanation import AbstractMethod, methods
from workbench.gallery import gallery, of_each_class
from workbench.lesson import AbstractLesson
from workbench.query import Query
from workbench.records import Attribution, Curve, Evidence, Gallery, Record, Score, Table, Target
from workbench.removal import AbstractRemoval
from workbench.report import build, saliency_report
from workbench.report.blocks import Block, Question
from workbench.scoring import AbstractMetric, metrics
from workbench.storage import digest
from workbench.subject import Subject
from zoo.task import Kind, Samples, Task

T = TypeVar("T")
Made = TypeVar("Made", bound=Record)
Watch = Callable[[Any], None]
GRADED = ("completeness", "deletion", "insertion", "relevance_mass")
"""The metrics that the grades of `workbench.evidence` rest on: cheap, and each with its check."""
SHOWN = {Kind.IMAGE: 24, Kind.SERIES: 8, Kind.TEXT: 8, Kind.TABLE: 16}
"""Samples of a gallery."""


def subject(name: str) -> Work[Subject]:
    """A model of the zoo, loaded or refitted."""

    def compute(watch: Watch) -> Subject:
        del watch
        found = workbench.load(name)
        gc.collect()
        gc.freeze()  # what has just been loaded stays: without this every rerun would look through it for garbage
        return found

    return Work(key=("subject", name), label=f"Loading {name}", compute=compute)


def explanation(subject: Subject, samples: Samples, method: AbstractMethod, target: Target) -> Work[Attribution]:
    """An attribution, with the number of passes that it takes."""

    def compute(watch: Watch) -> Attribution:
        return workbench.explain(subject.metered(watch), samples, method, target)

    key = ("explanation", *_named(subject, samples), method, target)
    return Work(key=key, label=method.title, compute=compute, total=cost(subject, samples, method, target))


def cost(subject: Subject, samples: Samples, method: AbstractMethod, target: Target) -> int:
    """Forward and backward passes that a method takes, the one that reads the prediction included."""
    query = Query(subject, samples, samples.labels, target.output)
    return len(samples) * (1 + sum(method.cost(query)))


def graded(subject: Subject, samples: Samples, record: Attribution) -> Work[Evidence]:
    """What speaks for and against the attribution of one sample, and its grade."""

    def compute(watch: Watch) -> Evidence:
        return evidence(subject.metered(watch), samples, record)[0]

    key = ("evidence", *_named(subject, samples), digest(record))
    return Work(key=key, label=f"Checking {methods()[record.method].title}", compute=compute)


def evaluation(
    subject: Subject, samples: Samples, chosen: Sequence[AbstractMethod], measured: Sequence[AbstractMetric]
) -> Work[list[Score]]:
    """Methods × metrics on many samples."""

    def compute(watch: Watch) -> list[Score]:
        return evaluate(subject.metered(watch), samples, chosen, measured, watch=watch)

    key = ("evaluation", *_named(subject, samples), tuple(chosen), tuple(measured))
    return Work(key=key, label=f"{len(samples)} samples", compute=compute, stages=len(chosen))


def scores(subject: Subject, samples: Samples, records: Sequence[Attribution]) -> Work[list[Score]]:
    """The metrics that grades rest on, where they apply, of every one of these attributions of the same samples."""

    def compute(watch: Watch) -> list[Score]:
        view = subject.metered(watch)
        found = [kind() for name, kind in metrics().items() if name in GRADED]
        return [m.score(view, samples, record) for record in records for m in found if not m.why_not(samples, record)]

    key = ("scores", *_named(subject, samples), *map(digest, records))
    return Work(key=key, label="Measuring how far each map can be trusted", compute=compute)


def removal_curves(subject: Subject, samples: Samples, records: Sequence[Attribution]) -> Work[list[Curve]]:
    """For each graded metric that removes features: the curves of all attributions before the band of random orders."""

    def compute(watch: Watch) -> list[Curve]:
        view = subject.metered(watch)
        found = [kind() for name, kind in metrics().items() if name in GRADED and issubclass(kind, AbstractRemoval)]
        return [_together([m.curves(view, samples, record) for record in records]) for m in found]

    key = ("curves", *_named(subject, samples), *map(digest, records))
    return Work(key=key, label="Removing features and putting them back", compute=compute)


def _together(curves: Sequence[Curve]) -> Curve:
    """Curves of several methods with the same abscissa and control, as one."""
    labels = tuple(methods()[label].title for curve in curves for label in curve.labels)
    lines = np.concatenate([curve.y for curve in curves])
    return replace(curves[0], y=lines, labels=labels, band_label="random orders")


def analysis(subject: Subject, samples: Samples, what: AbstractAnalysis, kind: type[Made]) -> Work[Made]:
    """An analysis of a model or a measure of its loss landscape, which gives a record of this kind."""

    def compute(watch: Watch) -> Made:
        found = what.run(subject.metered(watch), samples)
        if not isinstance(found, kind):
            raise TypeError(f"{what.name} gave a {type(found).__name__}, not a {kind.__name__}.")
        return found

    key = ("analysis", *_named(subject, samples), what)
    return Work(key=key, label=what.title, compute=compute, total=len(samples) * sum(what.cost()))


def gallery_of(task: Task, split: str) -> Work[Gallery]:
    """Some samples of a split to look at, as many of each class."""

    def compute(watch: Watch) -> Gallery:
        del watch
        return gallery(task, of_each_class(task, split, SHOWN.get(task.kind, 16)))

    return Work(key=("gallery", task, split), label=f"Loading the split {split} of {task.name}", compute=compute)


def comparison_of(task: str) -> Work[Table]:
    """The table of a task's models."""
    return Work(
        key=("comparison", task, _cards(task)),
        label=f"Every model of {task} answers the same samples",
        compute=lambda _: comparison.compare(task),
    )


def errors_of_one(first: str, second: str) -> Work[Table]:
    """The samples that one of two models gets right."""
    return Work(
        key=("errors", first, second),
        label=f"Where {first} and {second} differ",
        compute=lambda _: comparison.errors_of_one(first, second),
    )


def learning_curve(name: str) -> Work[Curve]:
    """A traditional model's accuracy against the size of its training set."""
    return Work(
        key=("learning curve", name),
        label=f"Refitting {name} on ever more data",
        compute=lambda _: comparison.learning_curve(name),
    )


def opening(lesson: AbstractLesson) -> Work[list[Block]]:
    """A lesson up to its question."""

    def compute(watch: Watch) -> list[Block]:
        del watch
        found: list[Block] = []
        for block in lesson.run():
            found.append(block)
            if isinstance(block, Question):
                break
        return found

    return Work(key=("opening", lesson), label=lesson.title, compute=compute)


def whole(lesson: AbstractLesson) -> Work[list[Block]]:
    """A lesson with its experiment."""
    return Work(key=("lesson", lesson), label="Running the experiment", compute=lambda _: list(lesson.run()))


def report(
    subject: Subject, samples: Samples, chosen: tuple[AbstractMethod, ...], target: Target, seed: int, title: str
) -> Work[str]:
    """A saliency report as one HTML page."""

    def compute(watch: Watch) -> str:
        return build(saliency_report(subject.metered(watch), samples, chosen, target, seed), title)

    key = ("report", *_named(subject, samples), chosen, target, seed)
    return Work(key=key, label=f"Explaining and checking {len(samples)} samples", compute=compute)


def _named(subject: Subject, samples: Samples) -> Sequence[object]:
    """What identifies a subject and samples in a key: names and hashes, never arrays."""
    return (subject.name, subject.digest, samples.ids, samples.texts)


def _cards(task: str) -> tuple[str, ...]:
    return tuple(recipe.name for recipe in zoo.RECIPES.values() if recipe.task == task)
