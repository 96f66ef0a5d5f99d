"""The zoo: tasks, models, recipes and their trained weights. Plain PyTorch and scikit-learn.

The names below load when they are first used, so that importing the package stays cheap.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zoo.card import ModelCard, card
    from zoo.loading import Loaded, device, load, task, tasks
    from zoo.recipe import RECIPES, recipe

_HOME = {
    "Loaded": "zoo.loading",
    "ModelCard": "zoo.card",
    "RECIPES": "zoo.recipe",
    "card": "zoo.card",
    "device": "zoo.loading",
    "load": "zoo.loading",
    "recipe": "zoo.recipe",
    "task": "zoo.loading",
    "tasks": "zoo.loading",
}

__all__ = ["RECIPES", "Loaded", "ModelCard", "card", "device", "load", "recipe", "task", "tasks"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'zoo' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
