"""Effects: what taking features away does, and how far attributions agree with it, feature by feature.

What happens does not depend on the attribution, so it is asked for once per batch of samples, for all methods and for
the random maps of the control.
"""

from abc import abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from workbench.chance import generator
from workbench.perturbations import coalition_values, fine_features, group_counts, per_feature
from workbench.query import Query
from workbench.records import Attribution, Score
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.removal import Answers
from workbench.scoring import AbstractMetric, over_inputs
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Kind, Samples

UNITS = ("group", "feature")
LEAST = 1e-6
"""Of the largest: differences of f that are smaller are what float32 leaves of nothing."""


@dataclass(frozen=True, eq=False)
class Effects:
    """What the removal of each subset of features does to f, in float64; `used` says which subsets there are."""

    removed: Bool[Tensor, "sample subset feature"]
    drops: Float[Tensor, "sample subset"]
    used: Bool[Tensor, "sample subset"]


@dataclass(frozen=True, kw_only=True)
class AbstractAgreement(AbstractMetric):
    """A number for a map and the effects of features on the explained scalar. The control is Gaussian noise."""

    category = "faithfulness"
    higher_is_better = True
    unit = "correlation"
    left_out: ClassVar[str] = "f changed alike whatever was removed, so there was nothing to agree with"

    players: str = setting("group", choices=UNITS, help="What is removed: the task's groups, or single features")
    n_maps: int = setting(20, low=1, high=1000, help="Random maps of each sample, the control")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What a removed feature shows (text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of everything that is drawn")

    @abstractmethod
    def agreement(self, maps: Float[Tensor, "sample map feature"], effects: Effects) -> Float[Tensor, "sample map"]:
        """The value of each map; NaN where there is nothing that it could agree with."""

    @abstractmethod
    def effects(self, query: Query, features: Int[Tensor, "sample ..."]) -> Effects:
        """What is asked of the model."""

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        query = Query(subject, samples, torch.tensor(attribution.classes), attribution.target.output)
        features = self.features(query)
        own = self.worth(torch.tensor(over_inputs(attribution, subject.task.axes)), features)[:, None]
        maps = torch.cat((own, self.controls(own[:, 0], group_counts(features), samples.ids)), 1)
        found = self.agreement(maps, _effects(self, Answers(query))).numpy()
        scored = np.isfinite(found).all(1)
        return self.record(attribution, found[:, 0], found[:, 1:], scored, self.left_out)

    def features(self, query: Query) -> Int[Tensor, "sample ..."]:
        """What is removed together."""
        return query.groups if self.players == "group" else fine_features(query.subject.task, query.inputs)

    def worth(
        self, maps: Float[Tensor, "sample ..."], features: Int[Tensor, "sample ..."]
    ) -> Float[Tensor, "sample feature"]:
        """What a map says of each feature."""
        return per_feature(maps, features)

    def controls(
        self, own: Float[Tensor, "sample feature"], counts: Int[Tensor, "sample"], ids: tuple[str, ...]
    ) -> Float[Tensor, "sample map feature"]:
        """Random maps of each sample; padding has 0."""
        drawn = own.new_zeros(len(own), self.n_maps, own.shape[1])
        for sample, (count, name) in enumerate(zip(counts.tolist(), ids, strict=True)):
            chance = generator(self.seed, "random map", name)
            drawn[sample, :, :count] = torch.randn(self.n_maps, count, generator=chance, dtype=own.dtype)
        return drawn


@lru_cache(maxsize=32)
def _effects(metric: AbstractAgreement, answers: Answers) -> Effects:
    """What does not depend on the attribution."""
    return metric.effects(answers.query, metric.features(answers.query))


def singles(counts: Int[Tensor, "sample"]) -> tuple[Bool[Tensor, "sample f f"], Bool[Tensor, "sample feature"]]:
    """Subsets of one feature each, as many as the sample with the most has; and which of them there are."""
    most = max(1, int(counts.amax()))
    return torch.eye(most, dtype=torch.bool).expand(len(counts), -1, -1), torch.arange(most) < counts[:, None]


def drops(
    query: Query,
    features: Int[Tensor, "sample ..."],
    removed: Bool[Tensor, "sample subset feature"],
    reference_input: str,
    seed: int,
) -> Float[Tensor, "sample subset"]:
    """f(x) - f(x where the features of a subset show the reference input)."""
    reference = reference_inputs(query, reference_input, seed)
    samples, subsets = removed.shape[:2]
    row, which = torch.unravel_index(torch.arange(samples * subsets), (samples, subsets))
    without = coalition_values(query, lambda part: ~removed[row[part], which[part]], row, reference, features)
    f = query.values(query.inputs).double()[:, None]
    found = f - without.double().view(samples, subsets)
    largest = torch.maximum(f.abs(), found.abs().amax(1, keepdim=True))
    return torch.where(found.abs() > LEAST * largest, found, 0)


def mean_squares(
    query: Query, features: Int[Tensor, "sample ..."], n_draws: int, reference_input: str, seed: int
) -> Effects:
    """For each feature the mean of the squared drop, over draws of what takes its place."""
    removed, used = singles(group_counts(features))
    drawn = query.subject.task.kind is not Kind.TEXT and reference_input in ("data", "noise")
    times = n_draws if drawn else 1
    total = sum(drops(query, features, removed, reference_input, seed + draw) ** 2 for draw in range(times))
    return Effects(removed, torch.as_tensor(total) / times, used)


def correlation(
    maps: Float[Tensor, "sample map subset"],
    effects: Float[Tensor, "sample subset"],
    used: Bool[Tensor, "sample subset"],
) -> Float[Tensor, "sample map"]:
    """Pearson's, over what is used. A constant map has 0; where the effects are constant every map has NaN."""
    here = used[:, None].double()
    count = here.sum(-1, keepdim=True).clamp(min=1)

    def centred(values: Tensor) -> Tensor:
        away = (values - (values * here).sum(-1, keepdim=True) / count) * here
        size = away.norm(dim=-1, keepdim=True)
        nothing = size <= LEAST * (values * here).norm(dim=-1, keepdim=True)
        return torch.where(nothing, 0, away / torch.where(nothing, 1, size))

    first, second = centred(maps), centred(effects[:, None])
    found = (first * second).sum(-1).clamp(-1, 1)
    return torch.where(second.any(-1), found, torch.nan)


def mean_ranks(
    values: Float[Tensor, "sample map feature"], used: Bool[Tensor, "sample feature"]
) -> Float[Tensor, "sample map feature"]:
    """The rank of each value among those used; equal ones share the mean of theirs."""
    placed = torch.where(used[:, None], values, torch.inf)
    ordered = placed.sort(-1).values.contiguous()
    below = torch.searchsorted(ordered, placed.contiguous(), side="left")
    upto = torch.searchsorted(ordered, placed.contiguous(), side="right")
    return (below + upto).double() / 2
