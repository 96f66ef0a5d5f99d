"""Recipes: everything we ship, each as the few lines from which it can be made again."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from zoo.errors import unknown


@dataclass(frozen=True, kw_only=True)
class Distillation:
    """Learning from teachers: several networks are first trained on the labels, and thrown away afterwards.

    The network then learns from `share` × the teachers' mean probability + (1 − share) × the label; in every epoch it
    is also shown one random stretch of each sentence, which only the teachers have labelled.
    Reference: [hinton2015distilling]
    """

    teachers: tuple[str, ...]
    """Recipes of the teachers, which are trained as they say, but without distillation."""
    copies: int = 3
    """Of each teacher, from seeds of their own."""
    share: float = 0.7


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network's weights are found, by the loop in `training.py`."""

    epochs: int
    batch_size: int
    learning_rate: float
    embedding_rate: float | None = None
    """Learning rate of the embedding table, where it differs."""
    embedding_start: str | None = None
    """Where the embedding table starts: None at random, or "cooccurrence"."""
    optimiser: str = "adamw"
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    warm_up: float = 0.1
    """Share of all steps in which the learning rate rises linearly; after it, it falls along a cosine to zero."""
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    augmentation: str | None = None
    """Name of a transformation in `augmentation.py`, applied to each training batch on its device."""
    average: float | None = None
    """Decay of an exponential moving average of the weights, which is what is kept; None keeps the last weights."""
    distillation: Distillation | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A model: which architecture, on which task, trained how, from which seed.

    `family` names a file in `zoo/models/` (a network, which has `training`) or `zoo/traditional/` (which has none).
    """

    name: str
    title: str
    family: str
    task: str
    options: Mapping[str, object] = field(default_factory=dict)
    training: Training | None = None
    seed: int = 0
    limits: str = ""
    """What the model must not be used for, or relied on for, in a sentence."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """A recipe from a card. Fields that are newer than the card have their defaults, which is what it meant."""
        training = values["training"]
        if training is not None:
            taught = training.get("distillation")
            taught = taught and Distillation(**{**taught, "teachers": tuple(taught["teachers"])})
            training = Training(
                **{**training, "betas": tuple(training.get("betas", Training.betas)), "distillation": taught}
            )
        return cls(**{**values, "training": training})

    def is_made_like(self, other: "Recipe") -> bool:
        """Whether both give the same model: everything but the words meant for people is equal."""
        return _facts(self) == _facts(other)


def _facts(plan: Recipe) -> dict[str, Any]:
    """A recipe as JSON would have it, without title and limits."""
    return json.loads(json.dumps(asdict(replace(plan, title="", limits="", options=dict(plan.options)))))


TEACHING = Distillation(teachers=("gru_sst2", "transformer_sst2"))
READING = Training(
    epochs=8,
    batch_size=64,
    learning_rate=2e-3,
    embedding_rate=5e-3,
    betas=(0.9, 0.98),
    weight_decay=1e-2,
    label_smoothing=0.1,
    clip_norm=1.0,
    augmentation="split_and_drop",
    average=0.995,
    distillation=TEACHING,
)
"""How the networks for sentences are trained, on the few that there are."""

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="cnn_digits",
            title="Convolutional network on digits",
            family="cnn",
            task="digits",
            options={"channels": 1, "classes": 10, "widths": (32, 64), "mean": 0.31, "deviation": 0.38, "dropout": 0.2},
            training=Training(
                epochs=100,
                batch_size=64,
                learning_rate=1e-2,
                weight_decay=1e-2,
                label_smoothing=0.05,
                augmentation="affine",
                average=0.99,
            ),
            limits="Learnt from a few writers of one country and time: not for reading anyone else's digits unchecked.",
        ),
        Recipe(
            name="cnn_shapes",
            title="Convolutional network on shapes",
            family="cnn",
            task="shapes",
            options={"channels": 3, "classes": 5, "widths": (8, 16, 32), "mean": 0.5, "deviation": 0.25},
            training=Training(
                epochs=16,
                batch_size=64,
                learning_rate=3e-3,
                weight_decay=1e-2,
                augmentation="flip",
                average=0.99,
            ),
            limits="Generated images only: it knows five outlines on painted backgrounds and nothing of photographs.",
        ),
        Recipe(
            name="logistic_digits",
            title="Logistic regression on pixels",
            family="logistic",
            task="digits",
            options={"C": 10.0},
            limits="A weight per pixel and class: it breaks when a digit is shifted by one pixel.",
        ),
        Recipe(
            name="svm_digits",
            title="Support vector machine on pixels",
            family="svm",
            task="digits",
            options={"C": 10.0, "gamma": 0.1},
            limits="It compares with stored pixels: shifted or thicker strokes than it has seen lead it astray.",
        ),
        Recipe(
            name="forest_digits",
            title="Random forest on pixels",
            family="forest",
            task="digits",
            options={"trees": 200},
            limits="Its probabilities are shares of votes: too cautious, and not to be read as calibrated.",
        ),
        Recipe(
            name="gru_sst2",
            title="Recurrent network on film reviews",
            family="gru",
            task="sst2",
            options={"vocabulary": 4000, "classes": 2, "hidden": 64, "state": 32},
            training=replace(
                READING, epochs=7, learning_rate=3e-3, embedding_rate=3e-3, embedding_start="cooccurrence"
            ),
            limits="English sentences about films only; it misreads one in five, most of all negation and irony.",
        ),
        Recipe(
            name="transformer_sst2",
            title="Transformer on film reviews",
            family="transformer",
            task="sst2",
            options={"vocabulary": 4000, "classes": 2, "hidden": 64, "heads": 2, "inner": 64, "layers": 1},
            training=READING,
            limits="English sentences about films only; it misreads one in five, most of all negation and irony.",
        ),
        Recipe(
            name="logistic_sst2",
            title="Logistic regression on words and pairs of words",
            family="tfidf",
            task="sst2",
            options={"C": 32.0, "words": 2},
            limits="It knows no order beyond two words: far negation and contrast are invisible to it.",
        ),
    )
}


def recipe(name: str) -> Recipe:
    """The recipe called `name`, or an `InputError` that lists the names there are."""
    if name not in RECIPES:
        raise unknown("model", name, RECIPES)
    return RECIPES[name]
