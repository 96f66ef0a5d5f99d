"""The population: over a hundred tiny networks of the same data, each trained in another way.

Whether flat minima generalise, or faithful explanations come from accurate models, is a question about many networks:
these are enough of them for a correlation, and small enough to be kept.
"""

import json
from dataclasses import asdict, dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load as tensors_from_bytes
from safetensors.torch import save as tensors_to_bytes
from torch import Tensor

from zoo import storage
from zoo.ensemble import Member, Schedule, noisy, train_together
from zoo.errors import InputError
from zoo.loading import data_digest, task
from zoo.model import Network, initialise
from zoo.models.mlp import Mlp
from zoo.task import Samples

NAME = "population"
TASK = "digits"
TRAINING, NOISE = 320, 0.1
"""Samples, the first of the training split, and the share of them whose label is wrong: the same ones for all."""
UPDATES = 1536
"""Of every member, whatever its batch size, so that none is better for having been shown more."""
POINTS = 24
"""Of each history."""
OPTIONS = {"features": 64, "classes": 10, "widths": (16,)}
ACTIVATIONS = ("relu", "tanh", "gelu")
STARTS = ("xavier_normal", "he_normal")
RATES = {"sgd": 0.1, "momentum": 0.02, "adamw": 0.002}
BATCHES = (16, 64, 160)
SEEDS = (0, 1)
REMEDY = "Restore it with `git checkout zoo/weights`, or make it again with `python -m zoo population`."


@dataclass(frozen=True, kw_only=True)
class Trait:
    """How one member was trained, and what came of it."""

    activation: str
    initialisation: str
    optimiser: str
    learning_rate: float
    batch_size: int
    seed: int
    loss: tuple[float, ...]
    """Mean cross-entropy of the training batches, at evenly spaced epochs."""
    held_out: tuple[float, ...]
    """Accuracy on the test split at the same epochs; nothing was chosen by it."""
    training_loss: float
    """Of the weights as they are, over the training samples, wrong labels included."""
    training_accuracy: float
    accuracy: float
    """On the test split."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Population:
    """The members' traits, and their weights stacked: each tensor has the member as its first axis."""

    traits: tuple[Trait, ...]
    weights: dict[str, Tensor]
    digest: str

    def __len__(self) -> int:
        return len(self.traits)

    def model(self, member: int) -> Network:
        """The network of one member, in evaluation mode."""
        model = initialise(Mlp, {**OPTIONS, "activation": self.traits[member].activation}, 0)
        model.load_state_dict({name: tensor[member] for name, tensor in self.weights.items()}, strict=False)
        return model.eval()


def training_samples() -> Samples:
    """What every member was trained on: the first samples of the training split, a tenth of their labels wrong."""
    samples = task(TASK).samples("train").take(range(TRAINING))
    return replace(samples, labels=noisy(samples.labels, Member(label_noise=NOISE), len(task(TASK).classes)))


def make() -> Population:
    """Train every member and write weights and traits in one step; about two minutes on one CPU thread."""
    samples, scored = training_samples(), task(TASK).samples("test")
    traits, weights = [], []
    for activation, (optimiser, rate), size in product(ACTIVATIONS, RATES.items(), BATCHES):
        pairs = list(product(STARTS, SEEDS))
        members = [Member(seed=seed, initialisation=start, learning_rate=rate) for start, seed in pairs]
        schedule = Schedule(epochs=UPDATES // (TRAINING // size), batch_size=size, optimiser=optimiser)
        made = train_together(Mlp, {**OPTIONS, "activation": activation}, members, samples, schedule, scored)
        assert made.held_out is not None
        kept = torch.linspace(0, schedule.epochs - 1, POINTS).round().long()
        for row, (start, seed) in enumerate(pairs):
            model = made.models[row]
            traits.append(
                Trait(
                    activation=activation,
                    initialisation=start,
                    optimiser=optimiser,
                    learning_rate=rate,
                    batch_size=size,
                    seed=seed,
                    loss=_rounded(made.loss[row, kept]),
                    held_out=_rounded(made.held_out[row, kept]),
                    **_measured(model, samples, scored),
                )
            )
            weights.append(dict(model.named_parameters()))
    stacked = {name: torch.stack([own[name].detach() for own in weights]) for name in weights[0]}
    content = tensors_to_bytes(stacked)
    described = {
        "task": TASK,
        "digest": storage.sha256(content),
        "data": data_digest(samples, scored),
        "members": [asdict(trait) for trait in traits],
    }
    storage.write_atomically({_path("safetensors"): content, _path("json"): (json.dumps(described) + "\n").encode()})
    population.cache_clear()
    return population()


@cache
def population() -> Population:
    """The population as it is shipped; `InputError` where a file is missing, cut short or not the one described."""
    try:
        content, text = _path("safetensors").read_bytes(), _path("json").read_text("utf-8")
        described = json.loads(text)
        weights = tensors_from_bytes(content)
        traits = tuple(_trait(each) for each in described["members"])
        digest = described["digest"]
    except OSError as error:
        raise InputError(f"The population cannot be read ({error.strerror}). {REMEDY}") from None
    except (ValueError, TypeError, KeyError, SafetensorError) as error:
        raise InputError(f"The population is damaged ({str(error)[:80]}). {REMEDY}") from None
    if storage.sha256(content) != digest or any(len(tensor) != len(traits) for tensor in weights.values()):
        raise InputError(f"The population's weights are not those that are described (their sha256 differs). {REMEDY}")
    return Population(traits=traits, weights=weights, digest=digest)


def problems() -> list[str]:
    """What does not hold of the population when it is measured again; nothing where all does."""
    found = population()
    samples, scored = training_samples(), task(TASK).samples("test")
    wrong = []
    for member, trait in enumerate(found.traits):
        for key, value in _measured(found.model(member), samples, scored).items():
            said = getattr(trait, key)
            if abs(said - value) > 2e-3:
                wrong.append(f"member {member} says {key.replace('_', ' ')} {said:.4f}, but it is {value:.4f}")
    return wrong


@torch.no_grad()
def _measured(model: Network, samples: Samples, scored: Samples) -> dict[str, float]:
    logits = model(samples.inputs)
    return {
        "training_loss": round(torch.nn.functional.cross_entropy(logits, samples.labels).item(), 6),
        "training_accuracy": round((logits.argmax(1) == samples.labels).double().mean().item(), 6),
        "accuracy": round((model(scored.inputs).argmax(1) == scored.labels).double().mean().item(), 6),
    }


def _trait(values: dict[str, Any]) -> Trait:
    return Trait(**{**values, "loss": tuple(values["loss"]), "held_out": tuple(values["held_out"])})


def _rounded(values: Float[Tensor, "point"]) -> tuple[float, ...]:
    return tuple(round(value, 4) for value in values.tolist())


def _path(suffix: str) -> Path:
    return storage.WEIGHTS / f"{NAME}.{suffix}"
