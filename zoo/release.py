"""Release: a model made from its recipe, measured, and written down with its card."""

import platform
import time
from dataclasses import asdict, replace
from importlib.metadata import version

import torch
from safetensors.torch import save as tensors_to_bytes
from torch import nn

from zoo import storage
from zoo.card import ModelCard, card, card_path, weights_path
from zoo.errors import InputError
from zoo.evaluation import evidence_used, measure, predict_milliseconds
from zoo.loading import data_digest, fitted, load, recipe_digest, task
from zoo.model import TraditionalModel, parameter_count
from zoo.recipe import Recipe
from zoo.recipes import RECIPES, recipe
from zoo.task import Task
from zoo.training import Trained, Watch, train

PACKAGES = ("torch", "scikit-learn", "numpy", "tokenizers")


def release(plan: Recipe, device: torch.device = torch.device("cpu"), watch: Watch | None = None) -> ModelCard:
    """Train or fit a recipe, measure it on the split that is scored, and write weights and card in one step.

    Raises `InputError` where the task's data is not at hand. Nothing on disk changes until everything is made.
    """
    subject = task(plan.task)
    training = subject.samples("train")
    if plan.training is None:
        start = time.perf_counter()
        model = fitted(plan, training, subject)
        seconds = time.perf_counter() - start
        described = _described(plan, subject, model, recipe_digest(plan, training), seconds)
        storage.write_atomically({card_path(plan.name): described.to_json().encode()})
        return described
    made = train(plan, subject, training, device, watch)
    content = tensors_to_bytes({name: t.contiguous() for name, t in made.model.state_dict().items()})
    described = _described(plan, subject, made.model, storage.sha256(content), made.seconds)
    described = replace(described, weights_bytes=len(content), history=_rounded(made), device=str(device.type))
    files = {weights_path(plan.name): content, card_path(plan.name): described.to_json().encode()}
    storage.write_atomically(files)
    return described


def remeasure(name: str) -> ModelCard:
    """The card of a model written again from the weights there are: measured anew, with the recipe's present words.

    How it was trained is taken from the old card. Raises `InputError` where the recipe now gives another model.
    """
    plan, old, loaded = recipe(name), card(name), load(name)
    plan = replace(plan, seed=old.recipe["seed"])
    if not Recipe.from_dict(old.recipe).is_made_like(plan) or loaded.digest != old.digest:
        raise InputError(f"{name} is not what its recipe now makes of the data here. Run `python -m zoo train {name}`.")
    new = _described(plan, loaded.task, loaded.model, old.digest, old.seconds)
    kept = ("weights_bytes", "history", "device", "threads", "versions")
    new = replace(new, **{key: getattr(old, key) for key in kept})
    storage.write_atomically({card_path(name): new.to_json().encode()})
    return new


def best_traditional(task_name: str) -> ModelCard | None:
    """The card of the most accurate traditional model of a task, by the cards there are."""
    found = []
    for name, plan in RECIPES.items():
        if plan.task == task_name and plan.training is None and card_path(name).exists():
            found.append(card(name))
    return max(found, key=lambda each: each.metrics.accuracy, default=None)


def _described(
    plan: Recipe, subject: Task, model: nn.Module | TraditionalModel, digest: str, seconds: float
) -> ModelCard:
    scored = subject.samples(subject.scored)
    best = best_traditional(plan.task) if plan.training is not None else None
    return ModelCard(
        name=plan.name,
        title=plan.title,
        family=plan.family,
        task=plan.task,
        limits=plan.limits,
        recipe=asdict(plan),
        digest=digest,
        weights_bytes=None,
        parameters=parameter_count(model),
        data_digests={split: data_digest(subject.samples(split)) for split in ("train", subject.scored)},
        split_sizes={split: len(subject.samples(split)) for split in subject.splits},
        scored=subject.scored,
        metrics=measure(model, scored),
        seconds=round(seconds, 3),
        predict_milliseconds=round(predict_milliseconds(model, scored), 4),
        device="cpu",
        threads=torch.get_num_threads(),
        versions={"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        best_traditional=best.name if best else None,
        best_traditional_accuracy=best.metrics.accuracy if best else None,
        evidence_used=evidence_used(model, subject, subject.scored),
        tokenizer_digest=subject.fingerprint(),
    )


def _rounded(made: Trained) -> dict[str, tuple[float, ...]]:
    return {name: tuple(round(value, 5) for value in series) for name, series in made.history.items()}
