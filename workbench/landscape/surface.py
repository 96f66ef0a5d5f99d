"""The loss over a plane through the trained weights."""

from dataclasses import dataclass

import numpy as np

from workbench.analysis import AbstractAnalysis
from workbench.landscape.directions import NORMALISATIONS, displaced, norm, random_directions
from workbench.landscape.grid import SCALES, displacements, why_no_weights
from workbench.landscape.loss import Loss
from workbench.records import Surface
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class LossSurface(AbstractAnalysis):
    """The mean cross-entropy over two random, filter-normalised directions through the trained weights.

    loss[j, i] = L(θ + x_i d₁ + y_j d₂), d₁ and d₂ as in `directions.random_directions`

    x and y are the displacements themselves: at (0, 0), which is always a point of the grid, the weights are bit for
    bit the trained ones; at (1, 0) every filter has moved by its own length. Batch norm uses its running statistics.
    Cost: steps² forward passes per sample.

    When it misleads: two directions of many thousands show what is typical, not what is worst; a bowl here says
    nothing about a sharp or a descending direction elsewhere. Another seed gives another plane. Surfaces of networks
    with different shapes or of other samples have different heights for reasons that are not sharpness.
    Reference: [li2018visualizing]
    """

    name = "surface"
    title = "Loss surface"

    steps: int = setting(21, low=3, high=101, help="Points along each side of the grid; odd, so that it has a centre")
    radius: float = setting(1.0, low=1e-6, high=1e3, help="How far the grid reaches, in lengths of a direction")
    normalisation: str = setting("filter", choices=NORMALISATIONS, help="What a direction is scaled to the length of")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the two random directions")

    def run(self, subject: Subject, samples: Samples) -> Surface:
        self._require(subject, samples)
        axis = displacements(self.steps, self.radius)
        loss = Loss.of(subject, samples)
        pair = random_directions(loss.weights, 2, self.seed, self.normalisation)
        heights = np.array([[loss.at(displaced(loss.weights, pair, (x, y))) for x in axis] for y in axis])
        centre = float(heights[self.steps // 2, self.steps // 2])
        return Surface(
            title=f"Loss of {subject.name} around its weights: {centre:.4f} at the centre, {len(samples):,} samples",
            provenance={
                **self.origin(subject, samples),
                "loss_at_trained_weights": centre,
                "norm_of_weights": norm(loss.weights),
                "norms_of_directions": [norm(direction) for direction in pair],
                "points_not_finite": int((~np.isfinite(heights)).sum()),
            },
            loss=heights,
            x=axis,
            y=axis,
            directions=f"two random directions, orthogonal to each other, seed {self.seed}",
            scale=SCALES[self.normalisation],
            seed=self.seed,
        )

    def cost(self) -> tuple[int, int]:
        return self.steps**2, 0

    def why_not(self, subject: Subject) -> str | None:
        return why_no_weights(subject)
