"""Orderings: what the model says of a sample whose features, in the order of an attribution, have had their turn."""

import math
from abc import abstractmethod
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.perturbations import coalition_values, fine_features, group_counts, per_feature
from workbench.query import Query
from workbench.records import Attribution, Output, Score
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.removal import Answers, random_ranks, ranks
from workbench.scoring import AbstractMetric, over_inputs
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class AbstractOrdering(AbstractMetric):
    """A number made of f(x) and of f where the first features of an order are removed, for the attribution's order and
    for random ones.

    Random orders do not depend on the attribution: they are asked for once per batch of samples, not once per method.
    """

    category = "faithfulness"
    unit = "probability"
    lowest_first: ClassVar[bool] = False
    """Whether the order begins with the least attribution."""

    n_orders: int = setting(20, low=1, high=1000, help="Random orders of each sample, the control")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What a removed feature shows (text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the random orders, and of ties")

    @abstractmethod
    def turns(self, counts: Int[Tensor, "sample"]) -> Int[Tensor, "sample step"]:
        """How many of each sample's features are removed at each step."""

    @abstractmethod
    def measured(
        self, f: Float[np.ndarray, "sample"], without: Float[np.ndarray, "sample draw step"]
    ) -> Float[np.ndarray, "sample draw"]:
        """The value of each order; NaN where it means nothing."""

    def output(self, attribution: Attribution) -> Output:
        """The scalar that is looked at."""
        return Output.PROBABILITY

    def features(self, query: Query) -> Int[Tensor, "sample ..."]:
        """What is removed one by one: pixels over all channels, words, columns, points in time."""
        return fine_features(query.subject.task, query.inputs)

    def worth(
        self, maps: Float[Tensor, "sample ..."], features: Int[Tensor, "sample ..."]
    ) -> Float[Tensor, "sample feature"]:
        """By which features are ordered."""
        return per_feature(maps, features)

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        query = Query(subject, samples, torch.tensor(attribution.classes), self.output(attribution))
        features = self.features(query)
        worth = self.worth(torch.tensor(over_inputs(attribution, subject.task.axes)), features)
        order = ranks(-worth if self.lowest_first else worth, group_counts(features), samples.ids, self.seed)
        without = self.without(query, features, order[:, None])
        f = query.values(query.inputs).double().numpy()
        found, control = self.measured(f, without)[:, 0], self.measured(f, _controls(self, Answers(query)))
        scored = np.isfinite(found) & np.isfinite(control).all(1)
        record = self.record(attribution, found, control, scored, "the class has no probability to lose")
        regression = subject.task.regression and self.unit == "probability"
        return replace(record, unit="output") if regression else record

    def without(
        self, query: Query, features: Int[Tensor, "sample ..."], order: Int[Tensor, "sample draw feature"]
    ) -> Float[np.ndarray, "sample draw step"]:
        """f where the features that have had their turn show the reference input."""
        reference = reference_inputs(query, self.reference_input, self.seed)
        turns = self.turns(group_counts(features))
        rows = Rows(order, turns)
        found = coalition_values(query, rows.present, rows.sample, reference, features)
        return rows.folded(found)


class Rows:
    """One row for each sample, order and step: which sample it is, and which features are still there."""

    def __init__(self, order: Int[Tensor, "sample draw feature"], turns: Int[Tensor, "sample step"]) -> None:
        self.order, self.turns = order, turns
        self.shape = (len(order), order.shape[1], turns.shape[1])
        self.sample, self._draw, self._step = torch.unravel_index(torch.arange(math.prod(self.shape)), self.shape)

    def present(self, part: slice) -> Tensor:
        """Which features have not had their turn in these rows."""
        sample = self.sample[part]
        return self.order[sample, self._draw[part]] >= self.turns[sample, self._step[part]][:, None]

    def folded(self, values: Float[Tensor, "row"]) -> Float[np.ndarray, "sample draw step"]:
        """Values of the rows by sample, order and step."""
        return values.view(self.shape).double().numpy()


def part(counts: Int[Tensor, "sample"], share: float) -> Int[Tensor, "sample"]:
    """That share of each sample's features, rounded up: at least one where there is any."""
    return torch.ceil(counts * share - 1e-6).long().clamp(min=1).minimum(counts)


@lru_cache(maxsize=32)
def _controls(metric: AbstractOrdering, answers: Answers) -> Float[np.ndarray, "sample draw step"]:
    """What the model says along random orders, which do not depend on the attribution."""
    query = answers.query
    features = metric.features(query)
    order = random_ranks(query, group_counts(features), metric.n_orders, metric.seed)
    return metric.without(query, features, order)
