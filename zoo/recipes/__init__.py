"""Everything we ship: one file per task, each with the recipes of its models."""

import importlib
import pkgutil

from zoo.errors import unknown
from zoo.recipe import Recipe

FIRST = ("digits", "shapes", "sst2")
"""What a newcomer meets first; the other files follow by name."""


def _collected() -> dict[str, Recipe]:
    """Every recipe in the files of this folder, by its name."""
    files = [entry.name for entry in pkgutil.iter_modules(__path__)]
    found: dict[str, Recipe] = {}
    for file in sorted(files, key=lambda name: (FIRST.index(name) if name in FIRST else len(FIRST), name)):
        for each in importlib.import_module(f"{__name__}.{file}").RECIPES:
            if each.name in found:
                raise TypeError(f"Two recipes are called {each.name!r}.")
            if not each.task.startswith(file):
                raise TypeError(f"{each.name} is of the task {each.task!r}, but lies in {file}.py.")
            found[each.name] = each
    return found


RECIPES: dict[str, Recipe] = _collected()


def recipe(name: str) -> Recipe:
    """The recipe called `name`, or an `InputError` that lists the names there are."""
    if name not in RECIPES:
        raise unknown("model", name, RECIPES)
    return RECIPES[name]
