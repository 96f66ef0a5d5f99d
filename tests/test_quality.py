"""Intervals, calibration and likelihood of predictions, against definitions and scikit-learn."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.metrics import f1_score, log_loss

from zoo.quality import expected_calibration_error, macro_f1, negative_log_likelihood, reliability, wilson


def answers(seed: int, count: int = 300, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    return chance.dirichlet(np.full(classes, 0.3), count), chance.integers(classes, size=count)


def check_wilson(interval: Callable[[int, int], tuple[float, float]], correct: int, total: int) -> None:
    """Its ends are the proportions p at which the measured one is just z standard errors away."""
    z = norm.ppf(0.975)
    for end in interval(correct, total):
        assert 0 <= end <= 1
        assert (correct / total - end) ** 2 == pytest.approx(z**2 * end * (1 - end) / total, abs=1e-12)


@given(st.integers(1, 2000), st.data())
def test_wilson_inverts_the_score_test(total: int, data: st.DataObject) -> None:
    check_wilson(wilson, data.draw(st.integers(0, total)), total)


def wald(correct: int, total: int) -> tuple[float, float]:
    """Broken: the textbook interval, of length zero at the ends."""
    share = correct / total
    half = norm.ppf(0.975) * np.sqrt(share * (1 - share) / total)
    return share - half, share + half


def test_the_check_rejects_the_textbook_interval() -> None:
    with pytest.raises(AssertionError):
        check_wilson(wald, 97, 100)


def test_wilson_of_nothing_and_of_everything() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10) == pytest.approx((0.0, 0.27753), abs=1e-5)
    assert wilson(10, 10) == pytest.approx((0.72247, 1.0), abs=1e-5)


def check_calibration(error: Callable[[np.ndarray, np.ndarray, int], float], seed: int, bins: int) -> None:
    """Literally: for every bin ((b − 1)/B, b/B], its share of samples times the gap."""
    probabilities, labels = answers(seed)
    expected = 0.0
    for b in range(1, bins + 1):
        inside = [s for s in range(len(labels)) if (b - 1) / bins < max(probabilities[s]) <= b / bins]
        if inside:
            right = np.mean([np.argmax(probabilities[s]) == labels[s] for s in inside])
            sure = np.mean([max(probabilities[s]) for s in inside])
            expected += len(inside) / len(labels) * abs(right - sure)
    assert error(probabilities, labels, bins) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("bins", [2, 15, 40])
@pytest.mark.parametrize("seed", range(3))
def test_calibration_error_is_its_definition(seed: int, bins: int) -> None:
    check_calibration(expected_calibration_error, seed, bins)


def unweighted(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> float:
    """Broken: bins of few samples count like bins of many."""
    _, confidence, accuracy = reliability(probabilities, labels, bins)
    return float(np.nanmean(np.abs(accuracy - confidence)))


def overall(probabilities: np.ndarray, labels: np.ndarray, bins: int) -> float:
    """Broken: gaps of opposite sign cancel."""
    counts, confidence, accuracy = reliability(probabilities, labels, bins)
    return abs(float(np.nansum(counts * (accuracy - confidence)) / counts.sum()))


@pytest.mark.parametrize("broken", [unweighted, overall])
def test_the_check_rejects(broken: Callable[[np.ndarray, np.ndarray, int], float]) -> None:
    with pytest.raises(AssertionError):
        check_calibration(broken, 0, 15)


def test_calibration_of_the_sure() -> None:
    sure = np.eye(3)[[0, 1, 2, 0]]
    assert expected_calibration_error(sure, np.array([0, 1, 2, 0])) == 0.0
    assert expected_calibration_error(sure, np.array([0, 1, 0, 1])) == pytest.approx(0.5)
    counts, confidence, accuracy = reliability(sure, np.array([0, 1, 2, 0]), 15)
    assert counts.tolist() == [0] * 14 + [4]
    assert (confidence[-1], accuracy[-1]) == (1.0, 1.0)
    assert np.isnan(confidence[:-1]).all()


@pytest.mark.parametrize("seed", range(3))
def test_likelihood_and_f1_are_scikit_learns(seed: int) -> None:
    probabilities, labels = answers(seed)
    assert negative_log_likelihood(probabilities, labels) == pytest.approx(
        log_loss(labels, np.maximum(probabilities, 1e-12), labels=range(4)), rel=1e-6
    )
    predicted = probabilities.argmax(1)
    assert macro_f1(predicted, labels, 4) == pytest.approx(f1_score(labels, predicted, average="macro"), rel=1e-12)


def test_an_impossible_label_does_not_rule_the_mean() -> None:
    assert negative_log_likelihood(np.array([[1.0, 0.0]]), np.array([1])) == pytest.approx(-np.log(1e-12))


def test_a_class_that_does_not_occur_is_left_out_of_f1() -> None:
    assert macro_f1(np.array([0, 1, 1]), np.array([0, 1, 1]), 5) == 1.0
