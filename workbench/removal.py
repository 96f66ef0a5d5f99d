"""Removal: what the model says while features are taken out, or put back, in the order of an attribution."""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from workbench.chance import generator
from workbench.perturbations import coalition_values, fine_features, group_counts, per_feature
from workbench.query import Query
from workbench.records import Attribution, Curve, Output, Score
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from workbench.scoring import AbstractMetric, over_inputs
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Samples

BAND = (0.025, 0.975)
"""Quantiles of the random orders between which the band of a figure lies."""


@dataclass(frozen=True, kw_only=True)
class AbstractRemoval(AbstractMetric):
    """Area under the probability of the explained class, or the number that is predicted, while features have their
    turn, the highest attribution first.

    Removing features in one order passes through the same inputs as inserting them in the opposite one. So one set of
    random orders is the control of both, and it is asked for once per batch of samples, not once per method.
    """

    category = "faithfulness"
    unit = "probability"
    inserting: ClassVar[bool]

    n_steps: int = setting(16, low=2, high=256, help="Points along the curve, beside its beginning")
    n_orders: int = setting(20, low=1, high=1000, help="Random orders of each sample, the control")
    reference_input: str = setting("auto", choices=REFERENCE_INPUTS, help="What a removed feature shows (text: [MASK])")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the random orders, and of ties")

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        curve, control, shares = self._measured(subject, samples, attribution)
        found = self.record(attribution, _area(curve, shares)[:, 0], _area(control, shares))
        return replace(found, unit="output") if subject.task.regression else found

    def curves(self, subject: Subject, samples: Samples, attribution: Attribution) -> Curve:
        """The curve of the attribution, a mean where there are several samples, before the band of random orders."""
        self.require(samples, attribution)
        curve, control, shares = self._measured(subject, samples, attribution)
        x = shares[0] if len(samples) == 1 else np.linspace(0, 1, self.n_steps + 1)
        return Curve(
            title=self.title,
            x=x,
            y=_on_grid(curve, shares, x).mean(0),
            labels=(attribution.method,),
            x_title=f"share of features {'put back' if self.inserting else 'removed'}",
            y_title=subject.task.classes[0] if subject.task.regression else "probability of the explained class",
            band=np.quantile(_on_grid(control, shares, x).mean(0), BAND, axis=0),
            band_label=f"central 95 % of {self.n_orders} random orders",
            provenance=attribution.provenance,
        )

    def _measured(
        self, subject: Subject, samples: Samples, attribution: Attribution
    ) -> tuple[
        Float[np.ndarray, "sample 1 step"], Float[np.ndarray, "sample draw step"], Float[np.ndarray, "sample step"]
    ]:
        """The attribution's curve, those of the random orders, and the share of features that had their turn."""
        query = Query(subject, samples, torch.tensor(attribution.classes), Output.PROBABILITY)
        features = fine_features(subject.task, samples.inputs)
        counts = group_counts(features)
        worth = per_feature(torch.tensor(over_inputs(attribution, subject.task.axes)), features)
        order = ranks(-worth if self.inserting else worth, counts, samples.ids, self.seed)
        curve = _removed(query, features, order[:, None], self.n_steps, self.reference_input, self.seed)
        control = _controls(Answers(query), self.n_orders, self.n_steps, self.reference_input, self.seed)
        shares = (_turns(counts, self.n_steps) / counts.clamp(min=1)[:, None]).numpy()
        if self.inserting:  # the same inputs, walked through from the other end
            return curve[..., ::-1], control[..., ::-1], 1 - shares[..., ::-1]
        return curve, control, shares


class Answers:
    """A query by what it asks and is answered: equal for all methods that explain the same classes of the same inputs.

    The answers are part of it, so that a network whose weights were changed in place meets no control of its past.
    """

    def __init__(self, query: Query) -> None:
        self.query = query
        content = (query.inputs, query.classes, query.values(query.inputs))
        digest = hashlib.sha256(b"/".join(part.cpu().contiguous().numpy().tobytes() for part in content))
        self.key = (digest.hexdigest(), query.samples.ids, id(query.subject.model))

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Answers) and self.key == other.key


@lru_cache(maxsize=32)
def _controls(
    answers: Answers, n_orders: int, n_steps: int, reference_input: str, seed: int
) -> Float[np.ndarray, "sample draw step"]:
    """The curves of random orders, which do not depend on the attribution."""
    query = answers.query
    features = fine_features(query.subject.task, query.inputs)
    counts = group_counts(features)
    return _removed(query, features, random_ranks(query, counts, n_orders, seed), n_steps, reference_input, seed)


def random_ranks(
    query: Query, counts: Int[Tensor, "sample"], n_orders: int, seed: int
) -> Int[Tensor, "sample draw feature"]:
    """Random orders of each sample's features, as the rank that each feature has in them."""
    drawn = torch.zeros(len(counts), n_orders, max(1, int(counts.amax())), dtype=torch.long)
    for sample, (count, name) in enumerate(zip(counts.tolist(), query.samples.ids, strict=True)):
        draws = torch.rand(n_orders, count, generator=generator(seed, "random orders", name))
        drawn[sample, :, :count] = draws.argsort(1)
    return drawn


def _removed(
    query: Query,
    features: Int[Tensor, "sample ..."],
    ranks: Int[Tensor, "sample draw feature"],
    n_steps: int,
    reference_input: str,
    seed: int,
) -> Float[np.ndarray, "sample draw step"]:
    """f with the features of rank below 0, …, all removed. All orders of a sample begin and end alike: asked once."""
    reference = reference_inputs(query, reference_input, seed)
    turns = _turns(group_counts(features), n_steps)
    samples, draws, inner = len(ranks), ranks.shape[1], n_steps - 1
    row, draw, step = torch.unravel_index(torch.arange(samples * draws * inner), (samples, draws, inner))

    def present(part: slice) -> Tensor:
        return ranks[row[part], draw[part]] >= turns[row[part], step[part] + 1][:, None]

    middle = coalition_values(query, present, row, reference, features).view(samples, draws, inner)
    ends = [query.values(x)[:, None, None].expand(-1, draws, 1) for x in (query.inputs, reference)]
    return torch.cat((ends[0], middle, ends[1]), -1).double().numpy()


def _turns(counts: Int[Tensor, "sample"], n_steps: int) -> Int[Tensor, "sample step"]:
    """How many features have had their turn at each step: evenly, rounded alike from both ends."""
    step = torch.arange(n_steps + 1)
    forward = (2 * step * counts[:, None] + n_steps) // (2 * n_steps)
    return torch.where(2 * step <= n_steps, forward, counts[:, None] - forward.flip(1))


def ranks(
    worth: Float[Tensor, "sample feature"], counts: Int[Tensor, "sample"], ids: tuple[str, ...], seed: int
) -> Int[Tensor, "sample feature"]:
    """0 for the feature of most worth, 1 for the next, …; equal ones in random order, so that no place is favoured."""
    found = torch.zeros(worth.shape, dtype=torch.long)
    for sample, (count, name) in enumerate(zip(counts.tolist(), ids, strict=True)):
        shuffled = torch.randperm(count, generator=generator(seed, "ties", name))
        order = shuffled[worth[sample, shuffled].argsort(descending=True, stable=True)]
        found[sample, order] = torch.arange(count)
    return found


def _on_grid(
    curves: Float[np.ndarray, "sample draw step"], shares: Float[np.ndarray, "sample step"], x: Float[np.ndarray, "x"]
) -> Float[np.ndarray, "sample draw x"]:
    """The curves, known at each sample's own shares, at common ones: few features have no sixteenth of theirs.

    Where there are more steps than features a share comes up more than once, with the same value.
    """
    if len(shares) == 1:
        return curves
    return np.stack([[np.interp(x, own, line) for line in lines] for lines, own in zip(curves, shares, strict=True)])


def _area(
    curves: Float[np.ndarray, "sample draw step"], shares: Float[np.ndarray, "sample step"]
) -> Float[np.ndarray, "sample draw"]:
    """Trapezoid area under each curve over the share of features that had their turn."""
    return np.trapezoid(curves, shares[:, None], axis=-1)
