"""Completeness."""

from dataclasses import dataclass

import numpy as np
import torch

from workbench.chance import per_sample
from workbench.records import Attribution, Score
from workbench.scoring import AbstractMetric
from workbench.settings import setting
from workbench.subject import Subject
from zoo.task import Samples


@dataclass(frozen=True, kw_only=True)
class Completeness(AbstractMetric):
    """By how much the attributions miss what they should add up to, in per cent of it.

    100 |Σ a - (f(x) - f(x'))| / |f(x) - f(x')|

    Only of methods that have a reference input x'. A sample whose f(x) and f(x') are the same but for rounding (1e-5 of
    the larger; a tree often gives both the same leaf) is not scored: per cent of nothing mean nothing. Lower is better.
    The control is Gaussian noise of the same size (Euclidean norm) as the attribution.

    When it misleads: a map can add up perfectly and be wrong everywhere; it is a necessary condition alone. Where f(x)
    is nearly f(x') the per cent are of nearly nothing.
    Reference: [sundararajan2017axiomatic]
    """

    name = "completeness"
    title = "Completeness gap"
    category = "axiomatic"
    higher_is_better = False
    unit = "%"

    n_draws: int = setting(20, low=1, high=1000, help="Random maps of each sample, the control")
    seed: int = setting(0, low=0, high=2**31 - 1, help="Of the control")

    def why_not(self, samples: Samples, attribution: Attribution) -> str | None:
        if np.isnan(attribution.f_reference).any():
            return "without a reference input there is nothing that the values should add up to."
        return None

    def score(self, subject: Subject, samples: Samples, attribution: Attribution) -> Score:
        self.require(samples, attribution)
        flat = attribution.values.reshape(len(attribution), -1).astype(np.float64)
        shape = (self.n_draws, flat.shape[1])
        noise = per_sample(lambda chance: torch.randn(shape, generator=chance), samples.ids, self.seed, "noise map")
        sizes = np.linalg.norm(flat, axis=1) / np.linalg.norm(noise.numpy(), axis=2).T
        wanted = attribution.f_x - attribution.f_reference
        gaps = np.abs(noise.numpy().sum(2).T * sizes - wanted).T
        differ = np.isfinite(attribution.relative_gap)
        scale = 100 / np.where(differ, np.abs(wanted), 1)
        why = "f(x) and f(x') are the same but for rounding: there is nothing to share out."
        return self.record(attribution, 100 * attribution.relative_gap, gaps * scale[:, None], scored=differ, why=why)
