"""Work: what pages have computed, each piece with the key under which its result is found again."""

import gc
from collections.abc import Callable
from typing import Any

import workbench
import zoo
from pages.ui.jobs import Work
from workbench.explanation import AbstractMethod
from workbench.records import Attribution, Target
from workbench.subject import Subject
from zoo.task import Samples

Watch = Callable[[Any], None]


def subject(name: str) -> Work[Subject]:
    """A model of the zoo, loaded or refitted."""

    def compute(watch: Watch) -> Subject:
        del watch
        found = workbench.load(name)
        gc.collect()
        gc.freeze()  # what has just been loaded stays: without this every rerun would look through it for garbage
        return found

    return Work(key=("subject", name), label=f"Loading {name}", compute=compute)


def named(subject: Subject, samples: Samples) -> tuple:
    """What identifies a subject and samples in a key: names and hashes, never arrays."""
    return (subject.name, subject.digest, samples.ids, samples.texts)


def explanation(subject: Subject, samples: Samples, method: AbstractMethod, target: Target) -> Work[Attribution]:
    """An attribution."""

    def compute(watch: Watch) -> Attribution:
        return workbench.explain(subject.metered(watch), samples, method, target)

    return Work(
        key=("explanation", *named(subject, samples), method, target),
        label=method.title,
        compute=compute,
    )


def warm() -> None:
    """Load what the first page shows, so that it is there when the browser asks."""
    for name in front():
        job = workbench.load(name)
        del job


def front() -> list[str]:
    """The models of the first page: the first network for images and the first for text."""
    found: dict[str, str] = {}
    for recipe in zoo.RECIPES.values():
        if recipe.training is not None:
            found.setdefault(str(zoo.task(recipe.task).kind), recipe.name)
    return list(found.values())
