"""Discovery: what a folder holds is found by looking, so there is no list that can drift."""

import importlib
import inspect
import pkgutil
from functools import cache
from typing import TypeVar

from zoo.errors import unknown

T = TypeVar("T")


@cache
def discover(package: str, kind: type[T]) -> dict[str, type[T]]:
    """Every concrete subclass of `kind` defined in a module of `package`, by its `name`, sorted.

    A class whose `name` differs from its file's stem, or that another file already uses, raises `TypeError`: both
    are mistakes of whoever added the file, and are found by the first import.
    """
    found: dict[str, type[T]] = {}
    folder = importlib.import_module(package)
    for entry in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{package}.{entry.name}")
        for value in vars(module).values():
            if not _is_concrete(value, kind, module.__name__):
                continue
            if value.name != entry.name:
                raise TypeError(f"{value.__qualname__}.name is {value.name!r} but its file is {entry.name}.py.")
            if value.name in found:
                raise TypeError(f"Two classes in {package} are called {value.name!r}.")
            found[value.name] = value
    return dict(sorted(found.items()))


def find(package: str, kind: type[T], name: str, word: str) -> type[T]:
    """The class called `name`, or an `InputError` that lists the names there are. `word` says what it is ("method")."""
    classes: dict[str, type[T]] = discover(package, kind)  # type: ignore[arg-type]
    if name not in classes:
        raise unknown(word, name, classes)
    return classes[name]


def _is_concrete(value: object, kind: type, module: str) -> bool:
    return (
        inspect.isclass(value)
        and issubclass(value, kind)
        and value.__module__ == module
        and not inspect.isabstract(value)
    )
