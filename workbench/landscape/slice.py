"""The loss along lines through the trained weights."""

from dataclasses import dataclass

import numpy as np

from workbench.analysis import AbstractAnalysis
from workbench.landscape.directions import NORMALISATIONS, displaced, norm, random_directions
from workbench.landscape.grid import SCALES, displacements, why_no_weights
from workbench.landscape.loss import Loss
from workbench.records import Curve
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class Slice(AbstractAnalysis):
    """The mean cross-entropy along random, filter-normalised lines through the trained weights.

    y[k, i] = L(θ + x_i d_k), d_k as in `directions.random_directions`: orthogonal to each other

    All lines cross at x = 0, the trained weights. Several lines show how much one random line can be trusted.
    Cost: steps × n_directions forward passes per sample.

    When it misleads: a line through a saddle can look like a minimum, and random lines nearly always miss the few
    directions of high curvature; see the top eigenvalue for those.
    Reference: [goodfellow2015qualitatively]; normalised as in [li2018visualizing]
    """

    name = "slice"
    title = "Loss along lines"

    steps: int = setting(41, low=3, high=501, help="Points along each line; odd, so that one is the trained weights")
    radius: float = setting(1.0, low=1e-6, high=1e3, help="How far a line reaches, in lengths of its direction")
    n_directions: int = setting(3, low=1, high=8, help="How many random lines")
    normalisation: str = setting("filter", choices=NORMALISATIONS, help="What a direction is scaled to the length of")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the random directions")

    def run(self, subject: Subject, samples: Samples) -> Curve:
        self._require(subject, samples)
        axis = displacements(self.steps, self.radius)
        loss = Loss.of(subject, samples)
        lines = random_directions(loss.weights, self.n_directions, self.seed, self.normalisation)
        heights = np.array([[loss.at(displaced(loss.weights, (line,), (x,))) for x in axis] for line in lines])
        return Curve(
            title=f"Loss of {subject.name} along random lines through its weights, {len(samples):,} samples",
            provenance={
                **self.origin(subject, samples),
                "loss_at_trained_weights": float(heights[0, self.steps // 2]),
                "norms_of_directions": [norm(line) for line in lines],
                "points_not_finite": int((~np.isfinite(heights)).sum()),
            },
            x=axis,
            y=heights,
            labels=tuple(f"direction {number}" for number in range(1, self.n_directions + 1)),
            x_title=f"displacement, {SCALES[self.normalisation]}",
            y_title="cross-entropy, nats",
        )

    def cost(self) -> tuple[int, int]:
        return self.steps * self.n_directions, 0

    def why_not(self, subject: Subject) -> str | None:
        return why_no_weights(subject)
