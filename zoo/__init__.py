"""The zoo: tasks, models, recipes and their trained weights. Plain PyTorch and scikit-learn.

The names below load when they are first used, so that importing the package stays cheap.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.card import ModelCard, card
    from zoo.loading import Loaded, device, load, task, tasks
    from zoo.recipes import RECIPES, recipe

_HOME = {
    "Loaded": "zoo.loading",
    "ModelCard": "zoo.card",
    "RECIPES": "zoo.recipes",
    "card": "zoo.card",
    "device": "zoo.loading",
    "load": "zoo.loading",
    "recipe": "zoo.recipes",
    "task": "zoo.loading",
    "tasks": "zoo.loading",
}

__all__ = ["RECIPES", "Loaded", "ModelCard", "card", "device", "load", "recipe", "task", "tasks"]


class _Zoo(ModuleType):
    """`zoo.task` is the function. Python binds a file of that name to the same attribute whenever it is first imported,
    which would make the meaning of `zoo.task(…)` depend on who imported what before."""

    def __getattr__(self, name: str) -> Any:
        if name not in _HOME:
            raise AttributeError(f"module 'zoo' has no attribute {name!r}")
        return getattr(importlib.import_module(_HOME[name]), name)

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOME and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Zoo
