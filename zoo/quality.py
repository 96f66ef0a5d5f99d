"""Quality of predictions: accuracy with its interval, calibration, likelihood. Cards and comparisons share it."""

from statistics import NormalDist

import numpy as np
from jaxtyping import Float, Int

CONFIDENCE = 0.95
BINS = 15
LEAST_PROBABILITY = 1e-12
"""Below it a probability is a rounding error, and its logarithm would rule the mean."""


def wilson(correct: int, total: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n) with p = correct / n; (0, 1) where nothing was counted.

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
    hit = np.bincount(labels[predicted == labels], minlength=classes)
    seen = np.bincount(predicted, minlength=classes) + np.bincount(labels, minlength=classes)
    return float((2 * hit[seen > 0] / seen[seen > 0]).mean())
