"""How far LIME agrees with itself."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from jaxtyping import Float

from workbench.analysis import AbstractAnalysis
from workbench.groups import GROUPS
from workbench.imputation import MISSING
from workbench.methods.lime import Lime
from workbench.query import Query
from workbench.records import Column, Output, Table
from workbench.scoring import interval, rank_correlation
from workbench.settings import setting
from workbench.subject import Subject, to_numpy
from workbench.surrogate import DISTANCES
from zoo.errors import InputError
from zoo.task import Samples

WIDTHS = (0.1, 0.25, 0.5, 1.0)
"""Kernel widths, from a few groups missing to half of them alike."""
USUAL = 0.25


@dataclass(frozen=True, kw_only=True)
class Stability(AbstractAnalysis):
    """How alike the weights of LIME are when it is run again with another seed, for several kernel widths.

    rank: mean over pairs of seeds of Spearman's ρ of the weights of all groups
    top k: mean over pairs of |A ∩ B| / k, A and B the k groups of largest |weight|
    R²: weighted share of the variance of f that the linear function explains, mean over seeds
    with 0.25: ρ of the mean weights at this width and at 0.25

    Each is a mean over samples, with a 95 % bootstrap interval over them. What is explained is the logit of the
    predicted class, or the number. Where a sample has so few groups that all their subsets are asked there is nothing
    random, and runs agree exactly.

    When it misleads: runs can agree and all be wrong; a wide kernel is stable because it averages over most of the
    input space, which is no longer near the sample.
    Reference: [visani2022statistical]
    """

    name = "stability"
    title = "LIME's stability"

    n_runs: int = setting(5, low=2, high=100, help="Seeds, whose runs are compared in pairs")
    top: int = setting(5, low=1, high=100, help="Groups that are compared as the largest")
    n_samples: int = setting(512, low=4, high=1_000_000, help="Subsets per run and sample; at least 8 per group")
    groups: str = setting("task", choices=GROUPS, help="What is present or missing at once")
    distance: str = setting("cosine", choices=DISTANCES, help="Between a subset and the whole")
    ridge: float = setting(0.001, low=0.0, high=1000.0, help="Penalty on squared weights")
    missing: str = setting("auto", choices=MISSING, help="What a missing group shows (on text: [MASK])")
    seed: int = setting(0, low=0, high=2**30, help="The first seed; the others follow")

    def run(self, subject: Subject, samples: Samples) -> Table:
        if not len(samples):
            raise InputError("No samples were given. Choose at least one, for example test:0:8.")
        self._require(subject, samples)
        classes = subject.logits(samples.inputs).argmax(-1).cpu()
        query = Query(subject.metered(), samples, classes, Output.LOGIT)
        weights, r2, counts = self._runs(query)
        usual = weights[:, WIDTHS.index(USUAL)].mean(0)
        rows, lows, highs = [], [], []
        for place, width in enumerate(WIDTHS):
            here = weights[:, place]
            columns = (*self._agreement(here, counts), r2[:, place].mean(0), _alike(here.mean(0), usual, counts))
            means, bounds = zip(*(_summary(column, self.seed) for column in columns), strict=True)
            rows.append((width, *means))
            lows.append([np.nan, *(low for low, _ in bounds)])
            highs.append([np.nan, *(high for _, high in bounds)])
        return Table(
            title=f"{subject.name}: how far {self.n_runs} runs of LIME agree",
            provenance=self.origin(subject, samples),
            columns=(
                Column(title="kernel width"),
                Column(title="rank correlation between seeds", higher_is_better=True),
                Column(title=f"shared of the top {self.top}", unit="share", higher_is_better=True),
                Column(title="local R²", higher_is_better=True),
                Column(title=f"rank correlation with width {USUAL:g}"),
            ),
            rows=tuple(rows),
            low=np.array(lows),
            high=np.array(highs),
            note=f"Means over {len(samples)} samples; each run asks about {self.n_samples} subsets or more.",
        )

    def cost(self) -> tuple[int, int]:
        return 1 + self.n_runs * self.n_samples, 0

    def _runs(
        self, query: Query
    ) -> tuple[Float[np.ndarray, "run width sample group"], Float[np.ndarray, "run width sample"], list[int]]:
        """Weights and R² of every run; the model is asked once for all widths, which only weigh its answers."""
        weights, r2, counts = [], [], []
        for run in range(self.n_runs):
            methods = [self._lime(self.seed + run, width) for width in WIDTHS]
            wanted, values = methods[0].outcomes(query)
            found = [one.fit(wanted, values) for one in methods]
            weights.append(to_numpy(torch.stack([one.weights for one in found])))
            r2.append(to_numpy(torch.stack([one.r2 for one in found])))
            counts = wanted.counts.tolist()
        return np.stack(weights), np.stack(r2), counts

    def _lime(self, seed: int, width: float) -> Lime:
        return Lime(
            n_samples=self.n_samples,
            groups=self.groups,
            distance=self.distance,
            kernel_width=width,
            ridge=self.ridge,
            missing=self.missing,
            seed=seed,
        )

    def _agreement(
        self, weights: Float[np.ndarray, "run sample group"], counts: list[int]
    ) -> tuple[Float[np.ndarray, "sample"], Float[np.ndarray, "sample"]]:
        """Rank correlation and overlap of the top groups of each sample, means over pairs of runs."""
        pairs = list(combinations(range(len(weights)), 2))
        ranks = [_alike(weights[a], weights[b], counts) for a, b in pairs]
        tops = [_overlap(weights[a], weights[b], counts, self.top) for a, b in pairs]
        return np.mean(ranks, 0), np.mean(tops, 0)


def _alike(
    first: Float[np.ndarray, "sample group"], second: Float[np.ndarray, "sample group"], counts: list[int]
) -> Float[np.ndarray, "sample"]:
    return np.array([rank_correlation(a[:count], b[:count]) for a, b, count in zip(first, second, counts, strict=True)])


def _overlap(
    first: Float[np.ndarray, "sample group"], second: Float[np.ndarray, "sample group"], counts: list[int], top: int
) -> Float[np.ndarray, "sample"]:
    shares = []
    for a, b, count in zip(first, second, counts, strict=True):
        size = max(1, min(top, count))
        one, other = (set(np.argsort(-np.abs(row[:count]), kind="stable")[:size].tolist()) for row in (a, b))
        shares.append(len(one & other) / size)
    return np.array(shares)


def _summary(values: Float[np.ndarray, "sample"], seed: int) -> tuple[float | None, tuple[float, float]]:
    """The mean and its interval of those samples that have a value."""
    known = values[np.isfinite(values)]
    return (float(known.mean()) if len(known) else None), interval(known, seed)
