"""Recipes: everything we ship, each as the few lines from which it can be made again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from zoo.errors import unknown


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network's weights are found, by the loop in `training.py`."""

    epochs: int
    batch_size: int
    learning_rate: float
    optimiser: str = "adamw"
    weight_decay: float = 0.0
    warm_up: float = 0.1
    """Share of all steps in which the learning rate rises linearly; after it, it falls along a cosine to zero."""
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    augmentation: str | None = None
    """Name of a transformation in `augmentation.py`, applied to each training batch on its device."""
    average: float | None = None
    """Decay of an exponential moving average of the weights, which is what is kept; None keeps the last weights."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A model: which architecture, on which task, trained how, from which seed.

    `family` names a file in `zoo/models/` (a network, which has `training`) or `zoo/traditional/` (which has none).
    """

    name: str
    title: str
    family: str
    task: str
    options: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    training: Training | None = None
    seed: int = 0


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="logistic_digits",
            title="Logistic regression on pixels",
            family="logistic",
            task="digits",
        ),
    )
}


def recipe(name: str) -> Recipe:
    """The recipe called `name`, or an `InputError` that lists the names there are."""
    if name not in RECIPES:
        raise unknown("model", name, RECIPES)
    return RECIPES[name]
