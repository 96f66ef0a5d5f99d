"""Loading: a model with its task and card, checked before anybody relies on it."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

import numpy as np
import safetensors
import torch
from safetensors.torch import load as tensors_from_bytes
from torch import Tensor, nn

from zoo import storage
from zoo.card import REMEDY, ModelCard, card, estimators_path, weights_path
from zoo.discovery import discover, find
from zoo.errors import InputError, unknown
from zoo.model import Network, TraditionalModel, initialise
from zoo.recipe import Recipe
from zoo.recipes import recipe
from zoo.task import Samples, Task

Value = TypeVar("Value")


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model of the zoo, ready to use: in evaluation mode, on the CPU. It is shared by all who load it: copy it before
    changing it. `digest` is that of its card: of the weights file, or of recipe and data where it was refitted.
    """

    model: nn.Module | TraditionalModel
    task: Task
    card: ModelCard
    digest: str


def task(name: str) -> Task:
    """The task called `name`; one object per process, so that its samples are loaded once."""
    if name not in tasks():
        raise unknown("task", name, tasks())
    return tasks()[name]


@cache
def tasks() -> dict[str, Task]:
    """Every task there is, variants included, by name."""
    found: dict[str, Task] = {}
    for stem, kind in discover("zoo.tasks", Task).items():
        for each in kind.variants():
            if each.name in found or not each.name.startswith(stem):
                raise TypeError(f"A variant of {stem} is called {each.name!r}: begin with {stem!r}, and use it once.")
            found[each.name] = each
    return found


def load(name: str) -> Loaded:
    """A model of the zoo by its name, made once per process, whichever thread asks first.

    A network's weights are read from its file and must fit the card (sha256), the architecture (names and shapes) and
    reason (no NaN, no infinity). A traditional model is refitted from its recipe. Raises `InputError` where there is no
    such model, its data or files are not at hand, or its files were damaged.
    """
    return _models.get(name, lambda: _load(recipe(name)))


def device(name: str = "auto") -> torch.device:
    """The device that "auto" (CUDA where there is one), "cpu" or "cuda" means here."""
    if name not in ("auto", "cpu", "cuda"):
        raise unknown("device", name, ("auto", "cpu", "cuda"))
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise InputError("There is no CUDA device here that torch can use. Choose 'cpu' or 'auto'.")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def untrained(plan: Recipe) -> Network:
    """The network of a recipe with fresh weights, which depend on its seed alone."""
    return initialise(find("zoo.models", Network, plan.family, "network"), dict(plan.options), plan.seed)


def unfitted(plan: Recipe) -> TraditionalModel:
    """The traditional model of a recipe, which has seen nothing yet."""
    return find("zoo.traditional", TraditionalModel, plan.family, "traditional model")(**dict(plan.options))


def fitted(plan: Recipe, samples: Samples, subject: Task) -> TraditionalModel:
    """The traditional model of a recipe, fitted."""
    model = unfitted(plan)
    model.fit(samples, subject, plan.seed)
    return model


def data_digest(*parts: Samples) -> str:
    """sha256 over what samples ask and what is to be answered, with shapes and types."""
    found = hashlib.sha256()
    for samples in parts:
        for tensor in (samples.inputs, samples.labels, samples.values, samples.answers):
            if tensor is not None:
                found.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
                found.update(np.ascontiguousarray(tensor.numpy()).data)
    return found.hexdigest()


def recipe_digest(plan: Recipe, training: Samples) -> str:
    """What identifies a model that is refitted: its recipe (without words meant for people) and its training data."""
    facts = asdict(replace(plan, title="", limits="", options=dict(plan.options)))
    del facts["seeds"], facts["stored"]  # they do not change what is fitted
    return storage.sha256(json.dumps([facts, data_digest(training)], sort_keys=True).encode())


def restore(model: nn.Module, path: Path, expected: ModelCard) -> None:
    """Fill a network from a safetensors file after every check; the network is left alone where one fails."""
    content, remedy = checked(path, expected), REMEDY.format(name=expected.name)
    try:
        state = tensors_from_bytes(content)
    except safetensors.SafetensorError as error:
        raise InputError(f"{path} is not a safetensors file ({error}). {remedy}") from None
    _check_state(state, model.state_dict(), path, remedy)
    model.load_state_dict(state)


def checked(path: Path, expected: ModelCard) -> bytes:
    """The content of a model's file, once its size and sha256 are those of the card."""
    remedy = REMEDY.format(name=expected.name)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"The weights of {expected.name} are missing: there is no {path}. {remedy}") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}). {remedy}") from None
    if expected.weights_bytes is None:
        raise InputError(f"The card of {expected.name} does not say how large its weights are. {remedy}")
    if len(content) != expected.weights_bytes:
        raise InputError(
            f"{path} has {len(content):,} bytes, but its card says {expected.weights_bytes:,}: it was cut short or is "
            f"another file. {remedy}"
        )
    if storage.sha256(content) != expected.digest:
        raise InputError(f"{path} is not the file that its card describes (its sha256 differs). {remedy}")
    return content


def _check_state(state: dict[str, Tensor], wanted: dict[str, Tensor], path: Path, remedy: str) -> None:
    odd = sorted(set(state) ^ set(wanted))
    if odd:
        side = "is in the file only" if odd[0] in state else "is not in the file"
        raise InputError(f"{path} does not fit the architecture: {odd[0]!r} {side}. {remedy}")
    for name, tensor in state.items():
        if tensor.shape != wanted[name].shape or tensor.dtype != wanted[name].dtype:
            given, needed = (f"{tuple(t.shape)} {t.dtype}" for t in (tensor, wanted[name]))
            raise InputError(f"{path} does not fit the architecture: {name!r} is {given}, not {needed}. {remedy}")
        if not torch.isfinite(tensor).all():
            raise InputError(f"{path} holds a value that is not a finite number, in {name!r}. {remedy}")


def _load(plan: Recipe) -> Loaded:
    subject, described = task(plan.task), card(plan.name)
    _check_tokenizer(subject, described)
    if plan.stored:
        return _read(plan, subject, described)
    if plan.training is None:
        return _refitted(plan, subject, described)
    model = untrained(plan)
    restore(model, weights_path(plan.name), described)
    return Loaded(model.eval(), subject, described, described.digest)


def _check_tokenizer(subject: Task, described: ModelCard) -> None:
    """Other ids for the same words would turn a model's answers round, and nothing else would show it."""
    if subject.fingerprint() != described.tokenizer_digest:
        raise InputError(
            f"The tokenizer of {subject.name} is not the one that {described.name} was made with (its sha256 differs "
            f"from the card's). {REMEDY.format(name=described.name)}"
        )


def _read(plan: Recipe, subject: Task, described: ModelCard) -> Loaded:
    """A traditional model whose fitted form is kept in a file, which is read without running code from it."""
    from zoo.estimators import from_bytes  # skops loads all of scikit-learn

    path, model = estimators_path(plan.name), unfitted(plan)
    state = from_bytes(checked(path, described), str(path))
    if not isinstance(state, dict):
        raise InputError(f"{path} does not hold the parts of a model. {REMEDY.format(name=plan.name)}")
    model.restore(state, subject)
    return Loaded(model, subject, described, described.digest)


def _refitted(plan: Recipe, subject: Task, described: ModelCard) -> Loaded:
    """A traditional model, which need not be the card's where the data is another revision: then its limits say so.
    With the card's own data only an altered card or recipe can give another digest, and that is an `InputError`."""
    training = subject.samples("train")
    plan = replace(plan, seed=described.recipe["seed"])
    digest = recipe_digest(plan, training)
    if data_digest(training) != described.data_digests["train"]:
        described = replace(described, limits=f"{described.limits} {_elsewhere(described, training)}")
    elif digest != described.digest:
        raise InputError(
            f"The card of {plan.name} does not describe what its recipe makes of the same data (its digest differs). "
            f"{REMEDY.format(name=plan.name)}"
        )
    return Loaded(fitted(plan, training, subject), subject, described, digest)


def _elsewhere(described: ModelCard, training: Samples) -> str:
    return (
        f"Here it was fitted on other data ({len(training):,} samples) than for its card "
        f"({described.split_sizes['train']:,}), so the figures of the card are not its own."
    )


class _Once:
    """Values made once per key; a key that is being made keeps only those waiting who want the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._values: dict[str, object] = {}

    def get(self, key: str, make: Callable[[], Value]) -> Value:
        if key not in self._values:
            with self._lock:
                lock = self._locks.setdefault(key, threading.Lock())
            with lock:
                if key not in self._values:
                    self._values[key] = make()
        return self._values[key]  # type: ignore[return-value]

    def forget(self) -> None:
        """Make everything anew when it is next asked for."""
        self._values.clear()


_models = _Once()
