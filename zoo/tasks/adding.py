"""The adding problem: two numbers to be remembered among many that do not matter."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zoo.generated import BLOCK, Generated
from zoo.task import Kind, Samples

STRETCH = 10
"""Steps of a group."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """A block of series before they are put together."""

    numbers: Float[np.ndarray, "sample time"]
    marked: Bool[np.ndarray, "sample time"]


@dataclass(frozen=True, kw_only=True)
class Adding(Generated):
    """Series of random numbers in [0, 1] beside marks that are 1 at two steps and 0 at all others.

    Rule: the value is the sum of the two marked numbers. One mark lies in the first half, the other in the second, each
    anywhere in it. The evidence are the two marked steps, numbers and marks. Who always says 1, the mean, has a mean
    squared error of 1/6 = 0.167; R² = 1 can be reached. Groups are stretches of 10 steps, numbers and marks apart.

    When it misleads: any other number may take the place of an unmarked one, but a mark tells a model where to look,
    and an attribution that is high at marks alone has found the question and not the answer.
    Reference: [hochreiter1997long]
    """

    name = "adding"
    title = "Adding two marked numbers of 200"
    kind = Kind.SERIES
    classes = ("sum",)
    axes = ("time", "feature")
    features = ("number", "mark")
    citation = "hochreiter1997long"
    about = (
        "Generated series of 200 steps: a random number between 0 and 1 at each, and two marks, one in each half. The "
        "sum of the two marked numbers is asked for. A network has to carry the first over a hundred steps or more, "
        "which is what vanilla recurrent networks do not learn. Always answering 1 gives a squared error of 0.167. "
        "Splits come from different seeds."
    )
    rule = "The value is the sum of the two numbers whose mark is 1."
    bayes = 1.0

    length: int = 200
    train: int = 10_000

    def __post_init__(self) -> None:
        if self.length != 200:
            self._describe(
                name="adding_short" if self.length == 50 else f"adding_{self.length}",
                title=f"Adding two marked numbers of {self.length}",
                about=self.about.replace("200 steps", f"{self.length} steps").replace(
                    "a hundred steps or more, which is what vanilla recurrent networks do not learn",
                    f"up to {self.length} steps",
                ),
            )

    @classmethod
    def variants(cls) -> tuple[Self, ...]:
        return cls(), cls(length=50)

    def load(self, split: str) -> Samples:
        return self._samples(split, lambda rows: rows)

    def groups(self, inputs: Float[Tensor, "sample time feature"]) -> Int[Tensor, "sample time feature"]:
        stretch = torch.arange(inputs.shape[1]) // STRETCH
        index = 2 * stretch[:, None] + torch.arange(2)
        return index.expand(inputs.shape).clone()

    def without_evidence(self, split: str) -> Samples:
        """The same numbers without any mark; the values asked for stay."""
        return self._samples(split, lambda rows: replace(rows, marked=np.zeros_like(rows.marked)))

    def with_other_rest(self, split: str) -> Samples:
        """The same marked numbers, and in all other places those of the next series."""
        return self._samples(
            split, lambda rows: replace(rows, numbers=np.where(rows.marked, rows.numbers, np.roll(rows.numbers, 1, 0)))
        )

    def _samples(self, split: str, change: Callable[[Rows], Rows]) -> Samples:
        inputs, values, evidence = [], [], []
        for generator, count in self.draws(split):
            rows = self._draw(generator)
            changed = change(rows)
            inputs.append(np.stack((changed.numbers, changed.marked), axis=2)[:count])
            values.append((rows.numbers * rows.marked).sum(1)[:count])
            evidence.append(np.repeat(changed.marked[:count, :, None], 2, axis=2))
        total = sum(map(len, values))
        return Samples(
            inputs=torch.from_numpy(np.concatenate(inputs)).float(),
            labels=torch.zeros(total, dtype=torch.long),
            ids=tuple(f"{split}:{i}" for i in range(total)),
            evidence=torch.from_numpy(np.concatenate(evidence)),
            values=torch.from_numpy(np.concatenate(values)).float(),
        )

    def _draw(self, generator: np.random.Generator) -> Rows:
        half, steps = self.length // 2, np.arange(self.length)
        numbers = generator.random((BLOCK, self.length))
        first = generator.integers(0, half, (BLOCK, 1))
        second = generator.integers(half, self.length, (BLOCK, 1))
        return Rows(numbers=numbers, marked=(steps == first) | (steps == second))
