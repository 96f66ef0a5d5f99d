"""Planted tables: rows that are generated, so that the columns behind each answer are known."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from zoo.generated import Generated
from zoo.tabular import Rows, TableTask
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class Draw:
    """Rows before they are put together: `inputs = place + varied`."""

    place: Rows
    """What stays whatever is exchanged, such as the centre of a cluster; often zero."""
    varied: Rows
    evidence: Bool[np.ndarray, "sample feature"]
    """The entries of `varied` that caused the label."""
    labels: Int[np.ndarray, "sample"]
    values: Float[np.ndarray, "sample"] | None = None

    def first(self, count: int) -> Self:
        """The first `count` rows, or all if there are fewer."""
        parts: dict[str, Any] = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        cut: dict[str, Any] = {name: None if array is None else array[:count] for name, array in parts.items()}
        return type(self)(**cut)


@dataclass(frozen=True, kw_only=True)
class PlantedTable(Generated, TableTask):
    """Generated rows of numbers with the entries that caused the label; splits come from different seeds."""

    absence = "mean"
    preprocessing = "None: the numbers are as they were drawn."

    @abstractmethod
    def draw(self, generator: np.random.Generator) -> Draw:
        """One block of rows."""

    def load(self, split: str) -> Samples:
        return self.rendered(split, lambda rows: rows.varied)

    def without_evidence(self, split: str) -> Samples:
        """The same rows, in which the entries that caused the label come from another row."""
        return self.rendered(split, lambda rows: np.where(rows.evidence, np.roll(rows.varied, 1, 0), rows.varied))

    def with_other_rest(self, split: str) -> Samples:
        """The same evidence, while all other entries come from another row."""
        return self.rendered(split, lambda rows: np.where(rows.evidence, rows.varied, np.roll(rows.varied, 1, 0)))

    def drawn(self, split: str) -> Iterator[Draw]:
        """The rows of a split, block by block."""
        for generator, size in self.draws(split):
            yield self.draw(generator).first(size)

    def rendered(self, split: str, change: Callable[[Draw], Rows]) -> Samples:
        """A split whose rows were changed after they were drawn; labels and values are those from before."""
        parts, inputs = [], []
        for generator, size in self.draws(split):
            rows = self.draw(generator)  # whole, so that the same rows are exchanged in a split of any size
            inputs.append(_tensor(rows.place + change(rows))[:size])
            parts.append(rows.first(size))
        values = [torch.from_numpy(part.values.astype(np.float32)) for part in parts if part.values is not None]
        return Samples(
            inputs=torch.cat(inputs),
            labels=torch.from_numpy(np.concatenate([part.labels for part in parts])),
            ids=tuple(f"{split}:{i}" for i in range(getattr(self, split))),
            evidence=torch.from_numpy(np.concatenate([part.evidence for part in parts])),
            values=torch.cat(values) if values else None,
        )


def _tensor(rows: Rows) -> Float[Tensor, "sample feature"]:
    """Rows are drawn in double precision and rounded at the end, so that every machine gets the same bits."""
    return torch.from_numpy(rows.astype(np.float32))
