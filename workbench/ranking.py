"""Ranking: which methods a metric tells apart, paired over samples."""

from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float, Int

RESAMPLES = 2000
TAIL = 0.025
"""Share of the resampled means that may lie on the other side of zero, for a 95 % interval that leaves it out."""
NEGLIGIBLE = 1e-6
"""Of the larger mean: two ways to compute the same map in float32 differ by so much, sample after sample."""


def clearly_better(
    values: Float[np.ndarray, "method sample"], higher_is_better: bool, seed: int = 0
) -> Bool[np.ndarray, "method method"]:
    """Whether the method of each row is clearly better than that of each column; NaN marks what was not scored.

    Of each pair the samples that both were scored on are compared: the 95 % percentile bootstrap interval of the mean
    of their differences must leave zero out, and the mean must be more than rounding. Fewer than two common samples
    tell nothing apart.

    When it misleads: one pair in twenty that are alike is told apart by chance, and forty methods make 780 pairs.
    Reference: [efron1979bootstrap]
    """
    signed = values if higher_is_better else -values
    known = ~np.isnan(signed)
    better = np.zeros((len(signed), len(signed)), dtype=bool)
    for first in range(len(signed)):
        shared = known[first] & known[first + 1 :]
        for pattern in np.unique(shared, axis=0):
            if pattern.sum() < 2:
                continue
            others = first + 1 + np.flatnonzero((shared == pattern).all(1))
            differences = signed[first, pattern] - signed[others][:, pattern]
            sizes = np.maximum(abs(signed[first, pattern].mean()), np.abs(signed[others][:, pattern].mean(1)))
            above, below = _apart(differences, NEGLIGIBLE * sizes, seed)
            better[first, others], better[others, first] = above, below
    return better


def ranks(better: Bool[np.ndarray, "method method"], measured: Bool[np.ndarray, "method"]) -> Int[np.ndarray, "method"]:
    """1 + the number of methods that are clearly better; 0 where nothing was measured."""
    return np.where(measured, 1 + better.sum(0), 0)


def against_controls(
    better: Bool[np.ndarray, "method method"],
    measured: Bool[np.ndarray, "method"],
    controls: Bool[np.ndarray, "method"],
) -> Int[np.ndarray, "method"]:
    """1: clearly better than every control that was measured; −1: clearly worse than one; 0: neither, or a control."""
    rivals = controls & measured
    if not rivals.any():
        return np.zeros(len(better), dtype=int)
    won, lost = better[:, rivals].all(1), better[rivals].any(0)
    return np.where(controls | ~measured, 0, won.astype(int) - (lost & ~won))


def against_draws(
    values: Float[np.ndarray, "sample"], draws: Float[np.ndarray, "sample draw"], higher_is_better: bool, seed: int = 0
) -> int:
    """The same of one method, beside the mean of the random draws that a metric makes for each sample itself."""
    with np.errstate(all="ignore"):
        difference = values - draws.mean(1) if draws.size else np.zeros(0)
    difference = difference[np.isfinite(difference)] * (1 if higher_is_better else -1)
    if len(difference) < 2:
        return 0
    above, below = _apart(difference[None], np.full(1, NEGLIGIBLE * abs(float(np.mean(values)))), seed)
    return int(above[0]) - int(below[0])


def _apart(
    differences: Float[np.ndarray, "pair sample"], least: Float[np.ndarray, "pair"], seed: int
) -> tuple[Bool[np.ndarray, "pair"], Bool[np.ndarray, "pair"]]:
    """Whether the mean of each row is clearly above zero, and clearly below."""
    means = differences @ _drawn(differences.shape[1], seed)
    told = np.abs(differences.mean(1)) > least
    above, below = ((side <= 0).mean(1) < TAIL for side in (means, -means))
    return above & told, below & told


@lru_cache(maxsize=8)
def _drawn(count: int, seed: int) -> Float[np.ndarray, "sample resample"]:
    """How much each sample weighs in the mean of each resample."""
    picked = np.random.default_rng(seed).integers(count, size=(RESAMPLES, count))
    weights = np.stack([np.bincount(row, minlength=count) for row in picked], axis=1) / count
    weights.setflags(write=False)
    return weights
