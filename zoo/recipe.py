"""A recipe: the few lines from which a model can be made again. Those we ship are in `zoo/recipes/`."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self


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
    """A name in `optimisers.py`: sgd, momentum, rmsprop, adam, adamw or sam."""
    radius: float = 0.05
    """Of sam alone: how far away the loss should still be low."""
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    initialisation: str | None = None
    """A name in `initialisation.py`: xavier_uniform, xavier_normal, he_uniform or he_normal; None for what the
    architecture itself does."""
    warm_up: float = 0.1
    """Share of all steps in which the learning rate rises linearly; after it, it follows the schedule."""
    schedule: str = "cosine"
    """How the learning rate falls to zero: cosine or linear; "constant" leaves it."""
    label_smoothing: float = 0.0
    clip_norm: float | None = None
    augmentation: str | None = None
    """Name of a transformation in `augmentation.py`, applied to each training batch on its device."""
    average: float | None = None
    """Decay of an exponential moving average of the weights, which is what is kept; None keeps the last weights."""
    precision: str = "float32"
    """Of the forward pass on the CPU: "float32", or "bfloat16" under autocast; on CUDA it is always the latter."""
    compile: bool = False
    """Whether torch.compile makes kernels for the network, on CUDA only."""
    patience: int | None = None
    """Epochs without a lower held-out loss after which training stops; the weights of the lowest are kept. None trains
    to the end, on the whole training split."""
    held_out: float = 0.1
    """Share of the training split that is held out, where there is patience."""
    path: int = 0
    """How many points of the training path to keep, at evenly spaced epochs: start and end, and what is between."""
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
    seeds: int = 3
    """How many seeds the card measures, this one and those that follow; one where a run takes over 20 minutes."""
    stored: bool = False
    """Traditional models: whether the fitted model is kept in a file, since fitting it takes more than some seconds;
    otherwise it is fitted anew when it is loaded."""
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
        """Whether both give the same model: all is equal but words meant for people and the count of seeds."""
        return _facts(self) == _facts(other)

    def digest(self) -> str:
        """sha256 of all that decides which model it gives."""
        return hashlib.sha256(json.dumps(_facts(self), sort_keys=True).encode()).hexdigest()


def _facts(plan: Recipe) -> dict[str, Any]:
    """A recipe as JSON would have it, without title, limits and how often it is measured."""
    return json.loads(json.dumps(asdict(replace(plan, title="", limits="", seeds=1, options=dict(plan.options)))))
