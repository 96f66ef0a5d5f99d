"""Gradients at noisy copies: against a loop with the same noise, what is known on paper, and how the noise is made."""

import numpy as np
import oracles
import pytest
import torch
from subjects import SCORE, Convolved, Dense, Features, Gated, Linear, Negation, Number, Scalar, Waves, query, subject

from workbench.explanation import explain, method
from workbench.noise import noise, scale

NAMES = ("smoothgrad", "smoothgrad_squared", "vargrad")


class Bowl(Scalar):
    """f = ½ Σ h x²: its gradient h x has the variance h² σ²."""

    curvature = torch.tensor([1.0, -2.0, 0.5, 0.0])

    def score(self, inputs):
        return (inputs**2 @ self.curvature) / 2


def literal(name: str, gradients: torch.Tensor) -> torch.Tensor:
    if name == "smoothgrad":
        return sum(gradients) / len(gradients)
    if name == "smoothgrad_squared":
        return sum(g * g for g in gradients) / len(gradients)
    mean = sum(gradients) / len(gradients)
    return sum((g - mean) * (g - mean) for g in gradients) / (len(gradients) - 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("network", [Dense, Convolved, Gated, Negation])
def test_values_equal_the_loop_over_noisy_copies(name, network):
    of = subject(network)
    samples = of.task.samples("test").take(range(3))
    asked, count = query(of, samples), 5
    record = explain(of, samples, method(name, n_samples=count, noise=0.2, seed=3), SCORE)
    draws = noise(asked, torch.arange(3), count, 3)
    for i in range(3):
        f = oracles.scalar(of.network, None if asked.mask is None else asked.mask[i])
        noisy = asked.points[i] + 0.2 * scale(of) * draws[i]
        expected = literal(name, torch.stack([oracles.gradient(f, x) for x in noisy]))
        if network is Negation:
            expected = expected.norm(dim=-1) if name == "smoothgrad" else expected.sum(-1)
        np.testing.assert_allclose(record.values[i], expected.numpy(), rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("name", NAMES)
def test_linear_function_and_ignored_feature(name):
    """The gradient 2, 2, -3, 0 wherever it is asked for."""
    of = subject(Linear)
    record = explain(of, of.task.samples("test"), method(name), SCORE)
    expected = {"smoothgrad": (2, 2, -3, 0), "smoothgrad_squared": (4, 4, 9, 0), "vargrad": (0, 0, 0, 0)}[name]
    np.testing.assert_allclose(record.values, np.broadcast_to(expected, record.values.shape), atol=1e-5)


def test_quadratic_function_has_its_curvature_in_the_variance():
    of = subject(Bowl)
    samples = of.task.samples("test").take(range(4))
    settings = {"n_samples": 4000, "noise": 0.1}
    mean, square, variance = (explain(of, samples, method(name, **settings), SCORE).values for name in NAMES)
    sigma = 0.1 * scale(of).numpy()
    curvature = Bowl.curvature.numpy()
    np.testing.assert_allclose(variance, np.broadcast_to((curvature * sigma) ** 2, (4, 4)), rtol=0.1)
    np.testing.assert_allclose(mean, samples.inputs.numpy() * curvature, atol=0.02)
    np.testing.assert_allclose(square, mean**2 + variance * 3999 / 4000, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("network", [Dense, Convolved, Gated, Negation])
def test_without_noise_it_is_the_gradient(network):
    of = subject(network)
    samples = of.task.samples("test").take(range(3))
    plain = explain(of, samples, method("gradient"), SCORE).values
    quiet = method("smoothgrad", noise=0.0, n_samples=2)
    assert not quiet.is_random()
    np.testing.assert_allclose(explain(of, samples, quiet, SCORE).values, plain, atol=1e-6)
    assert np.abs(explain(of, samples, method("vargrad", noise=0.0, n_samples=2), SCORE).values).max() < 1e-9


def test_scale_is_the_range_of_each_column_and_of_all_pixels_and_the_spread_of_embeddings():
    table = Features().samples("train").inputs
    torch.testing.assert_close(scale(subject(Dense)), table.amax(0) - table.amin(0))
    series = Waves().samples("train").inputs.flatten(0, 1)
    torch.testing.assert_close(scale(subject(Gated)), series.amax(0) - series.amin(0))
    assert scale(subject(Gated))[1] > 5 * scale(subject(Gated))[0]
    images = subject(Convolved).task.samples("train").inputs
    torch.testing.assert_close(scale(subject(Convolved)), images.amax() - images.amin())
    one_hot = torch.eye(8)[2:].double()  # the six words of the training sentences
    torch.testing.assert_close(scale(subject(Negation)).double(), one_hot.std(correction=0))


def test_noise_is_normal_and_another_for_each_copy_and_entry():
    of = subject(Convolved)
    asked = query(of, of.task.samples("test"))
    draws = noise(asked, torch.arange(12), 50, 0)
    assert draws.shape == (12, 50, 2, 6, 6)
    assert abs(float(draws.mean())) < 0.02
    assert float(draws.std()) == pytest.approx(1, abs=0.02)
    assert len(draws.flatten().unique()) > 0.99 * draws.numel()
    torch.testing.assert_close(noise(asked, torch.tensor([7]), 50, 0)[0], draws[7])
    assert not torch.equal(noise(asked, torch.tensor([7]), 50, 1)[0], draws[7])


def test_regression_is_taken_by_the_same_call():
    of = subject(Number)
    values = explain(of, of.task.samples("test"), method("smoothgrad")).values
    np.testing.assert_allclose(values, np.broadcast_to((2, 2, -3, 0), values.shape), atol=1e-5)
