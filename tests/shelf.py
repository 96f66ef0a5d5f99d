"""Which models of the zoo a test must see: one of each family and kind of sample stands for all that are like it."""

from collections.abc import Iterator

import pytest

import zoo
from zoo.recipe import Recipe
from zoo.task import Task

LARGE = frozenset({"imdb", "fashion_mnist", "cifar10"})
"""Tasks whose training split takes ten seconds or more to load: one worker sees to all tests of each."""


def of_each_family(trained: bool | None = None) -> list[str]:
    """The first model of each family on each kind of sample: networks, traditional models, or (None) both."""
    found: dict[tuple, str] = {}
    for name, plan in _plans(trained):
        task = zoo.task(plan.task)
        found.setdefault((plan.family, task.kind, task.regression), name)
    return list(found.values())


def marked(names: list[str], examples: bool = True) -> list:
    """Names as parameters of a test, with a mark where it needs data from outside: not where the task's own examples
    will do."""
    return [pytest.param(name, marks=_marks(name, examples)) for name in names]


def _plans(trained: bool | None) -> Iterator[tuple[str, Recipe]]:
    return ((n, plan) for n, plan in zoo.RECIPES.items() if trained is None or trained == (plan.training is not None))


def _marks(name: str, examples: bool) -> list:
    task = zoo.recipe(name).task
    fetched = [pytest.mark.mirror] if _is_fetched(name, examples) else []
    return [*fetched, pytest.mark.xdist_group(task)] if task in LARGE else fetched


def _is_fetched(name: str, examples: bool) -> bool:
    task = zoo.task(zoo.recipe(name).task)
    return type(task).unavailable is not Task.unavailable and not (examples and "examples" in task.splits)
