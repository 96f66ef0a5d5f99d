"""Quality of predictions: scores with their intervals, calibration, likelihood. Cards and comparisons share it."""

from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np
from jaxtyping import Float, Int
from scipy.special import stdtrit

CONFIDENCE = 0.95
BINS = 15
LEAST_PROBABILITY = 1e-12
"""Below it a probability is a rounding error, and its logarithm would rule the mean."""
RESAMPLES = 2000
"""Of a bootstrap: the ends of an interval then wander by about a fiftieth of its length between seeds."""


def wilson(correct: float, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n) with p = correct / n; (0, 1) where nothing was counted.
    `correct` need not be whole: several answers of one sample may count as a share of it.

    When it misleads: it takes samples for independent draws; images by one writer, or phrases of one film, are not.
    Reference: [wilson1927probable]
    """
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, inverse = correct / total, z * z / total
    centre = share + inverse / 2
    half = z * np.sqrt(share * (1 - share) / total + inverse / (4 * total))
    low, high = (centre - half) / (1 + inverse), (centre + half) / (1 + inverse)
    return max(0.0, float(low)), min(1.0, float(high))


def reliability(
    probabilities: Float[np.ndarray, "sample class"], labels: Int[np.ndarray, "sample"], bins: int = BINS
) -> tuple[Int[np.ndarray, "group"], Float[np.ndarray, "group"], Float[np.ndarray, "group"]]:
    """Per bin of confidence (equal widths, closed on the right): samples, mean confidence, accuracy (NaN if empty)."""
    confidence = probabilities.max(1).astype(np.float64)
    right = (probabilities.argmax(1) == labels).astype(np.float64)
    group = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(group, minlength=bins)
    size = np.where(counts > 0, counts, np.nan)
    means = np.bincount(group, weights=confidence, minlength=bins) / size
    return counts, means, np.bincount(group, weights=right, minlength=bins) / size


def expected_calibration_error(
    probabilities: Float[np.ndarray, "sample class"], labels: Int[np.ndarray, "sample"], bins: int = BINS
) -> float:
    """Σ_b (n_b / n) |accuracy_b − confidence_b| over bins of the predicted class's probability.

    When it misleads: its value depends on the number of bins, errors of opposite sign within a bin cancel, and even a
    perfectly calibrated model gets a value above zero on few samples. Reference: [guo2017calibration]
    """
    counts, confidence, accuracy = reliability(probabilities, labels, bins)
    filled = counts > 0
    gaps = np.abs(accuracy[filled] - confidence[filled])
    return float((counts[filled] * gaps).sum() / counts.sum())


def negative_log_likelihood(
    probabilities: Float[np.ndarray, "sample class"], labels: Int[np.ndarray, "sample"]
) -> float:
    """Mean of −log p(label), in nats; a probability below 1e-12 counts as 1e-12."""
    given = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(given, LEAST_PROBABILITY)).mean())


def macro_f1(predicted: Int[np.ndarray, "sample"], labels: Int[np.ndarray, "sample"], classes: int) -> float:
    """The unweighted mean over classes of 2 TP / (2 TP + FP + FN); a class that neither occurs nor is predicted is
    left out."""
    hit, called, occurring = _counts(predicted, labels, classes)
    seen = called + occurring > 0
    return float((2 * hit[seen] / (called + occurring)[seen]).mean())


def macro_precision(predicted: Int[np.ndarray, "sample"], labels: Int[np.ndarray, "sample"], classes: int) -> float:
    """The unweighted mean over classes of TP / (TP + FP): how much of what is called a class is of it. A class that
    occurs and is never predicted counts as 0; one that does neither is left out."""
    hit, called, occurring = _counts(predicted, labels, classes)
    seen = called + occurring > 0
    return float((hit[seen] / np.maximum(called[seen], 1)).mean())


def macro_recall(predicted: Int[np.ndarray, "sample"], labels: Int[np.ndarray, "sample"], classes: int) -> float:
    """The unweighted mean over classes of TP / (TP + FN): how much of a class is found. A class that is predicted and
    never occurs counts as 0; one that does neither is left out."""
    hit, called, occurring = _counts(predicted, labels, classes)
    seen = called + occurring > 0
    return float((hit[seen] / np.maximum(occurring[seen], 1)).mean())


def r_squared(predicted: Float[np.ndarray, "sample"], values: Float[np.ndarray, "sample"]) -> float:
    """R² = 1 − Σ (y − ŷ)² / Σ (y − ȳ)²: the share of the variance that is predicted.

    1 is perfect, 0 no better than the mean, and below 0 worse than it; NaN where the values do not differ.
    When it misleads: it grows with the spread of the values, so the same errors look better on a wider range.
    """
    given, asked = predicted.astype(np.float64), values.astype(np.float64)
    spread = ((asked - asked.mean()) ** 2).sum()
    return float(1 - ((asked - given) ** 2).sum() / spread) if spread > 0 else float("nan")


def bootstrap_r_squared(
    predicted: Float[np.ndarray, "sample"],
    values: Float[np.ndarray, "sample"],
    confidence: float = CONFIDENCE,
    seed: int = 0,
) -> tuple[float, float]:
    """The interval of R² between quantiles of its value on 2,000 resamples of the samples, drawn with replacement.

    When it misleads: of few samples it is too short, and it takes them for independent draws.
    Reference: [efron1979bootstrap]
    """
    whole = r_squared(predicted, values)
    if len(values) < 2 or not np.isfinite(whole):
        return whole, whole
    low, high = bootstrap(lambda rows: r_squared(predicted[rows], values[rows]), len(values), confidence, seed)
    return min(low, whole), max(high, whole)


def bootstrap(
    score: Callable[[Int[np.ndarray, "sample"]], float], count: int, confidence: float = CONFIDENCE, seed: int = 0
) -> tuple[float, float]:
    """The quantiles of a score over 2,000 resamples of `count` samples. Those that draw one sample again and again have
    no spread: a score of NaN says nothing and is left out. Reference: [efron1979bootstrap]"""
    chance = np.random.default_rng(seed)
    found = [score(chance.integers(count, size=count)) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(found, ((1 - confidence) / 2, (1 + confidence) / 2))
    return float(low), float(high)


def rmse(predicted: Float[np.ndarray, "sample"], values: Float[np.ndarray, "sample"]) -> float:
    """√ of the mean of (y − ŷ)², in the unit of y."""
    return float(np.sqrt(((values.astype(np.float64) - predicted) ** 2).mean()))


def mae(predicted: Float[np.ndarray, "sample"], values: Float[np.ndarray, "sample"]) -> float:
    """The mean of |y − ŷ|, in the unit of y."""
    return float(np.abs(values.astype(np.float64) - predicted).mean())


def t_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> tuple[float, float]:
    """x̄ ± t_{n−1} s / √n: where the mean of more draws like these n would lie; NaN for fewer than two.

    When it misleads: it takes the values for draws from a normal distribution; of three it is wide, and may leave the
    range of what is possible (an accuracy above 1). Reference: [student1908probable]
    """
    if len(values) < 2:
        return float("nan"), float("nan")
    mean, deviation = float(np.mean(values)), float(np.std(values, ddof=1))
    half = float(stdtrit(len(values) - 1, (1 + confidence) / 2)) * deviation / float(np.sqrt(len(values)))
    return mean - half, mean + half


def _counts(
    predicted: Int[np.ndarray, "sample"], labels: Int[np.ndarray, "sample"], classes: int
) -> tuple[Int[np.ndarray, "class"], Int[np.ndarray, "class"], Int[np.ndarray, "class"]]:
    """Per class: samples called so rightly, called so, and of that class."""
    hit = np.bincount(labels[predicted == labels], minlength=classes)
    return hit, np.bincount(predicted, minlength=classes), np.bincount(labels, minlength=classes)
