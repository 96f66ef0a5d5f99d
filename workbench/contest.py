"""Contest: models that answered for the same samples, in one table, the networks against the traditional models."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from workbench.provenance import provenance
from workbench.records import Column, Table
from workbench.subject import Subject
from zoo.card import ModelCard
from zoo.model import TraditionalModel, parameter_count
from zoo.task import Samples, Task

NAMED = (Column(title="Model"), Column(title="Kind"))
COSTS = (
    Column(title="Fit", unit="s", higher_is_better=False, digits=1),
    Column(title="Fitted on"),
    Column(title="Predict", unit="ms per sample", higher_is_better=False, digits=4),
    Column(title="Parameters", digits=0),
)


@dataclass(frozen=True, kw_only=True)
class Lead:
    """By how much the score of one model is above that of another on the same samples, with its 95 % interval."""

    difference: float
    low: float
    high: float

    @property
    def told_apart(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Figure:
    """What was measured of one model, and its 95 % interval where there is one."""

    value: float
    low: float = np.nan
    high: float = np.nan


@dataclass(frozen=True, eq=False)
class Entry(ABC):
    """A model, what its card says, and the milliseconds per sample that it took to answer for these samples."""

    subject: Subject
    card: ModelCard
    samples: Samples
    milliseconds: float

    measured: ClassVar[tuple[Column, ...]]
    """What `figures` are."""
    unit: ClassVar[str]
    """Of a difference of scores."""
    scale: ClassVar[float]
    """Of a score in that unit."""
    digits: ClassVar[int]

    @property
    def kind(self) -> str:
        return "traditional" if isinstance(self.subject.model, TraditionalModel) else "network"

    @property
    @abstractmethod
    def score(self) -> float:
        """What models are ranked by; more is better."""

    @property
    def remark(self) -> str:
        """A sentence on how the answers were judged; empty where there is nothing to say."""
        return ""

    @abstractmethod
    def figures(self) -> tuple[Figure, ...]:
        """All that is measured of the answers."""

    @abstractmethod
    def lead(self, other: Self) -> Lead:
        """How far it is ahead of another model that answered for the same samples."""


def table(task: Task, split: str, found: Sequence[Entry]) -> Table:
    """One row for each model, best score first, and the verdict on networks and traditional models."""
    found = sorted(found, key=lambda one: one.score, reverse=True)
    columns = (*NAMED, *found[0].measured, *COSTS)
    low, high = np.full((2, len(found), len(columns)), np.nan)
    rows: list[tuple[str | float | int | None, ...]] = []
    for place, one in enumerate(found):
        figures = one.figures()
        measured = slice(len(NAMED), len(NAMED) + len(figures))
        low[place, measured], high[place, measured] = [each.low for each in figures], [each.high for each in figures]
        costs = (one.card.seconds, one.card.trained_on, one.milliseconds, parameter_count(one.subject.model))
        rows.append((one.subject.name, one.kind, *(each.value for each in figures), *costs))
    said, count = verdict(found), len(found[0].samples)
    trained = "These models were fitted on this very split." if split == "train" else ""
    closing = "Intervals are 95 % over samples; fit times are of the machine named on the card."
    return Table(
        title=f"Models of {task.title.lower()} on {count:,} samples of the {split} split",
        provenance={
            "task": task.name,
            "split": split,
            "samples": count,
            "verdict": said,
            "subjects": [provenance(one.subject) for one in found],
        },
        columns=columns,
        rows=tuple(rows),
        low=low,
        high=high,
        note=" ".join(filter(None, (said, trained, found[0].remark, closing))),
    )


def verdict(found: Sequence[Entry]) -> str:
    """Whether the best network and the best traditional model can be told apart, and which is better.

    Each is the best of its kind on these very samples, which flatters both a little.
    """
    kinds = {kind: [one for one in found if one.kind == kind] for kind in ("network", "traditional")}
    for kind, members in kinds.items():
        if not members:
            return f"There is no {kind} model of this task to compare with."
    network, traditional = (max(members, key=lambda one: one.score) for members in kinds.values())
    lead = network.lead(traditional)
    scale = network.scale if lead.difference >= 0 else -network.scale
    ends = sorted((scale * lead.low, scale * lead.high))
    gap, low, high = (f"{number:.{network.digits}f}" for number in (scale * lead.difference, *ends))
    measured = (
        f"{network.subject.name} and {traditional.subject.name} differ by {gap} {network.unit} (95 % interval {low} to "
        f"{high} of the paired difference, {len(network.samples):,} samples): "
    )
    if not lead.told_apart:
        return measured + "they cannot be told apart."
    return measured + f"the {'network' if lead.difference > 0 else 'traditional model'} is better here."
