"""Local Gaussians: clusters of rows, each with a rule of its own."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from zoo.generated import BLOCK
from zoo.planted import Draw, PlantedTable

WIDTH = 10
CLUSTERS = 4
USED = 4
"""Columns in the rule of each cluster."""
DISTANCE = 5.0
"""Of a cluster's centre from the origin, along an axis of its own."""
RULES = 1000
"""Stream of the generator that draws the rules."""


@dataclass(frozen=True, kw_only=True)
class GaussLocal(PlantedTable):
    """Rows of ten numbers from four normal clusters; which four columns decide the class, and how, depends on the
    cluster.

    x = 5 e_k + z with z normal;  y = 1 where w_k · z > 0, with w_k zero but for four columns of size 0.5 to 1.5

    The evidence are those four columns; `weights` gives w_k of each sample, the local truth. Which cluster a row is
    from can be told but for less than one row in a thousand, hence the best possible accuracy. Groups are the columns.

    A smaller relative of OpenXAI's synthetic data, with the difference that each rule is about its cluster's centre, so
    that both classes are as frequent in every cluster.

    When it misleads: the first four columns also say which cluster it is, so that a model, rightly, looks at them
    even where the rule does not; `with_other_rest` exchanges the others within the cluster only.
    Reference: [agarwal2022openxai]
    """

    name = "gauss_local"
    title = "Local rules in Gaussian clusters"
    classes = ("below", "above")
    citation = "agarwal2022openxai"
    features = tuple(f"x{column + 1}" for column in range(WIDTH))
    bayes = 0.9998  # the mean of the larger posterior over 400,000 rows
    rule = "A weighted sum of four columns about the cluster's centre is above 0; each cluster has its own four."
    about = (
        "Generated numbers: four normal clusters in ten dimensions, each with its own four columns and weights that "
        "decide the class. The weights of every sample are known. Splits come from different seeds."
    )

    train: int = 20000

    @cached_property
    def local_rules(self) -> Float[np.ndarray, "cluster feature"]:
        """w_k of each cluster: four columns at random, sizes from 0.5 to 1.5, signs at random."""
        generator = np.random.default_rng((self.seed, RULES))
        rules = np.zeros((CLUSTERS, WIDTH))
        for row in rules:
            chosen = generator.permutation(WIDTH)[:USED]
            row[chosen] = generator.choice((-1, 1), USED) * generator.uniform(0.5, 1.5, USED)
        return rules

    def draw(self, generator: np.random.Generator) -> Draw:
        cluster = generator.integers(CLUSTERS, size=BLOCK)
        varied = generator.standard_normal((BLOCK, WIDTH))
        weights = self.local_rules[cluster]
        return Draw(
            place=centres()[cluster],
            varied=varied,
            evidence=weights != 0,
            labels=((weights * varied).sum(1) > 0).astype(np.int64),
        )

    def clusters(self, split: str) -> Int[Tensor, "sample"]:
        """The cluster that each row of a split was drawn from."""
        return torch.from_numpy(np.concatenate([rows.place.argmax(1) for rows in self.drawn(split)]))

    def weights(self, split: str) -> Float[Tensor, "sample feature"]:
        """The local truth: the weight of each column in the rule of the row's own cluster."""
        return torch.from_numpy(self.local_rules)[self.clusters(split)]

    def posterior(self, inputs: Float[Tensor, "sample feature"]) -> Float[Tensor, "sample class"]:
        """The probability of each class given the row, from the densities of the clusters.

        p(y = 1 | x) = Σ_k p(k | x) [w_k · (x − 5 e_k) > 0],  p(k | x) ∝ exp(−‖x − 5 e_k‖² / 2)
        """
        offset = inputs.double()[:, None] - torch.from_numpy(centres())  # sample, cluster, feature
        share = (-offset.square().sum(2) / 2).softmax(1)
        above = (offset * torch.from_numpy(self.local_rules)).sum(2) > 0
        one = (share * above).sum(1)
        return torch.stack((1 - one, one), dim=1)


def centres() -> Float[np.ndarray, "cluster feature"]:
    """5 e_k for each cluster k."""
    return DISTANCE * np.eye(CLUSTERS, WIDTH)
