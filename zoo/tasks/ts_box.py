"""Boxes in series: a stretch of time, of some features, in which a noisy series is raised or lowered."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zoo.blocks import blocks
from zoo.errors import unknown
from zoo.generated import BLOCK, Generated
from zoo.processes import PROCESSES, Series
from zoo.task import Kind, Samples


@dataclass(frozen=True, kw_only=True)
class Box:
    """How much of time and features a box covers, and where it begins, as shares of them; None where that is random.

    `asked` is the axis (0 time, 1 features) along which the place of the box is the class: near the beginning or past
    the middle. None where the class is its sign.
    """

    title: str
    extent: tuple[float, float]
    start: tuple[float | None, float | None] = (None, None)
    asked: int | None = None


BOXES = {
    "middle": Box(title="A box in the middle of", extent=(0.6, 0.6), start=(0.2, 0.2)),
    "small_middle": Box(title="A small box in the middle of", extent=(0.28, 0.28), start=(0.36, 0.36)),
    "moving": Box(title="A moving box in", extent=(0.6, 0.6)),
    "small_moving": Box(title="A small moving box in", extent=(0.28, 0.28)),
    "rare_time": Box(title="A short box in", extent=(0.12, 0.8), start=(0.44, 0.1)),
    "moving_rare_time": Box(title="A short moving box in", extent=(0.12, 0.8)),
    "rare_feature": Box(title="A narrow box in", extent=(0.8, 0.12), start=(0.1, 0.44)),
    "moving_rare_feature": Box(title="A narrow moving box in", extent=(0.8, 0.12)),
    "positional_time": Box(title="An early or late box in", extent=(0.4, 0.4), asked=0),
    "positional_feature": Box(title="A box at low or high features of", extent=(0.4, 0.4), asked=1),
}
NOISES = {
    "gaussian": "Gaussian noise",
    "harmonic": "sine waves",
    "pseudo_periodic": "unsteady sine waves",
    "gaussian_process": "Gaussian processes",
    "autoregressive": "autoregressive series",
    "continuous_autoregressive": "irregular autoregressive series",
    "narma": "NARMA series",
}
SIDES = (0.02, 0.58)
"""Where a box begins whose place is the class."""
SHIPPED = (
    ("middle", "gaussian"),
    ("moving", "gaussian"),
    ("rare_time", "gaussian"),
    ("rare_feature", "gaussian"),
    ("positional_time", "gaussian"),
    ("middle", "harmonic"),
    ("moving", "autoregressive"),
    ("rare_time", "pseudo_periodic"),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Boxed:
    """A block of series before they are put together."""

    base: Series
    inside: Bool[np.ndarray, "sample time feature"]
    height: Float[np.ndarray, "sample"]
    """What is added inside the box: −1 or 1."""
    labels: Int[np.ndarray, "sample"]


@dataclass(frozen=True, kw_only=True)
class TsBox(Generated):
    """Series of 25 features over 25 steps: a random process, and a box in which every value is 1 larger or smaller.

    Rule: the class is the sign of the box; in the positional kinds the box is always raised, and the class is whether
    it lies early or late (or at low or high features). The evidence is the box. Ten boxes and seven processes can be
    combined, eight combinations are shipped. The published benchmark has 50 × 50 values and boxes of the same shares;
    half the side is enough for every question and four times as fast. Groups are blocks of 5 × 5 values, 25 of them.

    With Gaussian noise the likelihood ratio of a box of n values at a known place errs with probability Φ(−√n), 10⁻¹⁴
    for the smallest of the fixed ones. At one of m places it errs with less than m Φ(−√(n/2)).

    When it misleads: the mean of all values already tells the sign of a large box, so that a model may spread its
    weight over everything; that is no mistake of the attribution. Reference: [ismail2020benchmarking]
    """

    name = "ts_box"
    title = "A box in the middle of Gaussian noise"
    kind = Kind.SERIES
    classes = ("lowered", "raised")
    axes = ("time", "feature")
    citation = "ismail2020benchmarking"
    about = (
        "Generated series of 25 features over 25 steps: Gaussian noise, and in the middle a box of 15 × 15 values that "
        "are all raised by 1 or lowered by 1, which is the class. Splits come from different seeds."
    )
    rule = "The class is whether the values in the box are raised or lowered by 1."

    box: str = "middle"
    process: str = "gaussian"
    size: int = 25
    """Steps, and features."""
    train: int = 4000
    validation: int = 500
    test: int = 1000

    def __post_init__(self) -> None:
        if self.box not in BOXES:
            raise unknown("box", self.box, BOXES)
        if self.process not in PROCESSES:
            raise unknown("process", self.process, PROCESSES)
        self._describe(bayes=self._best())
        parts = [self.box] * (self.box != "middle") + [self.process] * (self.process != "gaussian")
        if parts:
            self._describe(name="_".join(("ts_box", *parts)), **_words(self.box, self.process, self._extent))

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return tuple(cls(box=box, process=process) for box, process in SHIPPED)

    def load(self, split: str) -> Samples:
        return self._samples(split, lambda parts: parts)

    def groups(self, inputs: Float[Tensor, "sample time feature"]) -> Int[Tensor, "sample time feature"]:
        return blocks(inputs, 5, 5)

    def without_evidence(self, split: str) -> Samples:
        """The same series in which no box was raised or lowered."""
        return self._samples(split, lambda parts: replace(parts, inside=np.zeros_like(parts.inside)))

    def with_other_rest(self, split: str) -> Samples:
        """The same values in the box, and around it those of the next series before its box was planted."""
        return self._samples(
            split,
            lambda parts: replace(parts, base=np.where(parts.inside, parts.base, np.roll(parts.base, 1, axis=0))),
        )

    @property
    def _extent(self) -> tuple[int, int]:
        """Steps and features of the box."""
        time, feature = (round(share * self.size) for share in BOXES[self.box].extent)
        return time, feature

    def _best(self) -> float | None:
        """The accuracy of the likelihood ratio where it is known; of a box that moves, if it is 1 but for 10⁻⁵."""
        if self.process != "gaussian":
            return None
        values = int(np.prod(self._extent))
        if None not in BOXES[self.box].start:
            return NormalDist().cdf(values**0.5)
        places = np.prod([self.size - extent + 1 for extent in self._extent])
        return 1.0 if places * NormalDist().cdf(-((values / 2) ** 0.5)) < 1e-5 else None

    def _samples(self, split: str, change: Callable[[Boxed], Boxed]) -> Samples:
        inputs, labels, evidence = [], [], []
        for generator, count in self.draws(split):
            parts = change(self._draw(generator))
            raised = parts.base + parts.height[:, None, None] * parts.inside
            inputs.append(torch.from_numpy(raised[:count].astype(np.float32)))
            labels.append(torch.from_numpy(parts.labels[:count]))
            evidence.append(torch.from_numpy(parts.inside[:count]))
        answers = torch.cat(labels)
        return Samples(
            inputs=torch.cat(inputs),
            labels=answers,
            ids=tuple(f"{split}:{i}" for i in range(len(answers))),
            evidence=torch.cat(evidence),
        )

    def _draw(self, generator: np.random.Generator) -> Boxed:
        kind, labels = BOXES[self.box], generator.integers(2, size=BLOCK)
        along = [np.arange(self.size)] * 2
        inside = []
        for axis, extent in enumerate(self._extent):
            start = self._start(generator, axis, extent, labels)[:, None]
            inside.append((along[axis] >= start) & (along[axis] < start + extent))
        return Boxed(
            base=PROCESSES[self.process](generator, (BLOCK, self.size, self.size)),
            inside=inside[0][:, :, None] & inside[1][:, None, :],
            height=np.where(labels == 1, 1.0, -1.0) if kind.asked is None else np.ones(BLOCK),
            labels=labels,
        )

    def _start(
        self, generator: np.random.Generator, axis: int, extent: int, labels: Int[np.ndarray, "sample"]
    ) -> Int[np.ndarray, "sample"]:
        """Where the box of each sample begins along an axis."""
        kind = BOXES[self.box]
        if kind.asked == axis:
            return np.array([int(share * self.size) for share in SIDES])[labels]
        share = kind.start[axis]
        if share is None:
            return generator.integers(self.size - extent + 1, size=BLOCK)
        return np.full(BLOCK, round(share * self.size))


def _words(box: str, process: str, extent: tuple[int, int]) -> dict[str, object]:
    """What a combination is called, and what is said of it."""
    kind, noise = BOXES[box], NOISES[process]
    words: dict[str, object] = {"title": f"{kind.title} {noise}"}
    if kind.asked is None:
        place = "anywhere" if None in kind.start else "always at the same place"
        what = f"that are all raised by 1 or lowered by 1, which is the class. It lies {place}."
    else:
        words["classes"] = classes = ("early", "late") if kind.asked == 0 else ("at low features", "at high features")
        words["rule"] = f"The class is whether the raised box lies {' or '.join(classes)}."
        what = f"that are all raised by 1. The class is whether it lies {' or '.join(classes)}."
    words["about"] = (
        f"Generated series of 25 features over 25 steps: {noise}, and a box of {extent[0]} steps × {extent[1]} "
        f"features with values {what} Splits come from different seeds."
    )
    return words
