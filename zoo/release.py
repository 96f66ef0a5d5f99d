"""Release: a model made from its recipe, measured, and written down with its card."""

import platform
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import save as tensors_to_bytes
from torch import nn

from zoo import checkpoint, storage
from zoo.card import ModelCard, Spread, card, card_path, estimators_path, weights_path
from zoo.checkpoint import Run
from zoo.cost import multiply_accumulates
from zoo.energy import Spent, spending
from zoo.errors import InputError
from zoo.estimators import to_bytes
from zoo.evaluation import evidence_used, measure, predict_milliseconds
from zoo.handles import handles
from zoo.loading import data_digest, fitted, load, recipe_digest, task
from zoo.model import TraditionalModel, parameter_count
from zoo.quality import t_interval
from zoo.recipe import Recipe
from zoo.recipes import RECIPES, recipe
from zoo.task import Task
from zoo.training import Watch, train

PACKAGES = ("torch", "scikit-learn", "numpy", "tokenizers", "skops")
SAME = "Its fit does not depend on the seed: all of them give the same score."
KEPT = (
    *("weights_bytes", "history", "device", "threads", "versions", "commit"),
    *("seconds", "energy_joules", "energy_how", "spread"),
)
"""What of a card stays when it is written again without training."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Product:
    """A model as it came out of its recipe, with one seed."""

    model: nn.Module | TraditionalModel
    digest: str
    content: bytes | None
    """Of its file; None where it is refitted."""
    seconds: float
    spent: Spent
    history: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


def release(
    plan: Recipe,
    device: torch.device = torch.device("cpu"),
    watch: Watch | None = None,
    *,
    resume: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> ModelCard:
    """Train or fit a recipe with each of its seeds, measure, and write weights and card of the first in one step.

    Every seed of a network has a run of its own, so that with `resume` those that are done are not trained again.
    Raises `InputError` where the task's data is not at hand, or the disk is full. Nothing in the folder of weights
    changes until everything is made.
    """
    subject = task(plan.task)
    seeds = tuple(plan.seed + step for step in range(plan.seeds))
    runs = [] if plan.training is None else [checkpoint.run(replace(plan, seed=seed)) for seed in seeds]
    first, scores = None, []
    for place, seed in enumerate(seeds):
        called = plan.name if len(seeds) == 1 else f"{plan.name}, seed {place + 1} of {len(seeds)}"
        run = runs[place] if runs else None
        made = produce(
            replace(plan, seed=seed), subject, device, watch, called, run=run, resume=resume, cancelled=cancelled
        )
        scores.append(measure(made.model, subject.samples(subject.scored)).score)
        first = first or made
    assert first is not None, "a recipe has at least one seed"
    described = _described(plan, subject, first.model, first.digest)
    described = replace(
        described,
        spread=spread(seeds, scores, first.seconds, plan.training is None),
        weights_bytes=None if first.content is None else len(first.content),
        history=first.history,
        seconds=round(first.seconds, 3),
        energy_joules=None if first.spent.joules is None else round(first.spent.joules, 1),
        energy_how=first.spent.how,
        device=device.type if plan.training is not None else "cpu",
    )
    _write(plan, described, first.content)
    for run in runs:
        run.finish()
    return described


def accompany(plan: Recipe, device: torch.device, *, resume: bool = False) -> None:
    """What every process but the first does where several train together: train, and measure and write nothing."""
    subject = task(plan.task)
    for seed in range(plan.seed, plan.seed + plan.seeds):
        each = replace(plan, seed=seed)
        train(each, subject, subject.samples("train"), device, run=checkpoint.run(each), resume=resume)


def produce(
    plan: Recipe,
    subject: Task,
    device: torch.device,
    watch: Watch | None = None,
    called: str | None = None,
    *,
    run: Run | None = None,
    resume: bool = False,
    cancelled: Callable[[], bool] = lambda: False,
) -> Product:
    """The model of a recipe, trained or fitted with the recipe's own seed; nothing is written."""
    training = subject.samples("train")
    if plan.training is None:
        with spending(torch.device("cpu")) as spent:
            model = fitted(plan, training, subject)
        content = to_bytes(model.state()) if plan.stored else None
        digest = recipe_digest(plan, training) if content is None else storage.sha256(content)
        return Product(model=model, digest=digest, content=content, seconds=spent.core_seconds or 0.0, spent=spent)
    with spending(device) as spent:
        made = train(plan, subject, training, device, watch, called, run=run, resume=resume, cancelled=cancelled)
    if made.resumed:
        spent = Spent(joules=None, how="not measured: the training was interrupted, and went on later")
    content = tensors_to_bytes({name: t.contiguous() for name, t in made.model.state_dict().items()})
    history = {name: tuple(round(value, 5) for value in series) for name, series in made.history.items()}
    return Product(
        model=made.model,
        digest=storage.sha256(content),
        content=content,
        seconds=made.seconds if device.type != "cpu" or spent.core_seconds is None else spent.core_seconds,
        spent=spent,
        history=history,
    )


def spread(seeds: tuple[int, ...], scores: list[float], seconds: float, traditional: bool) -> Spread:
    """The scores of seeds with their mean and its t interval, and what there is to say about them."""
    low, high = t_interval(scores)
    note = ""
    if len(seeds) == 1:
        note = f"One seed only: a run takes {seconds / 60:.0f} minutes."
    elif traditional and len(set(scores)) == 1:
        note = SAME
    one = len(seeds) == 1
    return Spread(
        seeds=seeds,
        scores=tuple(scores),
        mean=sum(scores) / len(scores),
        low=None if one else low,
        high=None if one else high,
        note=note,
    )


def remeasure(name: str) -> ModelCard:
    """The card of a model written again from the weights there are: measured anew, with the recipe's present words.

    How it was trained, and what other seeds reached, is taken from the old card. Raises `InputError` where the recipe
    now gives another model.
    """
    plan, old, loaded = recipe(name), card(name), load(name)
    plan = replace(plan, seed=old.recipe["seed"])
    if not Recipe.from_dict(old.recipe).is_made_like(plan) or loaded.digest != old.digest:
        raise InputError(f"{name} is not what its recipe now makes of the data here. Run `python -m zoo train {name}`.")
    new = _described(replace(plan, seeds=len(old.spread.seeds)), loaded.task, loaded.model, old.digest)
    new = replace(new, **{key: getattr(old, key) for key in KEPT})
    _write(plan, new, None)
    return new


def best_traditional(task_name: str) -> ModelCard | None:
    """The card of the best traditional model of a task, by the cards there are."""
    found = []
    for name, plan in RECIPES.items():
        if plan.task == task_name and plan.training is None and card_path(name).exists():
            found.append(card(name))
    return max(found, key=lambda each: each.metrics.score, default=None)


def key_shape_digest(model: nn.Module | TraditionalModel) -> str | None:
    """sha256 of the names, types and shapes of a network's weights, sorted; None for a traditional model."""
    if isinstance(model, TraditionalModel):
        return None
    lines = [f"{name} {tensor.dtype} {tuple(tensor.shape)}" for name, tensor in sorted(model.state_dict().items())]
    return storage.sha256("\n".join(lines).encode())


def versions() -> dict[str, str]:
    """Of everything that has a say in the weights."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def commit() -> str | None:
    """The commit of the source code, with "+ changes" where the zoo's own code differs from it; None outside git."""
    home = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(home), *arguments], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != home.parent.resolve():
            return None
        changed = git("status", "--porcelain", "--", "*.py")
        return git("rev-parse", "HEAD") + (" + changes" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _described(plan: Recipe, subject: Task, model: nn.Module | TraditionalModel, digest: str) -> ModelCard:
    """Everything that can be found by looking at a model; how it was trained is still to be filled in."""
    scored = subject.samples(subject.scored)
    best = best_traditional(plan.task) if plan.training is not None else None
    metrics = measure(model, scored)
    return ModelCard(
        name=plan.name,
        title=plan.title,
        family=plan.family,
        task=plan.task,
        limits=plan.limits,
        recipe=asdict(plan),
        digest=digest,
        key_shape_digest=key_shape_digest(model),
        weights_bytes=None,
        parameters=parameter_count(model),
        multiply_accumulates=multiply_accumulates(model, scored),
        data_digests={split: data_digest(subject.samples(split)) for split in subject.splits},
        split_sizes={split: len(subject.samples(split)) for split in subject.splits},
        scored=subject.scored,
        source=subject.source,
        preprocessing=subject.preprocessing,
        reference=subject.absence,
        metrics=metrics,
        spread=spread((plan.seed,), [metrics.score], 0.0, traditional=False),
        seconds=0.0,
        energy_joules=None,
        energy_how="not measured",
        predict_milliseconds=round(predict_milliseconds(model, scored), 4),
        device="cpu",
        threads=torch.get_num_threads(),
        versions=versions(),
        commit=commit(),
        best_traditional=best.name if best else None,
        best_traditional_score=best.metrics.score if best else None,
        evidence_used=evidence_used(model, subject, subject.scored),
        tokenizer_digest=subject.fingerprint(),
        handles=handles(model, subject),
    )


def _write(plan: Recipe, described: ModelCard, content: bytes | None) -> None:
    """The card and, where there is one, the model's file, in one step; `InputError` where the disk does not take them.

    A traditional model that is better than the others changes what the cards of its task's networks say of the best.
    """
    path = card_path(plan.name)
    ModelCard.from_json(described.to_json(), path)  # a card that could not be read again is not written
    files = {path: described.to_json().encode()}
    if content is not None:
        files[estimators_path(plan.name) if plan.training is None else weights_path(plan.name)] = content
    try:
        storage.write_atomically(files)
        if plan.training is None:
            storage.write_atomically(_told(plan.task))
    except OSError as error:
        raise InputError(
            f"{plan.name} could not be written to {storage.WEIGHTS} ({error.strerror}). Make room there; what was "
            "there is as it was."
        ) from None


def _told(task_name: str) -> dict[Path, bytes]:
    """The cards of a task's networks that name another best traditional model than there is now, put right."""
    best, files = best_traditional(task_name), {}
    for name, plan in RECIPES.items():
        if plan.task != task_name or plan.training is None or best is None or not card_path(name).exists():
            continue
        old = card(name)
        new = replace(old, best_traditional=best.name, best_traditional_score=best.metrics.score)
        if new != old:
            files[card_path(name)] = new.to_json().encode()
    return files
