"""Imputation: what stands where features are missing, given which ones are.

A reference input is the same whatever else is missing; an imputer may look at what is kept. Any method or metric that
removes features can take one: `imputer(query, name, seed)`, then `imputed_values` in place of `coalition_values`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, Shaped
from torch import Tensor

from workbench.chance import generator, per_sample
from workbench.perturbations import coalition_values, keep
from workbench.query import Query
from workbench.reference_inputs import REFERENCE_INPUTS, reference_inputs
from zoo.errors import InputError, unknown
from zoo.task import Kind, Samples

MISSING = (*REFERENCE_INPUTS, "road", "marginal", "conditional")
"""The reference inputs, and three that look at what is missing.

For text, whose inputs are token ids, every name means [MASK] in place of each missing token.
"""
NOISE = 0.01
"""Of road, as a share of the standard deviation of the training inputs: holes are not perfectly smooth."""
MOST = 2000
"""Training samples that are drawn from at most; of more these are chosen at random."""
NEAREST = 5
"""Training samples among which 'conditional' draws."""
SIDE, CORNER = 1 / 6, 1 / 12
"""Weights of a pixel's neighbours beside it, and across a corner."""


class AbstractImputer(ABC):
    """Fills in what is missing from inputs. The same sample, mask and draw get the same values in any batch."""

    random: ClassVar[bool] = False
    """Whether another draw gives other values, so that a mean over several says more than one."""

    @abstractmethod
    def replace(
        self,
        inputs: Shaped[Tensor, "row ..."],
        kept: Bool[Tensor, "row ..."],
        rows: Int[Tensor, "row"],
        draw: int = 0,
    ) -> Shaped[Tensor, "row ..."]:
        """The inputs where `kept` (in their shape), imputed values elsewhere; `rows` are the samples they belong to."""


def imputer(query: Query, name: str = "auto", seed: int = 0) -> AbstractImputer:
    """What `name`, one of `MISSING`, means for a query.

    A reference input: the same whatever is kept. road (images): each missing pixel is the weighted mean of its eight
    neighbours, plus small noise. marginal: the values of a random training sample. conditional: those of one of the
    five training samples that are nearest in what is kept, drawn at random.

    When it misleads: a marginal value may contradict what is kept; the nearest training samples are few and, in many
    dimensions, not near; a smooth hole still has the outline of what was there.
    Reference: [rong2022consistent] of road, [covert2021explaining] of the others
    """
    if name not in MISSING:
        raise unknown("kind of missing values", name, MISSING)
    task = query.subject.task
    if task.kind is Kind.TEXT or name in REFERENCE_INPUTS:
        return Reference(reference_inputs(query, name if name in REFERENCE_INPUTS else "auto", seed))
    training = task.samples("train")
    if name == "road":
        if task.kind is not Kind.IMAGE:
            raise InputError(f"Missing values by 'road' are for images; this is {task.kind}. Choose conditional.")
        shape = query.inputs.shape[1:]
        noise = per_sample(lambda chance: torch.randn(shape, generator=chance), query.samples.ids, seed, "road")
        return Road(reference_inputs(query), noise * (NOISE * float(training.inputs.std())))
    if len(training) > MOST:
        order = torch.randperm(len(training), generator=generator(seed, "training samples"))
        training = training.take(order[:MOST].tolist())
    lots = Lots.of(query, seed)
    return Marginal(training.inputs, lots) if name == "marginal" else Conditional.of(query, training, lots)


def imputed_values(
    query: Query,
    imputer: AbstractImputer,
    coalitions: Callable[[slice], Bool[Tensor, "row group"]],
    rows: Int[Tensor, "row"],
    groups: Int[Tensor, "sample ..."],
    n_draws: int = 1,
) -> Float[Tensor, "row"]:
    """f where the groups of each coalition are present and the others imputed; the mean over draws of a random one.

    The arguments are those of `coalition_values`, which it equals where missing features show a reference input.
    """
    if isinstance(imputer, Reference):
        return coalition_values(query, coalitions, rows, imputer.reference, groups)

    def values(draw: int) -> Tensor:
        def build(part: slice) -> Tensor:
            where = rows[part]
            kept = coalitions(part).gather(1, groups[where].flatten(1).clamp(min=0)).view(len(where), *groups.shape[1:])
            return imputer.replace(query.inputs[where], kept, where, draw)

        return query.built_values(build, rows)

    return torch.stack([values(draw) for draw in range(n_draws if imputer.random else 1)]).mean(0)


@dataclass(frozen=True, eq=False)
class Reference(AbstractImputer):
    """The sample's reference input, whatever is kept."""

    reference: Shaped[Tensor, "sample ..."]

    def replace(self, inputs: Tensor, kept: Tensor, rows: Tensor, draw: int = 0) -> Shaped[Tensor, "row ..."]:
        return keep(inputs, kept, self.reference[rows])


@dataclass(frozen=True, eq=False)
class Road(AbstractImputer):
    """Noisy linear imputation: a missing pixel is the weighted mean of its neighbours, plus noise.

    d_p u_p = Σ_q w_pq u_q over the neighbours q of p within the image, u = x where kept; w = 1/6 beside and 1/12 across
    the corner, d_p their sum. A pixel is missing where any of its channels is. Where nothing is kept of an image there
    is nothing to go by: it becomes the task's reference input.
    """

    empty: Float[Tensor, "sample channel height width"]
    noise: Float[Tensor, "sample channel height width"]

    def replace(self, inputs: Tensor, kept: Tensor, rows: Tensor, draw: int = 0) -> Shaped[Tensor, "row ..."]:
        gone = ~kept.expand_as(inputs).all(1)
        filled = inputs.clone()
        for row, (image, missing) in enumerate(zip(inputs.numpy(), gone.numpy(), strict=True)):
            if missing.all():
                filled[row] = self.empty[rows[row]]
            elif missing.any():
                smooth = torch.from_numpy(harmonic(image, missing)) + self.noise[rows[row]]
                filled[row] = torch.where(gone[row], smooth.to(inputs), inputs[row])
        return filled


def harmonic(
    image: Float[np.ndarray, "channel height width"], gone: Bool[np.ndarray, "height width"]
) -> Float[np.ndarray, "channel height width"]:
    """The image with the weighted mean of its neighbours in every pixel that is gone, in float64.

    The equations d u - W u = W x over the pixels that are gone are sparse, symmetric and, where a pixel is kept,
    positive definite. Row by row a pixel's neighbours are at most width + 1 places off: a banded Cholesky solves them.
    """
    from scipy.linalg import solveh_banded

    if image.shape[2] > image.shape[1]:  # the narrower the band the better
        return harmonic(image.transpose(0, 2, 1), gone.T).transpose(0, 2, 1)
    width, count = image.shape[2], gone.size
    inside, column = gone.ravel().astype(float), np.arange(count) % width
    band = np.zeros((width + 2, count))
    degree, known = np.zeros(count), np.zeros((count, len(image)))
    values = image.reshape(len(image), -1).T.astype(float)
    for offset, weight, fits in (
        (1, SIDE, column < width - 1),
        (width - 1, CORNER, column > 0),
        (width, SIDE, column >= 0),
        (width + 1, CORNER, column < width - 1),
    ):
        weights = weight * fits[: max(0, count - offset)]  # of a pixel and the one `offset` places on
        band[offset, : len(weights)] -= weights * inside[: len(weights)] * inside[offset:]
        for one, other in ((slice(len(weights)), slice(offset, None)), (slice(offset, None), slice(len(weights)))):
            degree[one] += weights
            known[one] += weights[:, None] * (1 - inside[other, None]) * values[other]
    band[0] = np.where(gone.ravel(), degree, 1)
    solved = solveh_banded(band, known * inside[:, None], lower=True, check_finite=False)
    return np.where(gone, solved.T.reshape(image.shape), image)


@dataclass(frozen=True, eq=False)
class Lots:
    """A number for each sample, mask and draw, as good as random and the same in any batch."""

    places: Int[Tensor, "place"]
    samples: Int[Tensor, "sample"]

    @classmethod
    def of(cls, query: Query, seed: int) -> "Lots":
        low, high = -(2**62), 2**62

        def draw(chance: torch.Generator) -> Tensor:
            return torch.randint(low, high, (), generator=chance)

        count = query.inputs[0].numel()
        places = torch.randint(low, high, (count,), generator=generator(seed, "lots", count))
        return cls(places, per_sample(draw, query.samples.ids, seed, "lots"))

    def drawn(self, kept: Bool[Tensor, "row ..."], rows: Int[Tensor, "row"], draw: int) -> Int[Tensor, "row"]:
        """At least 0; a sum of the places' numbers, well mixed (its bits alone would follow those of the mask)."""
        mixed = (kept.flatten(1).long() * self.places).sum(1) + self.samples[rows] + draw * 0x1E3779B97F4A7C15 % 2**62
        for shift, factor in ((30, 0x3F58476D1CE4E5B9), (27, 0x14D049BB133111EB), (31, 1)):
            mixed = (mixed ^ (mixed >> shift)) * factor
        return mixed & (2**62 - 1)


@dataclass(frozen=True, eq=False)
class Marginal(AbstractImputer):
    """The values of a training sample that is drawn anew for each mask, whatever is kept."""

    training: Shaped[Tensor, "member ..."]
    lots: Lots
    random = True

    def replace(self, inputs: Tensor, kept: Tensor, rows: Tensor, draw: int = 0) -> Shaped[Tensor, "row ..."]:
        which = self.lots.drawn(kept.expand_as(inputs), rows, draw) % len(self.training)
        return keep(inputs, kept, self.training[which])


@dataclass(frozen=True, eq=False)
class Conditional(AbstractImputer):
    """The values of one of the `NEAREST` training samples by the Euclidean distance of what is kept, each entry in
    units of its standard deviation; where nothing is kept any of them. A sample is no neighbour of itself."""

    training: Shaped[Tensor, "member ..."]
    lots: Lots
    scaled: Float[Tensor, "member place"]
    scale: Float[Tensor, "place"]
    itself: Int[Tensor, "sample"]
    """Where a sample is among the training samples; -1 where it is not."""
    random = True

    @classmethod
    def of(cls, query: Query, training: Samples, lots: Lots) -> "Conditional":
        flat = training.inputs.flatten(1).double().to(query.subject.device)
        deviation = flat.std(0)
        scale = torch.where(deviation > 0, 1 / deviation, 0)
        places = {name: place for place, name in enumerate(training.ids)}
        itself = torch.tensor([places.get(name, -1) for name in query.samples.ids])
        return cls(training.inputs, lots, flat * scale, scale, itself)

    def replace(self, inputs: Tensor, kept: Tensor, rows: Tensor, draw: int = 0) -> Shaped[Tensor, "row ..."]:
        kept = kept.expand_as(inputs)
        lot = self.lots.drawn(kept, rows, draw)
        nearest = self._nearest(inputs, kept, rows)
        some = nearest.gather(1, (lot % nearest.shape[1])[:, None])[:, 0]
        which = torch.where(kept.flatten(1).any(1), some, lot % len(self.training))
        return keep(inputs, kept, self.training[which])

    def _nearest(self, inputs: Tensor, kept: Tensor, rows: Tensor) -> Int[Tensor, "row neighbour"]:
        """Of equally near ones the first, so that rounding decides nothing."""
        seen = kept.flatten(1).double().to(self.scale.device)
        own = inputs.flatten(1).double().to(self.scale.device) * self.scale
        squares = seen @ (self.scaled**2).T - 2 * (seen * own) @ self.scaled.T + (seen * own**2).sum(1, keepdim=True)
        squares = squares.round(decimals=8).cpu()
        known = (self.itself[rows] >= 0).nonzero()[:, 0]
        squares[known, self.itself[rows][known]] = torch.inf
        return squares.argsort(dim=1, stable=True)[:, : max(1, min(NEAREST, len(self.training) - 1))]
