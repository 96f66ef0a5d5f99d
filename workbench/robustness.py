"""Robustness: how far the map of a method moves when the input moves a little."""

import hashlib
from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from workbench.chance import generator, per_sample
from workbench.records import Attribution, Score
from workbench.repetition import again, configured
from workbench.scoring import AbstractMetric
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Kind, Samples, Task

SETTLED = 1e-5
"""Of the size of the logits: what moves them by less is rounding in float32."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Nearby:
    """One sample's map, its maps at inputs nearby, and how far those are: in standard deviations of the training
    inputs, in shares of the input's own size in the same units, and in logits (their Euclidean norms)."""

    own: Float[np.ndarray, "place"]
    maps: Float[np.ndarray, "near place"]
    distance: Float[np.ndarray, "near"]
    share: Float[np.ndarray, "near"]
    answer: Float[np.ndarray, "near"]

    def change(self) -> Float[np.ndarray, "near"]:
        """‖a(x') − a(x)‖ of each input nearby."""
        return np.linalg.norm(self.maps - self.own, axis=1)

    def relative_change(self) -> Float[np.ndarray, "near"]:
        """The same in shares of ‖a(x)‖; NaN where the map is zero everywhere."""
        size = np.linalg.norm(self.own)
        return self.change() / size if size > 0 else np.full(len(self.maps), np.nan)


@dataclass(frozen=True, kw_only=True)
class AbstractRobustness(AbstractMetric):
    """A number for the changes of a map at inputs nearby: each entry is moved by a uniform draw from
    [−radius, radius] standard deviations of it over the training inputs (of images, of all entries together).

    The same class is explained with the method's cheap settings (`rough`), at the input too, and with its own seed, so
    that nothing but the input differs. The control shuffles the maps nearby over their places: what a method would
    score that gives every input the same values in another order.
    """

    category = "robustness"
    higher_is_better = False

    n_near: int = setting(3, low=1, high=1000, help="Inputs nearby, each of them explained")
    radius: float = setting(0.1, low=1e-6, high=10.0, help="How far an entry moves at most, in standard deviations")
    n_draws: int = setting(20, low=1, high=1000, help="Shufflings of the maps nearby, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the inputs nearby, and of the control")

    @abstractmethod
    def measured(self, nearby: Nearby) -> float:
        """The value of one sample; NaN where it has none."""

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        if not samples.inputs.is_floating_point():
            return "inputs are words, and no other word is a small step away."
        return None

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        found = _nearby(_Asked(subject, samples, attribution), self.n_near, self.radius, self.seed)
        values, control = np.full(len(found), np.nan), np.full((len(found), self.n_draws), np.nan)
        for i, (name, nearby) in enumerate(zip(samples.ids, found, strict=True)):
            values[i] = self.measured(nearby)
            chance = np.random.default_rng(generator(self.seed, "shuffled maps", name).initial_seed())
            for draw in range(self.n_draws):
                control[i, draw] = self.measured(replace(nearby, maps=chance.permuted(nearby.maps, axis=1)))
        scored = np.isfinite(values) & np.isfinite(control).all(1)
        why = "the map is zero everywhere there, or what its change is compared with does not change"
        return self.record(attribution, values, control, scored, why)


class _Asked:
    """A method asked about samples, by what decides its answers; metrics that ask alike share them.

    The model's answers are part of it, so that a network whose weights were changed in place meets no maps of its past.
    """

    def __init__(self, subject: Subject, samples: Samples, attribution: Attribution) -> None:
        self.subject, self.samples, self.attribution = subject, samples, attribution
        answers = subject.logits(samples.inputs).cpu().numpy()
        content = (attribution.values, attribution.classes, samples.inputs.numpy(), answers)
        digest = hashlib.sha256(b"/".join(np.ascontiguousarray(part).tobytes() for part in content)).hexdigest()
        told = (attribution.method, str(dict(attribution.parameters)), str(attribution.target), attribution.steps)
        self.key = (digest, *told, samples.ids, id(subject.model))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.key == other.key


@lru_cache(maxsize=4)
def _nearby(asked: _Asked, n_near: int, radius: float, seed: int) -> tuple[Nearby, ...]:
    subject, samples, attribution = asked.subject, asked.samples, asked.attribution
    config = configured(attribution)
    cheap = config.rough()
    own = attribution if cheap == config else again(subject, samples, attribution, cheap)
    unit = deviations(subject.task, samples.inputs)
    moves = steps(samples, n_near, seed) * radius
    near = moved(samples, moves * unit)
    maps = np.stack([_flat(again(subject, other, attribution, cheap)) for other in near], 1)
    logits = subject.logits(samples.inputs).cpu().double()
    answers = torch.stack([(subject.logits(other.inputs).cpu().double() - logits).norm(dim=1) for other in near], 1)
    answers[answers <= SETTLED * logits.norm(dim=1, keepdim=True)] = 0
    distance = (moves * (unit > 0)).double().flatten(2).norm(dim=2)
    size = (samples.inputs / unit.where(unit > 0, torch.inf)).double().flatten(1).norm(dim=1)
    return tuple(
        Nearby(own=a, maps=b, distance=d, share=d / s if s > 0 else np.full(len(d), np.nan), answer=r)
        for a, b, d, s, r in zip(_flat(own), maps, distance.numpy(), size.numpy(), answers.numpy(), strict=True)
    )


def moved(samples: Samples, moves: Float[Tensor, "sample near ..."]) -> list[Samples]:
    """Copies of the samples, each moved by its own."""
    return [replace(samples, inputs=samples.inputs + move) for move in moves.unbind(1)]


def steps(samples: Samples, n_near: int, seed: int) -> Float[Tensor, "sample near ..."]:
    """Uniform draws from [−1, 1] for each entry of `n_near` copies of each sample."""
    shape = (n_near, *samples.inputs.shape[1:])
    draws = per_sample(lambda chance: torch.rand(shape, generator=chance), samples.ids, seed, "inputs nearby")
    return 2 * draws.to(samples.inputs.dtype) - 1


def deviations(task: Task, inputs: Float[Tensor, "sample ..."]) -> Float[Tensor, "..."]:
    """The standard deviation of the entries over the training inputs: of images over all, else of each feature."""
    training = task.samples("train").inputs
    if task.kind is Kind.IMAGE:
        return training.std(correction=0).to(inputs.dtype)
    return training.flatten(0, -2).std(0, correction=0).to(inputs.dtype)


def _flat(attribution: Attribution) -> Float[np.ndarray, "sample place"]:
    return attribution.values.reshape(len(attribution), -1).astype(np.float64)
